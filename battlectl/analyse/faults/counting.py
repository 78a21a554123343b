"""Reading the providers' counters: what reached a provider in a stretch of time, our own probes apart.

Rule: between two looks at a counter nothing is known of when it moved. What lies inside a stretch is counted
between the looks within it, which is at least right, and at most what lies between the looks around it. A
new generation begins at zero: what the old one counted after its last look is lost.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from battlectl.analyse.evidence import Evidence
from battlectl.observe.faults import Campaign, Count


@dataclass(frozen=True, slots=True)
class Moved:
    """What a provider counted from one look to another: load calls, our probes apart, and restarts seen."""

    start: float
    end: float
    calls: int
    restarts: int = 0

    @property
    def seconds(self) -> float:
        """How far the looks are apart."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Track:
    """All looks at one provider in order, when they were, and its load calls added up over generations."""

    looks: tuple[Count, ...] = ()
    times: tuple[float, ...] = ()
    totals: tuple[int, ...] = ()

    def inside(self, start: float, end: float) -> Moved | None:
        """Between the first and the last look of a stretch; None with fewer than two."""
        return self._between(bisect_left(self.times, start), bisect_right(self.times, end) - 1)

    def around(self, start: float, end: float) -> Moved | None:
        """Between the last look before and the first after a stretch; None where one is missing."""
        first, last = bisect_right(self.times, start) - 1, bisect_left(self.times, end)
        return self._between(first, last) if first >= 0 and last < len(self.times) else None

    def steps(self, start: float, end: float) -> Iterator[Moved]:
        """From each look of a stretch to the next."""
        first, last = bisect_left(self.times, start), bisect_right(self.times, end) - 1
        for index in range(first, last):
            step = self._between(index, index + 1)
            if step is not None:
                yield step

    def within(self, start: float, end: float) -> tuple[Count, ...]:
        """The looks of a stretch."""
        return self.looks[bisect_left(self.times, start) : bisect_right(self.times, end)]

    def grain(self, start: float, end: float) -> float | None:
        """The longest time between two looks of a stretch, None with fewer than two."""
        return max((b.t - a.t for a, b in pairwise(self.within(start, end))), default=None)

    def _between(self, first: int, last: int) -> Moved | None:
        if last <= first:
            return None
        a, b = self.looks[first], self.looks[last]
        return Moved(a.t, b.t, self.totals[last] - self.totals[first], b.generation - a.generation)


def tracks_of(campaign: Campaign) -> dict[str, Track]:
    """By provider, of those that were looked at."""
    looks: dict[str, list[Count]] = {}
    for count in sorted(campaign.counts, key=lambda count: count.t):
        looks.setdefault(count.provider, []).append(count)
    return {
        name: Track(tuple(own), tuple(look.t for look in own), tuple(_totals(own)))
        for name, own in looks.items()
    }


def _totals(looks: Sequence[Count]) -> Iterable[int]:
    total, before = 0, None
    for look in looks:
        load = look.calls - look.probes
        if before is not None and before.generation == look.generation:
            load -= before.calls - before.probes
        total += max(0, load)
        before = look
        yield total


@dataclass(frozen=True, slots=True)
class Due:
    """Arrivals due, added up over the slices of the series; `ok` has (all, those that ended ok) of each."""

    width: float
    slices: tuple[int, ...] = ()
    sums: tuple[int, ...] = (0,)
    ok: tuple[tuple[int, int], ...] = ()

    def between(self, start: float, end: float) -> float:
        """Those of a stretch; a slice that lies partly in it counts for that part."""
        return self._until(end) - self._until(start) if end > start else 0.0

    def first_ok(self, since: float) -> float | None:
        """When one due since then had ended ok: at once where all of a slice did, else at its end."""
        for index in range(max(0, bisect_right(self.slices, since / self.width) - 1), len(self.slices)):
            end, (total, ok) = (self.slices[index] + 1) * self.width, self.ok[index]
            if end > since and ok:
                return max(since, end - self.width) if ok == total else end
        return None

    def _until(self, t: float) -> float:
        index = bisect_right(self.slices, t / self.width) - 1
        if index < 0 or t == inf:
            return 0.0 if index < 0 else float(self.sums[-1])
        part = min(1.0, t / self.width - self.slices[index])
        return self.sums[index] + part * (self.sums[index + 1] - self.sums[index])


def due_arrivals(evidence: Evidence) -> Due:
    """All arrivals of a run by when they were due."""
    totals: dict[int, tuple[int, int]] = {}
    for (_, _, slice_), row in evidence.tally.series().items():
        total, ok = totals.get(slice_, (0, 0))
        totals[slice_] = total + row.total, ok + row.ok
    slices, sums = tuple(sorted(totals)), [0]
    for slice_ in slices:
        sums.append(sums[-1] + totals[slice_][0])
    return Due(evidence.frame.slice_width, slices, tuple(sums), tuple(totals[slice_] for slice_ in slices))
