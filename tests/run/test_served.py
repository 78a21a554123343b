"""Who served, through a whole battle: every request once, nothing guessed, the same bits when rebuilt."""

from __future__ import annotations

from battlectl.analyse.judge import judge
from battlectl.errors import ExitCode
from battlectl.observe import outcome
from battlectl.observe.journal import decode_lines, encode_line
from battlectl.observe.served import UNANSWERED, UNNAMED, Served
from battlectl.report.document import build_document, encode_document
from battlectl.report.fold import Chronicle
from battlectl.transport.base import Exchange, NoReply
from battlectl.transport.scripted import reply_json, reply_ok, served_by
from tests.battle import Fought
from tests.run.scripts import NEVER, REFUSED, after, error, fight

SILENT = NoReply(outcome.CLOSED, "closed")


def served(fought: Fought):
    """Provider -> its cell, over the whole run."""
    return fought.evidence.tally.served(fought.evidence.frame.all_segments)


def requests(fought: Fought) -> dict[str, int]:
    return {provider: cell.requests for provider, cell in served(fought).items()}


def in_turn(exchange: Exchange, number: int):
    """Nine of ten from a; each tenth from b, late, at the second attempt."""
    if number % 10:
        return 0.01, served_by("a", 1, reply_ok(exchange))
    return 0.3, served_by("b", 2, reply_ok(exchange))


def test_every_request_is_counted_under_who_served_it():
    found = served(fight(in_turn, attributed=True))
    assert {provider: (cell.requests, cell.ok, cell.failovers) for provider, cell in found.items()} == {
        "a": (90, 90, 0),
        "b": (10, 10, 10),
    }
    assert (found["b"].failover_latency.count, round(found["b"].failover_latency.mean, 9)) == (10, 0.3)


def test_how_long_a_provider_took_is_held_against_the_time_from_sending():
    def script(exchange, number):
        told = 0.009 if number % 2 else 0.5
        return 0.01, reply_ok(exchange)._replace(served=Served("a", 1, None, told))

    fought = fight(script, attributed=True)
    cell = served(fought)["a"]
    assert (cell.upstream.count, cell.longer) == (100, 50)
    (note,) = [one for one in judge(fought.evidence).checks if one.name == "telemetry"]
    assert (note.verdict, note.level) == ("fail", "note")
    assert "up to 500 ms in one of 10 ms" in note.summary


def test_a_target_that_tells_nothing_leaves_nothing_observable():
    assert served(fight(after(0.01))) == {}
    assert served(fight(in_turn)) == {}


def test_a_reply_that_names_nobody_and_no_reply_are_kept_apart():
    def script(exchange, number):
        if number % 4 == 0:
            return 0.01, reply_ok(exchange)
        if number % 4 == 1:
            return 0.01, served_by(UNNAMED, 3, error(exchange))
        return REFUSED if number % 4 == 2 else NEVER

    found = served(fight(script, attributed=True, timeout="1s"))
    assert {p: (c.requests, c.ok, c.told, c.attempts) for p, c in found.items()} == {
        UNNAMED: (50, 25, 25, 75),
        UNANSWERED: (50, 0, 0, 0),
    }
    assert found[UNANSWERED].latency.count == 25  # Those that timed out; a refusal has no latency.


def test_an_error_is_a_request_of_its_provider_that_is_not_ok():
    found = served(fight(lambda exchange, _: (0.01, served_by("a", 1, error(exchange))), attributed=True))
    assert (found["a"].requests, found["a"].ok, found["a"].latency.count) == (100, 0, 100)


def test_a_batch_is_one_request_and_ok_when_all_of_it_is():
    def script(exchange, number):
        first = int(exchange.request_id.rsplit("-", 1)[-1])
        answers = [{"jsonrpc": "2.0", "id": first + n, "result": 1} for n in range(3)]
        if number % 2:
            answers[2] = {"jsonrpc": "2.0", "id": first + 2, "error": {"code": 3, "message": "no"}}
        return 0.01, served_by("a", 1, reply_json(answers))

    found = served(fight(script, calls=[{"batch": ["x", "y", "z"]}], attributed=True))
    assert (found["a"].requests, found["a"].ok) == (100, 50)


def test_a_request_that_was_sent_again_counts_by_its_last_reply():
    def script(exchange, number):
        answer = (
            served_by("b", 2, reply_ok(exchange)) if number % 2 else served_by("a", 1, reply_json({}, 503))
        )
        return 0.01, answer

    fought = fight(script, attributed=True, retries=1)
    assert requests(fought) == {"b": 100}


def test_what_was_dropped_was_no_request_and_what_was_abandoned_had_no_reply():
    dropped = fight(lambda *_: (0.55, SILENT), attributed=True, max_in_flight=1)
    assert requests(dropped) == {UNANSWERED: 17}
    abandoned = fight(lambda *_: NEVER, attributed=True, timeout="30s", stop_at={2.05: "interrupted"})
    assert requests(abandoned) == {UNANSWERED: 21}
    assert served(abandoned)[UNANSWERED].latency.count == 0


def test_the_sums_agree_with_the_arrivals_in_every_stretch():
    fought = fight(in_turn, attributed=True, phases={"warmup": "2s", "steady": "3s", "battle": "5s"})
    tally = fought.evidence.tally
    for segment in fought.evidence.frame.all_segments:
        found = sum(cell.requests for cell in tally.served([segment]).values())
        assert found == tally.cell([segment]).total > 0


def test_a_run_rebuilt_from_its_lines_gives_the_same_bytes():
    fought = fight(in_turn, attributed=True, objectives=["success_rate >= 99%"])
    chronicle = Chronicle(fought.plan.frame)
    for line in decode_lines(b"".join(map(encode_line, fought.lines))):
        chronicle.add(line)
    live, rebuilt = (
        fought.evidence,
        chronicle.evidence(fought.ending.how, fought.ending.reason, fought.ending.at),
    )
    documents = [encode_document(build_document({}, e, judge(e), ExitCode.PASS)) for e in (live, rebuilt)]
    assert documents[0] == documents[1]
    assert b'"provider":"b","requests":10' in documents[0]
