"""What keeps the counts of streams from proving that all is well.

Rule: what was not expected, not watched, not proven or not finished could hide anything: with it nothing is a
pass. What was found in spite of it is found all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from battlectl.analyse.evidence import Evidence
from battlectl.observe.streams.cell import StreamCell
from battlectl.plan.streams import StreamFrame
from battlectl.plan.workload import Window
from battlectl.quantities import format_duration


def workloads_of(evidence: Evidence, scope: str | None) -> list[StreamFrame]:
    """The workloads of subscribers, all or the one that is named."""
    return [streams for streams in evidence.frame.streams if scope in (None, streams.name)]


def doubts(evidence: Evidence, segments: Sequence[int], scope: str | None = None) -> Iterator[str]:
    """Each as a clause, the weightiest first; empty where the counts of a stretch can be believed."""
    for streams in workloads_of(evidence, scope):
        yield from _unexpected(evidence, segments, streams)
    for streams in workloads_of(evidence, scope):
        cell = evidence.tally.streams(segments, streams.name)
        yield from _unfinished(evidence, streams.name)
        yield from _unopened(cell, streams.name)
        yield from _unwatched(cell, streams.name)
        if number := cell.count("unproven"):
            yield f"the truth can tell nothing about {number:,} events of {streams.name}"


def _unexpected(evidence: Evidence, segments: Sequence[int], streams: StreamFrame) -> Iterator[str]:
    if evidence.tally.streams(segments, streams.name).blocks_expected:
        return
    cuts = evidence.frame.cuts
    if any(cuts[n] < streams.end and cuts[n + 1] > streams.start for n in segments):
        yield f"no block was expected of {streams.name}"


def _unfinished(evidence: Evidence, name: str) -> Iterator[str]:
    """Over the whole run: a stream is begun in one stretch and finished in another."""
    whole = evidence.tally.streams(evidence.frame.all_segments, name)
    left = whole.count("begun") - whole.count("streams")
    if left:
        yield f"{left:,} streams of {name} were not followed to their end"


def _unopened(cell: StreamCell, name: str) -> Iterator[str]:
    if number := cell.count("never_opened"):
        yield f"{number:,} streams of {name} never got a subscription"


def _unwatched(cell: StreamCell, name: str) -> Iterator[str]:
    if nanoseconds := cell.count("unwatched_ns"):
        yield f"for {format_duration(nanoseconds / 1e9)} nobody looked at the truth about {name}"


def cut_short(evidence: Evidence, window: Window) -> str | None:
    """What to say of a window that the run did not come to see whole; None where it did."""
    seen = evidence.reached(window)
    if evidence.completed or seen >= window.length:
        return None
    return f"only {format_duration(seen)} of {format_duration(window.length)} were run"
