"""What one stream is found to have done: into the cells of its workload, and into a short count of its own.

Rule: a count and its evidence are written together, so that no number stands without an example.
"""

from __future__ import annotations

from typing import NamedTuple

from battlectl.observe.streams.announced import Announced
from battlectl.observe.streams.cell import MISSING, Sighting, StreamCells

UNKNOWN = 3_600.0
"""Seconds in place of how long before the first look of all a block may have been there."""


class Finished(NamedTuple):
    """One stream in short: to find the worst of many. `counts` has the names of `cell.COUNTS`."""

    name: str
    counts: dict[str, int]


class Book:
    """One stream's. Mutable: it counts. `counts` are its own, all segments together."""

    __slots__ = ("cells", "counts", "name")

    def __init__(self, name: str, cells: StreamCells) -> None:
        self.name, self.cells = name, cells
        self.counts: dict[str, int] = {}

    def count(self, name: str, t: float, number: int = 1) -> None:
        """Count what needs no example."""
        self.cells.at(t).add(name, number)
        self.counts[name] = self.counts.get(name, 0) + number

    def record(self, name: str, t: float, seconds: float) -> None:
        """Count a duration that belongs to time t."""
        self.cells.at(t).record(name, seconds)

    def delay(self, block: Announced, t: float) -> None:
        """The block came at t: the least and the most that it may have taken."""
        self.record("delay", block.seen, t - block.seen)
        self.record("delay_most", block.seen, t - max(block.unseen, block.seen - UNKNOWN))

    def find(self, name: str, t: float, number: int) -> None:
        """Count a finding about one block."""
        self.count(name, t)
        self.keep(name, t, t, number, number, 1)

    def lose(self, kind: str, before: float, after: float, first: int, last: int, blocks: int) -> None:
        """Keep one run of missing blocks as evidence; the blocks themselves are counted apart."""
        self.keep(kind, before, after, first, last, blocks)
        if kind in MISSING:
            self.count("gaps", before)

    def keep(self, kind: str, since: float, until: float, first: int, last: int, blocks: int) -> None:
        """Keep an example, in the segment where it began."""
        sighting = Sighting(kind, self.name, since, until, first, last, blocks)
        self.cells.at(since).keep(sighting, sighting)
