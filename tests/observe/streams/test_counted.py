"""From the streams to the tally, live and through the journal: nothing is lost on the way."""

from __future__ import annotations

import json
from itertools import cycle, islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battlectl.observe.journal import MOST_BYTES, Line, decode_lines, encode_in_steps, encode_line
from battlectl.observe.journal_streams import SKETCHES_GONE
from battlectl.observe.recorder import Recorder
from battlectl.observe.streams.cell import COUNTS, Sighting, StreamCell
from battlectl.observe.streams.fitness import note_begun, note_lag, note_truth
from battlectl.observe.streams.heads import HeadStream
from battlectl.observe.streams.terms import Terms
from battlectl.observe.streams.truth import Truth
from battlectl.observe.tally import Delta, StreamKey, Tally
from tests.observe.records import CUTS, line, tally_of
from tests.observe.samples import lognormal

KINDS = ("missing_middle", "duplicates", "stall")
TOLD = st.lists(
    st.tuples(
        st.sampled_from(["heads", "logs"]),
        st.integers(0, 99).map(lambda tenth: tenth / 10),
        st.sampled_from(["events", "observed", "missing_middle", "wanted_ns", "streams"]),
        st.integers(1, 5),
        st.sampled_from(KINDS),
        st.sampled_from(["closed: 1001", "no pong", "reset"]),
    ),
    max_size=20,
)
"""(workload, time, count, how many, kind of a sighting, why it ended)."""


def told(recorder, workload, t, count, number, kind, why):
    """One moment of one workload."""
    cell = recorder.streams(workload).at(t)
    cell.add(count, number)
    cell.end(why)
    cell.record("delay", number / 8)
    cell.silence(t)
    sighting = Sighting(kind, f"{workload}-{number}", t, t + number, number, number + 1, 2)
    cell.keep(sighting, sighting)


def deltas(history, takes=()):
    """What a recorder hands over, emptied before the moments with these numbers and at the end."""
    recorder, found = Recorder(CUTS, 1), []
    for place, moment in enumerate(history):
        if place in takes:
            found.append(recorder.take())
        told(recorder, *moment)
    return [*found, recorder.take()]


def state(tally):
    return {key: json.dumps(tally.by_stream[key].to_json()) for key in sorted(tally.by_stream)}


@pytest.mark.parametrize("t", [0.0, 0.1, 2.4999, 2.5, 4.9, 5.0, 9.999, 10.0, 11.0])
def test_streams_are_counted_in_the_segments_of_the_run(t):
    recorder = Recorder(CUTS, 1)
    recorder.streams("heads").at(t).add("events")
    recorder.end("reads", "a", 1, t, t, "ok", None)
    delta = recorder.take()
    assert {key.segment for key in delta.streams} == {key.segment for key in delta.calls}


@given(t=st.floats(0, 12), cuts=st.sets(st.floats(0.01, 9.99), max_size=6))
def test_whatever_the_cuts_both_count_in_the_same_segment(t, cuts):
    recorder = Recorder((0.0, *sorted(cuts), 10.0), 1)
    recorder.streams("heads").at(t).add("events")
    recorder.end("reads", "a", 1, t, t, "ok", None)
    delta = recorder.take()
    assert [key.segment for key in delta.streams] == [key.segment for key in delta.calls]


def test_time_is_divided_where_the_run_is():
    recorder = Recorder(CUTS, 1)
    recorder.streams("heads").spread("wanted_ns", 1.0, 9.0)
    counted = {key.segment: cell.count("wanted_ns") / 1e9 for key, cell in recorder.take().streams.items()}
    assert counted == {0: 1.5, 1: 2.5, 2: 4.0}


def test_all_streams_of_a_workload_share_their_cells_and_a_take_begins_anew():
    recorder = Recorder(CUTS, 1)
    recorder.streams("heads").at(1.0).add("events")
    recorder.streams("heads").at(1.0).add("events")
    assert recorder.take().streams[StreamKey("heads", 0)].count("events") == 2
    assert recorder.take().streams == {}


@settings(deadline=None)
@given(TOLD, st.sets(st.integers(0, 20)))
def test_what_is_rebuilt_from_the_lines_is_what_was_counted(history, takes):
    lines = [line(delta, float(t)) for t, delta in enumerate(deltas(history, takes), 1)]
    stored = list(decode_lines(b"".join(map(encode_line, lines))))
    assert state(tally_of(back.delta for back in stored)) == state(tally_of(deltas(history)))


