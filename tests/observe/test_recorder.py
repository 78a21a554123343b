"""The recorder: issued once, ended once, and bounded whatever the target makes up."""

from __future__ import annotations

import pytest

from battlectl.observe.recorder import MOST_CODES, Recorder
from tests.observe.records import CUTS, deltas_of, tally_of


def test_unfinished_is_what_was_issued_and_has_not_ended():
    recorder = Recorder(CUTS, 1)
    recorder.issue("reads", 3)
    assert (recorder.unfinished, recorder.issued) == (3, {"reads": 3})
    recorder.end("reads", "a", 1, 0.0, 0.1, "ok", None)
    assert recorder.unfinished == 2


def test_take_hands_over_and_begins_anew():
    recorder = Recorder(CUTS, 1)
    recorder.end("reads", "a", 1, 0.0, 0.1, "ok", None)
    first = recorder.take()
    recorder.end("reads", "a", 2, 0.0, 0.1, "ok", None)
    second = recorder.take()
    totals = [sum(cell.total for cell in delta.calls.values()) for delta in (first, second, recorder.take())]
    assert totals == [1, 1, 0]


def test_the_parts_of_latency_add_up():
    recorder = Recorder(CUTS, 1)
    recorder.flow("reads", due=1.0, taken=1.001, sent=1.011, done=1.111)
    (flow,) = recorder.take().flows.values()
    assert [round(s.maximum * 1e3) for s in (flow.lag, flow.backlog, flow.service)] == [1, 10, 100]


def test_what_was_never_sent_has_a_lag_but_no_service():
    recorder = Recorder(CUTS, 1)
    recorder.lag("reads", 1.0, 1.25)
    (flow,) = recorder.take().flows.values()
    assert (flow.lag.count, flow.service.count, flow.sent) == (1, 0, 0)


def test_resends_and_retries_are_counted_apart():
    recorder = Recorder(CUTS, 1)
    recorder.reconnect("reads", 1.0)
    recorder.retry("reads", 1.0)
    recorder.retry("reads", 1.0)
    (flow,) = recorder.take().flows.values()
    assert (flow.reconnects, flow.retries, flow.sent) == (1, 2, 0)


def codes(count: int, after: int = 0) -> list[tuple]:
    return [("reads", "a", 0.0, 0.1, f"rpc_error({code})") for code in range(after, after + count)]


def test_a_target_that_makes_up_codes_does_not_fill_the_memory():
    cell = tally_of(deltas_of(codes(5_000), cuts=range(0, 5_000, 100))).cell(range(3))
    assert len(cell.outcomes) == MOST_CODES + 1
    assert cell.outcomes["rpc_error(other)"] == 5_000 - MOST_CODES
    assert cell.total == 5_000


@pytest.mark.parametrize("ended", ["ok", "dropped", "timeout", "abandoned"])
def test_many_codes_never_turn_a_plain_outcome_into_another(ended):
    cell = tally_of(deltas_of([*codes(100), ("reads", "a", 0.0, 0.1, ended)])).cell(range(3))
    assert cell.outcomes[ended] == 1
    assert cell.ok == (ended == "ok")


def test_a_code_that_is_known_is_still_counted_by_name():
    cell = tally_of(deltas_of([*codes(100), *codes(1)])).cell(range(3))
    assert cell.outcomes["rpc_error(0)"] == 2


def test_the_first_example_is_the_one_due_first_and_the_worst_the_slowest():
    history = [
        ("reads", "a", 2.3, 0.1, "timeout"),
        ("reads", "a", 1.0, 0.2, "timeout"),
        ("reads", "a", 2.0, 0.9, "timeout"),
        ("reads", "a", 2.4, 0.3, "timeout"),
        ("reads", "a", 0.0, 9.9, "ok"),
    ]
    _, (first, worst) = tally_of(deltas_of(history)).examples()
    assert (first.id, first.due_s, first.seen) == (1, 1.0, "seen 1")
    assert (worst.id, worst.latency_ms) == (2, pytest.approx(900))


def test_only_examples_that_may_be_kept_are_handed_on():
    (delta,) = deltas_of([("reads", "a", float(i), 0.1, "timeout") for i in range(9)])
    assert len(delta.examples) < 9
    assert delta.examples[0].id == 0
