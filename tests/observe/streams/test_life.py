"""When a stream was up, silent, down and back; what is counted in which segment; how cells are stored."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battlectl.observe.streams.book import UNKNOWN
from battlectl.observe.streams.cell import (
    MOST_REASONS,
    OTHER_REASONS,
    Sighting,
    StreamCell,
    StreamCells,
    merged_cells,
)
from battlectl.observe.streams.heads import HeadStream
from battlectl.observe.streams.pending import PendingStream
from battlectl.observe.streams.terms import Terms
from battlectl.observe.streams.truth import Truth
from tests.observe.streams.histories import TERMS, Told, expected

SEVEN = "1 2 3 4 5 6 7"


def seconds(cell: StreamCell, name: str) -> float:
    """A count of nanoseconds in seconds."""
    return cell.count(name) / 1e9


def spans(cell: StreamCell, name: str) -> tuple[int, float, float]:
    """(count, shortest, longest) of a sketch."""
    sketch = cell.sketches[name]
    return sketch.count, round(sketch.minimum, 6), round(sketch.maximum, 6)


def test_up_all_the_time():
    cell = Told(SEVEN, SEVEN).cell
    assert (seconds(cell, "wanted_ns"), seconds(cell, "open_ns"), seconds(cell, "dead_ns")) == (8.6, 8.6, 0)
    assert cell.uptime == 1.0
    assert cell.longest_silence_ns == 100_000_000
    assert spans(cell, "first_event") == (1, 1.1, 1.1)
    assert spans(cell, "delay") == (7, 0.1, 0.1)
    assert spans(cell, "delay_most") == (7, 0.35, UNKNOWN + 0.1)  # Four looks a second; 1 was there.
    assert spans(cell, "age") == (7, 0.5, 0.5)
    assert "resume" not in cell.sketches


def test_the_time_between_an_end_and_the_next_opening_is_no_uptime():
    cell = Told(SEVEN, "1 2 end@2.5 open@4.5 5 6 7").cell
    assert (seconds(cell, "wanted_ns"), seconds(cell, "open_ns"), seconds(cell, "dead_ns")) == (8.6, 6.6, 0)
    assert spans(cell, "resume") == (1, 2.6, 2.6)  # From the end at 2.5 to block 5 at 5.1.
    assert cell.ends == {"1006": 1}


def test_a_resume_counts_from_the_first_block_withheld_if_that_was_before_the_end():
    cell = Told(SEVEN, "1 2 end@3.05 open@4.5 3@4.6 4@4.6 5 6 7").cell
    assert spans(cell, "resume") == (1, 1.6, 1.6)
    late = Told(SEVEN, "1 2 end@3.05 open@4.5 3@4.6 4@4.6 5 6 7", lag=0.2).cell
    assert spans(late, "resume") == (1, 1.55, 1.55)


def test_open_and_silent_while_the_truth_goes_on_is_no_uptime_from_the_first_block_withheld():
    cell = Told(SEVEN, "1 2 6 7").cell
    assert seconds(cell, "dead_ns") == pytest.approx(3.1)  # From block 3 at 3.0 to block 6 at 6.1.
    assert cell.uptime == pytest.approx((8.6 - 3.1) / 8.6)
    assert cell.longest_silence_ns == 3_100_000_000
    assert spans(cell, "resume") == (1, 3.1, 3.1)


def test_a_silence_that_the_client_finds_out_counts_from_its_begin():
    cell = Told("1 2 3 4 5 6 7 8", "1 2 die@6 open@6.5 7 8").cell
    assert seconds(cell, "dead_ns") == pytest.approx(3.0)
    assert seconds(cell, "open_ns") == pytest.approx(9.6 - 0.5)
    assert spans(cell, "resume") == (1, 4.1, 4.1)
    assert cell.longest_silence_ns == 4_100_000_000


def test_dead_at_the_end():
    cell = Told(SEVEN, "1 2").cell
    assert cell.uptime == pytest.approx((8.5 - 5.5) / 8.5)
    assert cell.count("unresumed") == 1
    assert "resume" not in cell.sketches


def test_silence_on_a_chain_that_stands_still_is_none():
    cell = Told("1 2 . . . . . . . . 3", "1 2 3").cell
    assert (cell.uptime, cell.longest_silence_ns) == (1.0, 100_000_000)


def test_what_was_caught_up_tells_how_late_and_when_the_stream_was_level_again():
    cell = Told(SEVEN, "1 2 end@2.5 open@4.4 3@4.5 4@4.6 5 6 7").cell
    assert spans(cell, "lateness") == (1, 1.5, 1.5)  # Block 3; 4 was still the newest at 4.6.
    assert spans(cell, "catch_up") == (1, 1.5, 1.5)


def test_what_was_back_filled_tells_when_the_gap_was_closed():
    cell = Told(SEVEN, "1 2 5 3@5.2 4@5.4 6 7").cell
    assert spans(cell, "lateness") == (2, 1.4, 2.2)
    assert spans(cell, "catch_up") == (1, 2.4, 2.4)  # From block 3 at 3.0 until 5.4.


def test_the_first_and_the_worst_gap_are_kept_with_numbers_and_times():
    told = Told("1 2 3 4 5 6 7 8 9", "1 3 4 7 9")
    first, worst = told.cell.sightings["missing_middle"]
    assert first == Sighting("missing_middle", "s", 1.1, 3.1, 2, 2, 1)
    assert worst == Sighting("missing_middle", "s", 4.1, 7.1, 5, 6, 2)


def test_segments_count_what_was_due_in_them_and_time_where_it_passed():
    told = Told(SEVEN, "1 2 end@2.5 open@4.5 5 6 6 7", cuts=(2.25, 4.25))
    before, during, after = (told.by_segment[n] for n in range(3))
    assert (before.count("observed"), during.missing, after.count("observed")) == (2, 2, 3)
    assert (during.count("ends_visible"), after.count("ends_visible")) == (1, 0)
    assert spans(during, "resume") == (1, 2.6, 2.6)
    assert [seconds(cell, "open_ns") for cell in (before, during, after)] == [2.25, 0.25, pytest.approx(4.1)]
    assert [seconds(cell, "wanted_ns") for cell in (before, during, after)] == [
        2.25,
        2.0,
        pytest.approx(4.35),
    ]
    assert (during.count("duplicates"), after.count("duplicates")) == (0, 1)


def test_looking_on_counts_the_time_and_changes_no_verdict():
    truth, cells = Truth(), StreamCells()
    stream = HeadStream("s", truth, cells, TERMS, 0.0)
    stream.opened(0.0)
    deltas = []
    for second in range(1, 6):
        truth.see(float(second), second, f"{second}a", f"{second - 1}a")
        if second != 3:
            stream.head(second + 0.1, second, f"{second}a", f"{second - 1}a")
        stream.look(second + 0.5)
        deltas.append(merged_cells(cells.take().values()))
    stream.finish(6.0)
    deltas.append(merged_cells(cells.take().values()))
    whole = merged_cells(deltas)
    assert [seconds(one, "open_ns") for one in deltas] == [1.5, 1, 1, 1, 1, 0.5]
    assert (stream.owed, whole.missing, whole.uptime) == (1, 1, 1.0)


def test_memory_does_not_grow_with_the_run_or_with_what_a_server_invents():
    truth, cells = Truth(window=200), StreamCells()
    stream = HeadStream("s", truth, cells, TERMS, 0.0)
    stream.opened(0.0)
    for n in range(1, 6_000):
        truth.see(float(n), n, f"{n}a", f"{n - 1}a")
        if n % 3:
            stream.head(n + 0.1, n, f"{n}a", f"{n - 1}a")
        stream.head(n + 0.1, n, f"{n}x", f"{n - 1}x")
        stream.head(n + 0.1, 2**60 + n, f"{n}y", "y")
        assert stream.waiting <= TERMS.most_waiting + 2
    trail = stream._trail
    assert len(trail.debts._ranges) <= 65
    assert len(trail.blind) <= 256
    assert stream._strays is None or len(stream._strays._strays) <= 64
    stream.finish(6_001.0)
    cell = cells.total()
    assert cell.missing == 1_999
    assert cell.count("observed") == 4_000
    assert len(cell.sightings) <= 5


def test_a_stream_that_sleeps_for_longer_than_the_truth_remembers_is_told_by_numbers():
    truth, cells = Truth(window=100), StreamCells()
    stream = HeadStream("s", truth, cells, TERMS, 0.0)
    stream.opened(0.0)
    for n in range(1, 3_001):
        truth.see(float(n), n, f"{n}a", f"{n - 1}a")
        if n in (1, 2, 3_000):
            stream.head(n + 0.1, n, f"{n}a", f"{n - 1}a")
    stream.finish(3_002.0)
    assert cells.total().missing == 2_997
    assert cells.total().count("observed") == 3


def test_a_truth_that_was_away_makes_no_wrong_fork_and_no_gap():
    truth, cells = Truth(), StreamCells()
    stream = HeadStream("s", truth, cells, TERMS, 0.0)
    stream.opened(0.0)
    truth.see(1.0, 1, "1a", "0a")
    for n in range(1, 30):
        stream.head(n + 0.1, n, f"{n}a", f"{n - 1}a")
    assert stream.counts == {"events": 29, "observed": 1}
    for n in range(2, 30):
        truth.see(60.0, n, f"{n}a", f"{n - 1}a")
    assert stream.finish(62.0).counts == {"events": 29, "observed": 29}
    assert truth.unwatched == [(1.0, 60.0)]


def test_a_truth_that_stays_away_proves_nothing():
    truth, cells = Truth(), StreamCells()
    stream = HeadStream("s", truth, cells, TERMS, 0.0)
    stream.opened(0.0)
    for n in range(1, 30):
        stream.head(n + 0.1, n, f"{n}a", f"{n - 1}a")
    stream.finish(62.0)
    assert stream.counts == {"events": 29, "unproven": 29}
    assert (cells.total().blocks_expected, cells.total().uptime) == (0, None)


def test_a_false_parent_or_number_is_told():
    truth, cells = Truth(), StreamCells()
    stream = HeadStream("s", truth, cells, TERMS, 0.0)
    stream.opened(0.0)
    for n in (1, 2, 3):
        truth.see(float(n), n, f"{n}a", f"{n - 1}a")
    stream.head(3.1, 1, "1a", "0a")
    stream.head(3.1, 2, "2a", "0z")
    stream.head(3.1, 7, "3a", "2a")
    assert stream.counts["false_links"] == 2


# Pending transactions.


def test_pending_transactions_are_counted_and_doubles_among_the_last_are_found():
    cells = StreamCells()
    stream = PendingStream("p", cells, TERMS, 0.0, remembered=3)
    stream.opened(0.0)
    for n, hash_ in enumerate(["a", "b", "a", "c", "d", "e", "a", "e"]):
        stream.pending(1.0 + n / 10, hash_)
    counts = stream.finish(2.0).counts
    assert counts == {"events": 8, "observed": 6, "duplicates": 2}
    assert cells.total().uptime == 1.0


def test_a_pending_stream_that_goes_quiet_is_stalled():
    cells = StreamCells()
    stream = PendingStream("p", cells, TERMS, 0.0)
    stream.opened(0.0)
    stream.pending(1.0, "a")
    stream.pending(5.0, "b")
    stream.ended(5.5, False, "silent")
    stream.resubscribed(6.0)
    stream.pending(6.5, "c")
    stream.finish(10.0)
    cell = cells.total()
    assert (cell.count("stalls"), cell.count("resumes"), cell.count("dead_at_end")) == (2, 2, 1)
    assert seconds(cell, "dead_ns") == 4.0 + 3.5


def test_without_a_limit_a_quiet_mempool_is_no_stall():
    cells = StreamCells()
    stream = PendingStream("p", cells, Terms(settle=0.5, stall_after=math.inf), 0.0)
    stream.opened(0.0)
    stream.pending(1.0, "a")
    stream.finish(500.0)
    assert (cells.total().count("stalls"), cells.total().uptime) == (0, 1.0)


# Cells.

cells_of = st.builds(
    lambda truth, stream: Told(truth, stream).cell,
    st.sampled_from([SEVEN, "1 2a 3a | 2b+3b 4b"]),
    st.sampled_from(["1 2", "1 3 3 2", "2 end@2.5 open@3 4", "1 2x 5", "", "1 2a 3a 4b"]),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(cells_of, max_size=4), st.randoms())
def test_cells_merge_in_any_order_to_the_same_and_survive_storage(cells, random):
    mixed = list(cells)
    random.shuffle(mixed)
    whole = merged_cells(cells)
    assert merged_cells(mixed) == whole
    stored = msgspec.json.decode(msgspec.json.encode(whole.to_json()))
    assert StreamCell.from_json(stored) == whole
    assert merged_cells(StreamCell.from_json(one.to_json()) for one in cells) == whole


def test_a_coarser_cell_keeps_its_counts_and_says_what_it_lost():
    cell = Told(SEVEN, "1 2 6 7").cell
    coarse = cell.coarser(3)
    assert (coarse.counts, coarse.coarse, cell.coarse) == (cell.counts, 3, 0)
    assert StreamCell.from_json(coarse.to_json()).coarse == 3


def test_reasons_that_a_target_makes_up_are_bounded():
    cell = StreamCell()
    for n in range(1_000):
        cell.end(f"reason {n:04}")
    assert len(cell.ends) == MOST_REASONS
    assert sum(cell.ends.values()) == 1_000
    assert cell.ends[OTHER_REASONS] == 1_000 - MOST_REASONS + 1


def test_two_streams_share_the_cells_of_a_workload():
    truth, cells = Truth(), StreamCells()
    streams = [HeadStream(name, truth, cells, TERMS, 0.0) for name in ("one", "two")]
    for stream in streams:
        stream.opened(0.0)
    for n in range(1, 6):
        truth.see(float(n), n, f"{n}a", f"{n - 1}a")
        truth.see(n + 0.9, n, f"{n}a", f"{n - 1}a")
        for stream in streams[: 1 if n == 3 else 2]:
            stream.head(n + 0.1, n, f"{n}a", f"{n - 1}a")
    one, two = (stream.finish(7.0).counts for stream in streams)
    assert one == expected("events 5, observed 5")
    assert two == expected("events 4, observed 4, missing_middle 1, gaps 1")
    assert cells.total().gap_rate == 0.1
    assert cells.total().sightings["missing_middle"][0].stream == "two"
