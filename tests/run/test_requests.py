"""What a request carries and how its items are counted: batches, expectations, retries, heads, phases."""

from __future__ import annotations

import msgspec
import pytest

from battlectl.observe import outcome
from battlectl.transport.base import NoReply
from battlectl.transport.scripted import reply_json, reply_ok
from tests.battle import fight_scripted
from tests.run.scripts import (
    NEVER,
    REFUSED,
    adds_up,
    after,
    bodies,
    error,
    fight,
    flow,
    latency,
    outcomes,
    times,
)

RESET = (0.1, NoReply(outcome.RESET, "reset"))


def test_each_item_of_a_batch_is_an_arrival_and_all_share_one_latency():
    def script(exchange, number):
        right = [
            {"jsonrpc": "2.0", "id": call["id"], "result": 1} for call in msgspec.json.decode(exchange.body)
        ]
        right[1] = {"jsonrpc": "2.0", "id": right[1]["id"], "error": {"code": 3, "message": "no"}}
        return 0.2, reply_json(right[:2])

    fought = fight(script, calls=[{"batch": ["a", "b", "c"]}])
    assert outcomes(fought) == {"ok": 100, "rpc_error(3)": 100, "malformed": 100}
    assert (latency(fought).count, latency(fought).minimum, latency(fought).maximum) == (
        300,
        pytest.approx(0.2),
        pytest.approx(0.2),
    )
    assert (flow(fought).sent, fought.evidence.issued) == (100, {"reads": 300})


@pytest.mark.parametrize(("failure", "label"), [(NEVER, "timeout"), (REFUSED, "refused")])
def test_a_batch_without_an_answer_fails_whole(failure, label):
    fought = fight(lambda *_: failure, calls=[{"batch": ["a", "b", "c"]}])
    assert outcomes(fought) == {label: 300}


def test_a_dropped_batch_drops_every_item():
    fought = fight(after(1.0), calls=[{"batch": ["a", "b", "c"]}], max_in_flight=5, seconds=2)
    assert outcomes(fought) == {"ok": 30, "dropped": 30}
    assert adds_up(fought)


def test_an_expected_error_is_ok_and_a_result_then_wrong():
    fought = fight(
        lambda e, n: (0.01, error(e, 3) if n % 2 else reply_ok(e)),
        expect={"error": 3},
        objectives=["success_rate >= 50%"],
    )
    assert outcomes(fought) == {"ok": 50, "wrong": 50}
    assert fought.judgement.objectives[0].verdict == "pass"


def test_http_200_alone_is_never_success():
    fought = fight(lambda e, n: (0.01, reply_json({"jsonrpc": "2.0", "id": 0, "result": 1})))
    assert outcomes(fought) == {"malformed": 100}


class TestRetries:
    def test_none_are_made_unasked(self):
        fought = fight(lambda e, n: RESET if n == 0 else after(0.1)(e, n))
        assert outcomes(fought) == {"reset": 1, "ok": 99}
        assert flow(fought).retries == 0

    def test_are_counted_and_shown_and_latency_goes_on_from_due(self):
        fought = fight(
            lambda e, n: RESET if n < 2 else after(0.1)(e, n),
            "1/s",
            3,
            retries=2,
            objectives=["retries == 0"],
        )
        assert outcomes(fought) == {"ok": 3}
        assert flow(fought).retries == 2
        assert latency(fought).maximum == pytest.approx(0.3)
        assert fought.judgement.objectives[0].verdict == "fail"

    def test_are_no_more_than_asked_for(self):
        fought = fight(lambda *_: RESET, "1/s", 2, retries=2)
        assert outcomes(fought) == {"reset": 2}
        assert (flow(fought).retries, len(times(fought))) == (4, 6)

    def test_keep_the_deadline_of_the_first(self):
        fought = fight(lambda e, n: (0.4, RESET[1]), "1/s", 1, retries=9, timeout="1s")
        assert outcomes(fought) == {"timeout": 1}
        assert latency(fought).maximum == pytest.approx(1.0)
        assert times(fought) == pytest.approx([0.0, 0.4, 0.8])

    def test_are_not_made_of_valid_answers(self):
        fought = fight(lambda e, n: (0.1, error(e)), retries=3)
        assert (outcomes(fought), flow(fought).retries) == ({"rpc_error(-32000)": 100}, 0)

    def test_carry_the_same_request(self):
        sent = bodies(fight(lambda *_: RESET, "1/s", 1, retries=1))
        assert sent[0] == sent[1]


def test_a_block_is_filled_in_from_the_head_that_is_known():
    call = {"method": "eth_getBlockByNumber", "params": [{"$block": "latest-1"}, False]}
    sent = bodies(fight(after(0.01), seconds=1, calls=[call], head=0x1235))
    assert {str(body["params"]) for body in sent} == {"['0x1234', False]"}


def test_every_request_has_a_correlation_id_of_its_own():
    fought = fight(after(0.01), seconds=1)
    ids = [request_id for _, request_id, _ in fought.clients["reads"].submitted]
    assert ids == [f"test-reads-{body['id']}" for body in bodies(fought)]
    assert len(set(ids)) == 10


PHASES = {"warmup": "700ms", "steady": "1s", "battle": "1300ms"}
EDGES = {"warmup": "1s", "one": "1s", "two": "700ms", "three": "1s"}


def test_each_phase_has_the_arrivals_that_are_due_in_it_and_no_other():
    """300/s: due times at the edges of phases belong to the later one, whatever the clock's last digits."""
    fought = fight(after(0.01), "300/s", phases=EDGES)
    frame = fought.evidence.frame
    counts = {name: fought.evidence.tally.cell(frame.segments(w)).total for name, w in frame.windows.items()}
    assert counts == {"warmup": 300, "one": 300, "two": 210, "three": 300, "run": 810}


def test_an_answer_is_counted_where_its_arrival_was_due():
    fought = fight(after(2.0), "10/s", phases=PHASES)
    frame = fought.evidence.frame
    counts = [fought.evidence.tally.cell(frame.segments(phase)).ok for phase in frame.phases]
    assert counts == [7, 10, 13]


def test_workloads_keep_to_their_phases_and_to_themselves():
    load = {
        "reads": {"rate": "10/s", "calls": ["a"], "phases": ["steady"]},
        "writes": {"rate": "20/s", "calls": ["b"], "phases": ["steady", "battle"]},
    }
    fought = fight_scripted({"phases": PHASES, "load": load}, after(0.05))
    assert fought.evidence.issued == {"reads": 10, "writes": 46}
    assert (times(fought)[0], times(fought)[-1]) == (0.7, 1.6)
    assert (times(fought, "writes")[0], times(fought, "writes")[-1]) == (0.7, 2.95)
    assert {body["method"] for body in bodies(fought)} == {"a"}


def test_a_slow_workload_does_not_hold_up_another():
    load = {"slow": {"rate": "5/s", "calls": ["slow"]}, "fast": {"rate": "5/s", "calls": ["fast"]}}
    fought = fight_scripted(
        {"phases": {"steady": "4s"}, "load": load},
        lambda e, n: NEVER if b"slow" in e.body else (0.01, reply_ok(e)),
    )
    assert times(fought, "fast") == times(fought, "slow") == [k / 5 for k in range(20)]
    cell = fought.evidence.tally.cell([0], "fast")
    assert (cell.ok, cell.latency.maximum) == (20, pytest.approx(0.01, rel=1e-6))
