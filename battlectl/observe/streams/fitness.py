"""What tells whether the counts of streams can be believed, counted beside them by whoever runs them.

Rule: a stream that was begun and never finished, a truth that did not look, and our own lateness are counts
like any other: they lie in the same cells, so that every report knows them. A stream is one subscription that
a client wants, through all its ends and resumes, and whoever begins one says so here.
"""

from __future__ import annotations

from collections.abc import Iterator

from battlectl.observe.streams.cell import StreamCells
from battlectl.observe.streams.truth import Truth


def note_begun(cells: StreamCells, t: float, streams: int = 1) -> None:
    """So many streams are wanted from now on, and will be finished."""
    cells.at(t).add("begun", streams)


def note_lag(cells: StreamCells, t: float, seconds: float) -> None:
    """What was due at t, a connect or a message that could be read, was done so much later by our doing."""
    cells.at(t).record("lag", seconds)


def note_truth(cells: StreamCells, truth: Truth, start: float, end: float) -> None:
    """Once, when all streams are finished: where between start and end the truth was not looked at.

    It goes on looking after `end`, so what it did not come to see by then nobody knows.
    """
    for since, until in _unwatched(truth, start, end):
        if max(since, start) < min(until, end):
            cells.spread("unwatched_ns", max(since, start), min(until, end))


def _unwatched(truth: Truth, start: float, end: float) -> Iterator[tuple[float, float]]:
    if truth.head is None:
        yield start, end
        return
    if truth.began - start > truth.blink:
        yield start, truth.began
    yield from truth.unwatched
    yield truth.looked, end
