"""The tally: the fold of deltas, in any split, is the whole."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battlectl.observe.tally import Tally
from tests.observe.records import CUTS, OUTCOMES, deltas_of, ends, state, tally_of


@settings(deadline=None)
@given(ends, st.sets(st.integers(0, 40)))
def test_the_fold_of_any_split_is_the_whole(history, cuts):
    assert state(tally_of(deltas_of(history, cuts))) == state(tally_of(deltas_of(history)))


@settings(deadline=None)
@given(ends, st.sets(st.integers(0, 40)), st.randoms())
def test_counts_do_not_depend_on_the_order_of_deltas(history, cuts, random):
    deltas = deltas_of(history, cuts)
    random.shuffle(deltas)
    shuffled, straight = state(tally_of(deltas)), state(tally_of(deltas_of(history)))
    assert shuffled == straight


@settings(deadline=None)
@given(ends)
def test_every_arrival_is_counted_once_in_cells_and_once_in_the_series(history):
    tally = tally_of(deltas_of(history))
    assert tally.total == len(history)
    assert sum(row.total for row in tally.series().values()) == len(history)
    assert tally.cell(range(3)).ok == sum(end[4] == "ok" for end in history)


@settings(deadline=None)
@given(ends, st.sets(st.integers(0, 40)), st.integers(0, 11))
def test_freezing_slices_loses_no_count(history, cuts, slice_):
    tally = Tally()
    for delta in deltas_of(history, cuts):
        tally.merge(delta)
        tally.freeze_before(slice_)
    frozen, whole = tally.series(), tally_of(deltas_of(history)).series()
    assert {key: row.outcomes for key, row in frozen.items()} == {k: r.outcomes for k, r in whole.items()}
    assert {key: row.max for key, row in frozen.items()} == {k: r.max for k, r in whole.items()}
    assert not any(key[2] < slice_ for key in tally._open)


HISTORY = [
    ("reads", "a", 0.0, 0.010, "ok"),
    ("reads", "a", 1.0, 0.400, "rpc_error(3)"),
    ("reads", "b", 3.0, 1.000, "timeout"),
    ("reads", "a", 4.0, 0.000, "refused"),
    ("reads", "a", 5.0, 0.000, "dropped"),
    ("writes", "a", 6.0, 0.020, "ok"),
]


def test_the_population_of_latency_is_answered_and_timed_out_arrivals():
    cell = tally_of(deltas_of(HISTORY)).cell(range(3))
    assert (cell.total, cell.latency.count, cell.ok_latency.count) == (6, 4, 2)
    assert cell.latency.maximum == 1.0
    assert cell.latency.minimum == 0.01


@pytest.mark.parametrize("ended", OUTCOMES)
def test_only_outcomes_with_an_answer_or_a_timeout_have_a_latency(ended):
    cell = tally_of(deltas_of([("reads", "a", 1.0, 0.5, ended)])).cell(range(3))
    assert cell.latency.count == (ended not in ("refused", "dropped"))
    assert cell.ok_latency.count == (ended == "ok")


@pytest.mark.parametrize(
    ("segments", "workload", "label", "total"),
    [
        (range(3), None, None, 6),
        (range(3), "reads", None, 5),
        (range(3), "reads", "a", 4),
        (range(3), "writes", "b", 0),
        ([0], None, None, 2),
        ([1], None, None, 2),
        ([2], None, None, 2),
        ([], None, None, 0),
    ],
)
def test_a_cell_is_a_stretch_of_a_workload_or_a_call(segments, workload, label, total):
    assert tally_of(deltas_of(HISTORY)).cell(segments, workload, label).total == total


def test_a_flow_is_a_stretch_of_a_workload():
    tally = tally_of(deltas_of(HISTORY))
    assert [tally.flow(range(3), name).sent for name in (None, "reads", "writes")] == [5, 4, 1]


@pytest.mark.parametrize(
    ("due", "segment", "slice_"),
    [(0.0, 0, 0), (2.4999999, 0, 2), (2.5, 1, 2), (5.0, 2, 5), (9.9999999, 2, 9), (10.0, 2, 10)],
)
def test_an_arrival_due_on_a_cut_belongs_to_the_later_stretch(due, segment, slice_):
    (delta,) = deltas_of([("reads", "a", due, 0.0, "ok")])
    assert [(key.segment, key.slice) for key in delta.calls] == [(segment, slice_)]
    assert [(key.segment, key.slice) for key in delta.flows] == [(segment, slice_)]


@settings(deadline=None)
@given(st.lists(st.sampled_from([0.0, 1.0, 2.4, 2.5, 2.6, 3.0, 4.99, 5.0, 5.5, 9.9]), min_size=1))
def test_where_an_arrival_belongs_does_not_depend_on_those_before_it(dues):
    """The recorder remembers the last answer: it must never be given to another question."""
    (delta,) = deltas_of([("reads", "a", due, 0.0, "ok") for due in dues])
    found = {(key.segment, key.slice): cell.total for key, cell in delta.calls.items()}
    expected: dict[tuple[int, int], int] = {}
    for due in dues:
        place = (sum(due >= cut for cut in CUTS[1:-1]), int(due))
        expected[place] = expected.get(place, 0) + 1
    assert found == expected
