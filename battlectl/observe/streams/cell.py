"""What is counted of streams, as cells that merge and can be stored.

Rule: a cell belongs to a segment (a stretch that no window divides). What should have come is counted where
the truth first saw it, what came wrongly where it came, and a silence or an end where it began; only time
itself is divided at the cuts. Numbers add up, maxima and examples are compared: merging in any order gives
the same. Times are whole nanoseconds for that reason.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from battlectl.observe.sketch import Sketch

COUNTS: Mapping[str, str] = MappingProxyType(
    {
        "events": "notifications that came",
        "observed": "blocks that came, each time the truth went over to them",
        "missing_start": "blocks that never came, before the first that did",
        "missing_middle": "blocks that never came and were jumped over by an open, lively stream",
        "missing_forward": "blocks that never came and were jumped over by the first event after a resume",
        "missing_unreplaced": "blocks that never came where an abandoned block of that number was shown",
        "missing_tail": "blocks that never came, after the last that did",
        "skipped": "blocks jumped over by a node that says only its newest head",
        "gaps": "runs of missing blocks",
        "duplicates": "the same again, exactly",
        "out_of_order": "came after what follows it",
        "back_filled": "blocks that had been jumped over and came after all, out of order",
        "caught_up": "blocks that came in order, but after the truth had seen newer ones",
        "reemitted": "a height that was shown before, rightly shown again",
        "wrong_fork": "blocks that the truth never had, though it knew that number",
        "invented": "blocks shown before the truth came to that number, and never had there",
        "unproven": "events that the truth cannot tell anything about",
        "false_links": "a right hash with another parent or number than it has",
        "reorgs_followed": "reorgs of which the whole new branch came, from the fork on",
        "reorgs_partial": "reorgs of which some blocks of the new branch came",
        "reorgs_hidden": "reorgs that the stream never said anything of",
        "unremoved": "logs of abandoned blocks that were not taken back",
        "unexpected": "logs that the truth does not have in a block that it knows",
        "removed": "logs taken back",
        "stalls": "silences longer than `stall_after` while the truth went on",
        "dead_at_end": "streams that were open and in a stall when they were finished",
        "ends_visible": "ends that the client was told",
        "ends_silent": "ends that the client had to find out",
        "resumes": "times that a stream went on after an end or a stall",
        "unresumed": "ends and stalls after which nothing came any more",
        "begun": "streams that were begun",
        "streams": "streams that were finished",
        "never_opened": "streams that never got a subscription",
        "wanted_ns": "time in which the stream was wanted",
        "open_ns": "time in which it was open",
        "dead_ns": "time in which it was open and silently dead",
        "unwatched_ns": "time in which the truth was not looked at",
    }
)
"""Name -> what it counts; of a stream of logs, logs. A name that is absent from a cell is zero."""

SKETCHES: Mapping[str, str] = MappingProxyType(
    {
        "delay": "from the truth's first sight of a block to its event; zero where the stream was first",
        "delay_most": "to the same event from the last look that did not show the block yet",
        "age": "from the block's own timestamp to its event",
        "lateness": "delay of blocks that were caught up or back-filled",
        "catch_up": "from the first sight of the first block that was late until the stream was level again",
        "resume": "from an end, or the first block withheld, to the next new block",
        "first_event": "from the first opening to the first new block",
        "lag": "from when something was to be done or read until it was: our own lateness",
    }
)
"""Name -> which durations."""

MOST_REASONS = 20
"""Reasons of ends that are kept apart; what a target makes up beyond them is counted together."""

OTHER_REASONS = "(other)"
REFUSED = "no subscription: "
"""How the reason begins why there was none, in place of why one ended."""

MISSING = ("missing_start", "missing_middle", "missing_forward", "missing_unreplaced", "missing_tail")
NEVER_ON_CHAIN = ("wrong_fork", "invented")


@dataclass(frozen=True, slots=True)
class Sighting:
    """One finding as evidence: of which stream, from when to when (seconds from the start of the run), which
    block numbers, and how many of them are concerned."""

    kind: str
    stream: str
    since_s: float
    until_s: float
    first: int
    last: int
    blocks: int

    def to_json(self) -> list[Any]:
        """As it is stored."""
        return [getattr(self, name) for name in Sighting.__slots__]


def _earlier(one: Sighting, other: Sighting) -> Sighting:
    return min(one, other, key=lambda s: (s.since_s, s.until_s, s.stream, s.first, s.last, s.blocks))


def _worse(one: Sighting, other: Sighting) -> Sighting:
    return max(
        one, other, key=lambda s: (s.blocks, s.until_s - s.since_s, -s.since_s, s.stream, s.first, s.last)
    )


class StreamCell:
    """Counts, durations, the longest silence, and of each kind of finding the first and the worst.

    Mutable: it is an accumulator. `coarse` is the most bits that its sketches lost on the way.
    """

    __slots__ = ("coarse", "counts", "ends", "longest_silence_ns", "sightings", "sketches")

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.ends: dict[str, int] = {}
        self.sketches: dict[str, Sketch] = {}
        self.longest_silence_ns = 0
        self.sightings: dict[str, tuple[Sighting, Sighting]] = {}
        self.coarse = 0

    def add(self, name: str, number: int = 1) -> None:
        """Count so many."""
        counts = self.counts
        counts[name] = counts.get(name, 0) + number

    def end(self, why: str, number: int = 1) -> None:
        """So many ends for this reason; of too many reasons the last in the alphabet are put together."""
        self.ends[why] = self.ends.get(why, 0) + number
        while len(self.ends) > MOST_REASONS:
            last = max(one for one in self.ends if one != OTHER_REASONS)
            self.ends[OTHER_REASONS] = self.ends.get(OTHER_REASONS, 0) + self.ends.pop(last)

    def silence(self, seconds: float) -> None:
        """A silence began here and lasted so long."""
        self.longest_silence_ns = max(self.longest_silence_ns, round(seconds * 1e9))

    def record(self, name: str, seconds: float) -> None:
        """Count one duration."""
        sketch = self.sketches.get(name)
        if sketch is None:
            sketch = self.sketches[name] = Sketch()
        sketch.record(seconds)

    def keep(self, first: Sighting, worst: Sighting) -> None:
        """Keep these if they are the first and the worst of their kind."""
        early, bad = self.sightings.get(first.kind, (first, worst))
        self.sightings[first.kind] = (_earlier(early, first), _worse(bad, worst))

    def merge(self, other: StreamCell) -> None:
        """Add all of another cell."""
        for name, number in other.counts.items():
            self.add(name, number)
        for why, number in other.ends.items():
            self.end(why, number)
        for name, sketch in other.sketches.items():
            self.sketches.setdefault(name, Sketch()).merge(sketch)
        self.longest_silence_ns = max(self.longest_silence_ns, other.longest_silence_ns)
        for first, worst in other.sightings.values():
            self.keep(first, worst)
        self.coarse = max(self.coarse, other.coarse)

    def count(self, name: str) -> int:
        """How many; a name that is not in `COUNTS` is a mistake."""
        assert name in COUNTS, name
        return self.counts.get(name, 0)

    @property
    def missing(self) -> int:
        """Blocks that never came, of whatever kind."""
        return sum(self.counts.get(name, 0) for name in MISSING)

    @property
    def never_on_chain(self) -> int:
        """Blocks that came and were of no chain, invented ones among them."""
        return sum(self.counts.get(name, 0) for name in NEVER_ON_CHAIN)

    @property
    def blocks_expected(self) -> int:
        """Blocks that came and blocks that should have; zero means that nothing can be said."""
        return self.count("observed") + self.missing + self.count("skipped")

    @property
    def gap_rate(self) -> float | None:
        """Missing of expected; None without any."""
        return self.missing / self.blocks_expected if self.blocks_expected else None

    @property
    def duplicate_rate(self) -> float | None:
        """Duplicates of events; None without any."""
        events = self.count("events")
        return self.count("duplicates") / events if events else None

    @property
    def uptime(self) -> float | None:
        """Share of the wanted time in which the stream was open and not silently dead.

        None where no block was expected: there an open stream and a dead one look alike.
        """
        wanted = self.count("wanted_ns")
        if not wanted or not self.blocks_expected:
            return None
        return (self.count("open_ns") - self.count("dead_ns")) / wanted

    def coarser(self, bits: int) -> StreamCell:
        """The same with sketches that lost so many bits of mantissa."""
        result = StreamCell()
        result.merge(self)
        if bits:
            result.sketches = {name: sketch.coarser(bits) for name, sketch in self.sketches.items()}
            result.coarse = max(self.coarse, bits)
        return result

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StreamCell) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]

    def to_json(self) -> dict[str, Any]:
        """The whole cell."""
        return {
            "counts": {name: self.counts[name] for name in sorted(self.counts) if self.counts[name]},
            "ends": {why: self.ends[why] for why in sorted(self.ends)},
            "longest_silence_ns": self.longest_silence_ns,
            "sketches": {name: self.sketches[name].to_json() for name in sorted(self.sketches)},
            "sightings": [[one.to_json() for one in self.sightings[kind]] for kind in sorted(self.sightings)],
            "coarse": self.coarse,
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> StreamCell:
        """The cell that `to_json` wrote."""
        result = cls()
        result.counts = dict(stored["counts"])
        result.ends = dict(stored["ends"])
        result.longest_silence_ns = stored["longest_silence_ns"]
        result.sketches = {name: Sketch.from_json(one) for name, one in stored["sketches"].items()}
        for first, worst in stored["sightings"]:
            result.keep(Sighting(*first), Sighting(*worst))
        result.coarse = stored["coarse"]
        return result


class StreamCells:
    """The cells of one workload, by segment; shared by all of its streams. `take` begins the next delta."""

    def __init__(self, cuts: Sequence[float] = ()) -> None:
        self._cuts = tuple(cuts)
        self._cells: dict[int, StreamCell] = {}
        self._here, self._from, self._until = StreamCell(), math.inf, -math.inf

    def at(self, t: float) -> StreamCell:
        """The cell of this moment."""
        if self._from <= t < self._until:
            return self._here
        segment = bisect_right(self._cuts, t)
        self._here = self._cells.setdefault(segment, StreamCell())
        self._from = self._cuts[segment - 1] if segment else -math.inf
        self._until = self._cuts[segment] if segment < len(self._cuts) else math.inf
        return self._here

    def spread(self, name: str, since: float, until: float) -> None:
        """Count time, divided at the cuts."""
        for cut in (*self._cuts[bisect_right(self._cuts, since) : bisect_right(self._cuts, until)], until):
            if cut > since:
                self.at(since).add(name, round(cut * 1e9) - round(since * 1e9))
                since = cut

    def take(self) -> dict[int, StreamCell]:
        """What was counted since the last call, by segment."""
        cells, self._cells = self._cells, {}
        self._from, self._until = math.inf, -math.inf
        return cells

    def total(self) -> StreamCell:
        """All segments since the last `take` together."""
        return merged_cells(self._cells.values())


def merged_cells(cells: Iterable[StreamCell]) -> StreamCell:
    """One cell of all of them."""
    result = StreamCell()
    for cell in cells:
        result.merge(cell)
    return result
