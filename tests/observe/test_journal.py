"""The journal: a line a second from which the run can be counted again, never longer than 16 KiB."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battlectl.observe.journal import (
    ALL_LABELS,
    COUNTS_ONLY,
    MOST_BYTES,
    Line,
    decode_lines,
    encode_line,
)
from battlectl.observe.outcome import outcome_of
from battlectl.observe.recorder import Recorder
from battlectl.observe.tally import CallKey, Delta
from tests.observe.records import CUTS, deltas_of, ends, line, state, tally_of
from tests.observe.samples import lognormal


def decoded(sent: Line) -> Line:
    (back,) = decode_lines(encode_line(sent))
    return back


@settings(deadline=None)
@given(ends, st.sets(st.integers(0, 40)))
def test_what_is_rebuilt_from_the_lines_is_what_was_counted(history, cuts):
    lines = [line(delta, float(t)) for t, delta in enumerate(deltas_of(history, cuts), 1)]
    stored = list(decode_lines(b"".join(map(encode_line, lines))))
    assert all(back.coarse == 0 for back in stored)
    assert state(tally_of(back.delta for back in stored)) == state(tally_of(deltas_of(history)))


def test_time_counts_and_health_come_back():
    sent = line(Delta(), 7.25, issued={"reads": 5, "writes": 2}, health={"stall_ms": 1.5, "cpu_ratio": 0.25})
    assert decoded(sent) == sent


def test_a_last_line_that_was_cut_short_is_left_out():
    whole = [encode_line(line(delta, float(t))) for t, delta in enumerate(deltas_of([], [1, 2]), 1)]
    data = b"".join(whole) + encode_line(line(Delta(), 9.0))[:-20]
    assert [back.t for back in decode_lines(data)] == [1.0]


@pytest.mark.parametrize("cut", [1, 10, 50])
def test_wherever_a_kill_cuts_the_lines_before_stand(cut):
    first = encode_line(line(Delta(), 1.0))
    assert [back.t for back in decode_lines(first + first[:-cut])] == [1.0]


def test_an_empty_journal_has_no_lines():
    assert list(decode_lines(b"")) == []


def busy(labels: int, per_label: int, workloads: int = 1, codes: int = 1, slices: int = 2) -> Delta:
    """One second in which much happened, no two latencies alike."""
    recorder = Recorder(CUTS, 1)
    latencies = iter(lognormal(labels * per_label * workloads * 2))
    for workload in range(workloads):
        for label in range(labels):
            for i in range(per_label):
                ended = "ok" if i % 2 else f"rpc_error({i % (2 * codes)})"
                name, due = f"workload-{workload}", i % slices + 0.5
                recorder.end(name, f"label_{label}", i, due, due + next(latencies), ended, f"{i} €😀\\" * 99)
                recorder.flow(name, due, due, due, due + next(latencies))
    return recorder.take()


BUSY = {
    "one call": busy(1, 300),
    "fifteen calls": busy(15, 800),
    "forty calls": busy(40, 100, slices=6),
    "many codes": busy(10, 300, codes=100),
    "many workloads": busy(5, 60, workloads=12, codes=20),
    "many workloads in many slices": busy(5, 60, workloads=12, codes=20, slices=9),
}


@pytest.mark.parametrize("kind", BUSY)
def test_no_line_is_longer_than_the_bound(kind):
    assert len(encode_line(line(BUSY[kind]))) <= MOST_BYTES


@pytest.mark.parametrize("kind", BUSY)
def test_counts_are_exact_however_coarse_the_line(kind):
    sent, back = tally_of([BUSY[kind]]), tally_of([decoded(line(BUSY[kind])).delta])
    for segment in range(3):
        assert plain(back.cell([segment]).outcomes) == plain(sent.cell([segment]).outcomes)
        assert back.flow([segment]).sent == sent.flow([segment]).sent


def plain(outcomes: dict[str, int]) -> Counter[str]:
    """Outcomes without their codes."""
    found: Counter[str] = Counter()
    for label, number in outcomes.items():
        found[outcome_of(label)] += number
    return found


@pytest.mark.parametrize("kind", ["one call", "fifteen calls", "forty calls", "many codes"])
def test_codes_and_slices_are_kept_as_long_as_there_is_room(kind):
    sent, back = tally_of([BUSY[kind]]), tally_of([decoded(line(BUSY[kind])).delta])
    assert back.cell(range(3)).outcomes == sent.cell(range(3)).outcomes
    assert {key[2] for key in back.series()} == {key[2] for key in sent.series()}


def test_a_line_that_had_to_be_coarser_says_so():
    assert decoded(line(BUSY["one call"])).coarse == 0
    bits = decoded(line(BUSY["fifteen calls"])).coarse
    assert 0 < bits < COUNTS_ONLY
    assert decoded(line(BUSY["forty calls"])).coarse == COUNTS_ONLY


def test_a_coarser_line_keeps_count_sum_minimum_and_maximum_and_stays_near():
    back = decoded(line(BUSY["fifteen calls"]))
    sent = tally_of([BUSY["fifteen calls"]]).cell(range(3)).ok_latency
    kept = tally_of([back.delta]).cell(range(3)).ok_latency
    assert (kept.count, kept.sum_ns, kept.min_ns, kept.max_ns) == (
        sent.count,
        sent.sum_ns,
        sent.min_ns,
        sent.max_ns,
    )
    assert kept.quantile(0.95) == pytest.approx(sent.quantile(0.95), rel=2**back.coarse / 256)


def test_when_only_counts_fit_the_calls_are_counted_together():
    back = decoded(line(BUSY["forty calls"])).delta
    assert {key.label for key in back.calls} == {ALL_LABELS}
    assert all(cell.latency.count == 0 for cell in back.calls.values())


HISTORY = [
    ("reads", "a", 3.0, 0.1, "timeout"),
    ("reads", "a", 1.0, 0.2, "timeout"),
    ("reads", "a", 2.0, 0.9, "timeout"),
    ("reads", "b", 2.0, 0.5, "rpc_error(3)"),
    ("reads", "b", 0.5, 0.4, "rpc_error(4)"),
]


def test_the_first_and_the_worst_examples_survive():
    deltas = deltas_of(HISTORY)
    (sent,) = deltas
    assert list(tally_of([decoded(line(sent)).delta]).examples()) == list(tally_of(deltas).examples())


def test_examples_survive_when_only_counts_fit():
    crowded = BUSY["forty calls"]
    found = list(tally_of([decoded(line(crowded)).delta]).examples())
    expected = list(tally_of([crowded]).examples())
    assert [(f.id, w.id) for f, w in found] == [(f.id, w.id) for f, w in expected]


def test_what_was_seen_is_cut_to_what_a_line_can_hold():
    recorder = Recorder(CUTS, 1)
    recorder.end("reads", "a", 1, 0.0, 0.1, "malformed", "\x00" * 10_000)
    (example,) = decoded(line(recorder.take())).delta.examples
    assert set(example.seen) == {"\x00"}
    assert 10 < len(example.seen) < 100


def test_delta_keys_come_back_as_keys():
    (delta,) = deltas_of(HISTORY)
    assert all(type(key) is CallKey for key in decoded(line(delta)).delta.calls)
