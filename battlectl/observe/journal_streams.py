"""Streams in a journal line: as fine as there is room, and never without their counts.

Rule: cells lose bits of their sketches, then the sketches, then what was sighted and why streams ended; each
cell says in `coarse` what it lost. Counts and the longest silence are always exact. What still does not fit
is told in lines of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from battlectl.observe.streams.cell import StreamCell
from battlectl.observe.tally import StreamKey

SKETCHES_GONE = 99
"""In `StreamCell.coarse`: a journal line had room for the counts alone."""

Streams = Mapping[StreamKey, StreamCell]


def stream_json(key: StreamKey, cell: StreamCell, bits: int) -> list[Any]:
    """One cell with its key; at `SKETCHES_GONE` without any sketch."""
    return [list(key), (without_sketches(cell) if bits >= SKETCHES_GONE else cell.coarser(bits)).to_json()]


def read_streams(stored: list[list[Any]]) -> dict[StreamKey, StreamCell]:
    """The cells that `stream_json` wrote."""
    return {StreamKey(*key): StreamCell.from_json(cell) for key, cell in stored}


def without_sketches(cell: StreamCell) -> StreamCell:
    """Its counts, and what was sighted."""
    result = cell.coarser(0)
    result.sketches = {}
    result.coarse = SKETCHES_GONE if cell.sketches else cell.coarse
    return result


def counts_alone(cell: StreamCell) -> StreamCell:
    """Its counts and the longest silence; ends without their reasons are not kept, `counts` has them."""
    result = without_sketches(cell)
    if result.sightings or result.ends:
        result.coarse = SKETCHES_GONE
    result.sightings, result.ends = {}, {}
    return result


def in_parts(streams: Streams, most: int) -> Iterator[dict[StreamKey, StreamCell]]:
    """The counts alone, in parts whose JSON takes so many bytes at most, one cell at least."""
    part: dict[StreamKey, StreamCell] = {}
    size = 0
    for key, cell in streams.items():
        counts = counts_alone(cell)
        own = len(msgspec.json.encode(stream_json(key, counts, 0))) + 1
        if part and size + own > most:
            yield part
            part, size = {}, 0
        part[key] = counts
        size += own
    if part:
        yield part