@settings(deadline=None)
@given(TOLD)
def test_in_steps_the_same_bytes_are_written(history):
    (delta,) = deltas(history)
    steps, data = encode_in_steps(line(delta)), b""
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        data = stop.value
    assert data == encode_line(line(delta))


def test_a_line_without_streams_does_not_speak_of_them():
    assert b"streams" not in encode_line(line(Delta()))


def test_a_stretch_of_a_workload_is_the_sum_of_its_cells():
    history = [
        ("heads", 1.0, "events", 2, "stall", "reset"),
        ("heads", 3.0, "events", 3, "stall", "reset"),
        ("logs", 3.0, "events", 5, "stall", "reset"),
    ]
    tally = tally_of(deltas(history))
    found = [
        tally.streams(segments, workload).count("events")
        for segments, workload in [
            (range(3), None),
            (range(3), "heads"),
            ([1], None),
            ([2], None),
            ([], "heads"),
        ]
    ]
    assert found == [10, 5, 8, 0, 0]
    assert tally.streams(range(3)).ends == {"reset": 3}
    assert tally.streams(range(3)).longest_silence_ns == 3_000_000_000


def test_asking_changes_nothing():
    tally = tally_of(deltas([("heads", t, "events", 1, "stall", "reset") for t in (1.0, 3.0)]))
    before = state(tally)
    tally.streams(range(3)).add("events", 99)
    tally.streams(range(3)).record("delay", 1.0)
    assert state(tally) == before


DURATIONS = lognormal(7_919)


def crowd(workloads, segments, sketches=4, samples=400, reasons=20):
    """One take with everything in it, no two durations alike."""
    delta, durations = Delta(), cycle(DURATIONS)
    for workload in range(workloads):
        for segment in range(segments):
            cell = delta.streams[StreamKey(f"workload-{workload}", segment)] = StreamCell()
            for place, name in enumerate(COUNTS):
                cell.add(name, 10**6 + place)
            for name in ("delay", "age", "lateness", "resume")[:sketches]:
                for seconds in islice(durations, samples):
                    cell.record(name, seconds)
            for kind in ("missing_middle", "duplicates", "stall", "wrong_fork", "reorgs_hidden"):
                sighting = Sighting(kind, f"workload-{workload}/client-12/3", 1.5, 2.5, 10**7, 10**7 + 1, 2)
                cell.keep(sighting, sighting)
            for why in range(reasons):
                cell.end(f"closed: 1011, upstream {why} has gone away " + "x" * 40)
            cell.silence(12.5)
    return delta


CROWDS = {"one": (1, 1), "six": (2, 3), "thirty": (3, 10), "hundreds": (3, 100)}


@pytest.fixture(scope="module", params=CROWDS)
def crowded(request):
    return crowd(*CROWDS[request.param])


def test_however_many_cells_every_line_is_within_its_bound_and_every_count_exact(crowded):
    data = encode_line(line(crowded))
    assert max(map(len, data.splitlines(keepends=True))) <= MOST_BYTES
    back = tally_of(one.delta for one in decode_lines(data))
    assert {key: cell.counts for key, cell in back.by_stream.items()} == {
        key: cell.counts for key, cell in crowded.streams.items()
    }
    assert all(cell.longest_silence_ns == 12_500_000_000 for cell in back.by_stream.values())


def kept(delta):
    """What the one line that is written of it has: the worst coarseness, and whether it has sightings."""
    (back,) = decode_lines(encode_line(line(delta)))
    cells = back.delta.streams.values()
    return max(cell.coarse for cell in cells), all(cell.sightings for cell in cells)


def test_sketches_go_before_sightings_and_these_before_counts():
    assert kept(crowd(1, 1)) == (0, True)
    coarse, has_sightings = kept(crowd(1, 3, samples=1500))
    assert 0 < coarse < SKETCHES_GONE
    assert has_sightings
    assert kept(crowd(1, 8, reasons=1)) == (SKETCHES_GONE, True)
    assert kept(crowd(1, 9)) == (SKETCHES_GONE, False)


def test_streams_cost_the_calls_beside_them_no_sketch_while_they_have_any():
    recorder = Recorder(CUTS, 1)
    for number in range(300):
        recorder.end("reads", "a", number, 0.5, 0.5 + 1.01**number / 100, "ok", None)
    delta = recorder.take()
    delta.streams = crowd(1, 4, samples=1500).streams
    (back,) = decode_lines(encode_line(line(delta)))
    assert back.coarse == 0
    assert next(iter(back.delta.calls.values())).ok_latency.count == 300


