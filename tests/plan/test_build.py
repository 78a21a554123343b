"""Phases, windows, cuts, defaults and bounds of a plan."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battlectl.plan.build import MOST_ROWS, MOST_SLICES
from battlectl.plan.frame import Frame
from tests.plan.plans import plan_of, workload_of

PHASES = {"warmup": "5s", "steady": "10s", "battle": "30s", "recovery": "15s"}
LOAD = {"reads": {"rate": "10/s", "calls": ["a"]}}


def frame(phases=PHASES, load=LOAD) -> Frame:
    return plan_of(phases=phases, load=load).frame


def test_phases_follow_one_another():
    plan = plan_of(phases=PHASES, load=LOAD)
    assert [(p.name, p.start, p.end) for p in plan.frame.phases] == [
        ("warmup", 0, 5),
        ("steady", 5, 15),
        ("battle", 15, 45),
        ("recovery", 45, 60),
    ]
    assert plan.frame.duration == 60


def test_the_window_of_whole_run_objectives_leaves_the_warm_up_out():
    assert (frame().run.start, frame().run.end) == (5, 60)


@pytest.mark.parametrize("phases", [{"steady": "5s", "warmup": "5s"}, {"warmup": "10s"}])
def test_only_a_first_phase_followed_by_another_is_a_warm_up(phases):
    assert (frame(phases).run.start, frame(phases).run.end) == (0, 10)


def test_cuts_are_the_edges_of_all_windows():
    assert frame().cuts == (0, 5, 15, 45, 60)


def test_each_window_is_made_of_whole_segments():
    f = frame()
    assert {name: list(f.segments(window)) for name, window in f.windows.items()} == {
        "warmup": [0],
        "steady": [1],
        "battle": [2],
        "recovery": [3],
        "run": [1, 2, 3],
    }
    assert list(f.all_segments) == [0, 1, 2, 3]


@settings(deadline=None)
@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=12))
def test_phases_of_any_length_meet_without_gap_or_overlap(lengths):
    f = frame({f"p{i}": f"{ms}ms" for i, ms in enumerate(lengths)})
    assert all(one.end == other.start for one, other in pairwise(f.phases))
    assert f.duration == sum(lengths) / 1000
    assert [p.length for p in f.phases] == [ms / 1000 for ms in lengths]
    assert [segment for phase in f.phases for segment in f.segments(phase)] == list(f.all_segments)


def test_a_workload_may_live_in_some_phases_only():
    load = {"reads": {"rate": "10/s", "calls": ["a"], "phases": ["steady", "battle"]}}
    (workload,) = plan_of(phases=PHASES, load=load).workloads
    assert (workload.window.start, workload.window.end) == (5, 45)
    times = [arrival.due for arrival in workload.arrivals()]
    assert (times[0], len(times)) == (5, 400)
    assert times[-1] < 45


@pytest.mark.parametrize(
    ("fields", "room"),
    [
        ({"rate": "100/s"}, 550),
        ({"rate": "1/s"}, 64),
        ({"rate": "100/s", "timeout": "1s"}, 110),
        ({"rate": "100000/s"}, 20_000),
        ({"rate": {"burst": {"base": "1/s", "peak": "200/s", "at": "1s", "for": "1s"}}}, 1_100),
        ({"rate": {"users": 20}}, 20),
        ({"rate": "100/s", "max_in_flight": 50}, 50),
    ],
)
def test_by_default_there_is_room_for_a_whole_timeout_of_the_peak_rate(fields, room):
    assert room <= workload_of(**fields).max_in_flight <= room + 1


def test_the_frame_counts_items_not_requests():
    load = {"reads": {"rate": "10/s", "calls": [{"batch": ["a", "b", "c"]}]}}
    (workload,) = frame({"steady": "10s"}, load).workloads
    assert (workload.expected_requests, workload.arrivals) == (100, 300)


def test_the_frame_counts_mixed_batches_as_they_will_be_drawn():
    load = {"reads": {"rate": "10/s", "calls": [{"batch": ["a", "b"]}, "c"]}}
    plan = plan_of(load=load)
    (workload,) = plan.workloads
    drawn = sum(len(workload.requests[a.request].items) for a in workload.arrivals())
    assert plan.frame.workloads[0].arrivals == drawn
    assert 100 < drawn < 200


def test_what_cannot_be_counted_beforehand_is_none():
    assert frame(load={"u": {"rate": {"users": 3}, "calls": ["a"]}}).workloads[0].arrivals is None
    assert frame({"soak": "24h"}, {"r": {"rate": "5000/s", "calls": ["a"]}}).workloads[0].arrivals is None


@pytest.mark.parametrize(
    ("length", "labels", "width"),
    [("10s", 1, 1), ("1h", 1, 1), ("3601s", 1, 2), ("10h", 1, 10), ("1h", 100, 9), ("24h", 40, 87)],
)
def test_slices_are_as_fine_as_the_bound_on_rows_allows(length, labels, width):
    load = {"r": {"rate": "1/min", "calls": [f"m{i}" for i in range(labels)]}}
    plan = plan_of(phases={"soak": length}, load=load)
    assert plan.frame.slice_width == width
    slices = plan.frame.duration / width
    assert slices <= MOST_SLICES
    assert slices * labels <= MOST_ROWS