def test_lines_in_parts_keep_time_issued_and_health_of_the_second():
    lines = list(decode_lines(encode_line(line(crowd(3, 100), 7.0, health={"stall_ms": 2.0}))))
    assert len(lines) > 2
    assert {one.t for one in lines} == {7.0}
    assert [one.health for one in lines if one.health] == [{"stall_ms": 2.0}]
    assert [one.issued for one in lines if one.issued] == [{"reads": 1}]


def test_a_line_that_was_cut_short_takes_its_streams_along():
    data = encode_line(Line(1.0, crowd(1, 1), {})) + encode_line(Line(2.0, crowd(1, 1), {}))[:-9]
    assert [one.t for one in decode_lines(data)] == [1.0]


def test_a_stream_that_runs_is_counted_through_the_recorder():
    recorder, truth = Recorder(CUTS, 1), Truth()
    cells = recorder.streams("heads")
    note_begun(cells, 0.5)
    stream = HeadStream("heads/1", truth, cells, Terms(0.5, 3.0), 0.5)
    stream.opened(0.6)
    for number in range(1, 8):
        truth.see(float(number) + 1, number, f"h{number}", f"h{number - 1}")
        if number != 4:
            stream.head(float(number) + 1.1, number, f"h{number}", f"h{number - 1}")
    truth.see(9.5, 7, "h7", "h6")
    stream.finish(9.5)
    tally = Tally()
    tally.merge(recorder.take())
    whole = tally.streams(range(3), "heads")
    assert (whole.missing, whole.blocks_expected, whole.count("begun"), whole.count("streams")) == (
        1,
        7,
        1,
        1,
    )
    assert whole.count("wanted_ns") == 9_000_000_000
    assert tally.streams([2]).missing == 1  # Block 4 was seen at 5 s.


def unwatched(truth, start=1.0, end=9.0):
    recorder = Recorder(CUTS, 1)
    note_truth(recorder.streams("heads"), truth, start, end)
    return {key.segment: cell.count("unwatched_ns") / 1e9 for key, cell in recorder.take().streams.items()}


def looks(*times, **options):
    truth = Truth(**{"patience": 2.0, **options})
    for number, t in enumerate(times, 1):
        truth.see(t, number, f"h{number}", f"h{number - 1}")
    return truth


def test_a_truth_that_looked_all_the_time_leaves_no_mark():
    assert unwatched(looks(1, 2, 3, 4, 5, 6, 7, 8, 9)) == {}


def test_a_truth_that_never_looked_leaves_all_of_it():
    assert unwatched(Truth()) == {0: 1.5, 1: 2.5, 2: 4.0}


def test_a_truth_that_looked_away_and_one_that_stopped_leave_that_time():
    assert unwatched(looks(1, 2, 4.5, 5, 6)) == {0: 0.5, 1: 2.0, 2: 3.0}


def test_a_truth_that_stopped_before_the_end_saw_nothing_of_the_rest():
    """However patient it is: a stream that fell silent with it would have the best of counts."""
    assert unwatched(looks(1, 2, 3, 8.5, patience=10.0)) == {2: 0.5}


def test_a_truth_that_began_late_leaves_the_time_before():
    assert unwatched(looks(4, 5, 6, 7, 8, 9)) == {0: 1.5, 1: 1.5}
    assert unwatched(looks(1.5, 3, 4, 5, 6, 7, 8, 9)) == {}


def test_it_may_blink_for_less_time_than_it_waits_for_what_does_not_link():
    assert unwatched(looks(1, 2, 4.5, 5, 6, 7, 8, 9, patience=10.0, blink=1.0)) == {0: 0.5, 1: 2.0}


def test_of_very_many_stretches_none_is_lost():
    times = [1.0 + 3 * n for n in range(100)]
    truth = looks(*times, blink=2.0)
    assert len(truth.unwatched) <= 64
    assert truth.unwatched[-1][1] == times[-1]


def test_our_own_lateness_is_a_duration_like_any_other():
    recorder = Recorder(CUTS, 1)
    note_lag(recorder.streams("heads"), 1.0, 0.25)
    assert recorder.take().streams[StreamKey("heads", 0)].sketches["lag"].maximum == 0.25
