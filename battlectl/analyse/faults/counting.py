"""Reading the providers' counters: what reached a provider in a stretch of time, our own probes apart.

Rule: between two looks at a counter nothing is known of when it moved. What lies inside a stretch is counted
between the looks within it, which is at least right, and at most what lies between the looks around it. A
new generation begins at zero: what the old one counted after its last look is lost. A probe of ours is taken
off from when it was sent, so a counter may seem to fall until it is counted: that is no new call when it is.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from battlectl.analyse.evidence import Evidence
from battlectl.observe.faults import Campaign, Count


@dataclass(frozen=True, slots=True)
class Moved:
    """What a provider counted from one look to another: load calls, our probes apart, and restarts seen.

    `attempts` are these calls and the connections that a fault ended before a call could be read; `events`
    went to subscribers.
    """

    start: float
    end: float
    calls: int
    restarts: int = 0
    attempts: int = 0
    events: int = 0

    @property
    def seconds(self) -> float:
        """How far the looks are apart."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Track:
    """All looks at one provider in order, when they were, and its load calls added up over generations.

    `refused` are connections of the load that a fault ended unread, added up as well, and so are `events`.
    """

    looks: tuple[Count, ...] = ()
    times: tuple[float, ...] = ()
    totals: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()
    events: tuple[int, ...] = ()

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
        calls, refused, events = (s[last] - s[first] for s in (self.totals, self.refused, self.events))
        return Moved(a.t, b.t, calls, b.generation - a.generation, calls + refused, events)


def tracks_of(campaign: Campaign, cut_off: Mapping[str, Sequence[float]]) -> dict[str, Track]:
    """By provider, of those that were looked at; `cut_off` is when we asked and were refused unread."""
    looks: dict[str, list[Count]] = {}
    for count in sorted(campaign.counts, key=lambda count: count.t):
        looks.setdefault(count.provider, []).append(count)
    return {name: _track(own, sorted(cut_off.get(name, ()))) for name, own in looks.items()}


def _track(looks: Sequence[Count], cut_off: Sequence[float]) -> Track:
    calls = [look.calls - look.probes for look in looks]
    refused = [look.refused - ours for look, ours in zip(looks, _ours(looks, cut_off), strict=True)]
    times = tuple(look.t for look in looks)
    grown = [tuple(_grown(looks, values)) for values in (calls, refused, [look.events for look in looks])]
    return Track(tuple(looks), times, *grown)


def _ours(looks: Sequence[Count], cut_off: Sequence[float]) -> Iterator[int]:
    """How many of a generation's refused connections were ours, by each look."""
    before, last, so_far = 0, looks[0].generation, 0
    for look in looks:
        if look.generation != last:
            before, last = so_far, look.generation
        so_far = bisect_right(cut_off, look.t)
        yield so_far - before


def _grown(looks: Sequence[Count], values: Sequence[int]) -> Iterator[int]:
    """What a counter has grown to, generation upon generation."""
    before, highest, last = 0, 0, looks[0].generation
    for look, value in zip(looks, values, strict=True):
        if look.generation != last:
            before, highest, last = before + highest, 0, look.generation
        highest = max(highest, value)
        yield before + highest


@dataclass(frozen=True, slots=True)
class Due:
    """Arrivals due, added up over the slices of the series; `ok` has (all, those that ended ok) of each.

    `load` is when the first and the last of them can be due: slices reach beyond that.
    """

    width: float
    slices: tuple[int, ...] = ()
    sums: tuple[int, ...] = (0,)
    ok: tuple[tuple[int, int], ...] = ()
    load: tuple[float, float] = (-inf, inf)

    def between(self, start: float, end: float) -> float:
        """Those of a stretch; a slice that lies partly in it counts for that part."""
        return self._until(end) - self._until(start) if end > start else 0.0

    def first_ok(self, since: float) -> float | None:
        """When one was due since then that ended ok: at once where all of a slice did, else by its end."""
        for index in range(max(0, bisect_right(self.slices, since / self.width) - 1), len(self.slices)):
            start, (total, ok) = self.slices[index] * self.width, self.ok[index]
            if start + self.width > since and ok and (ok == total or start >= since):
                return max(since, start) if ok == total else start + self.width
        return None

    def _until(self, t: float) -> float:
        index = bisect_right(self.slices, t / self.width) - 1
        if index < 0 or t == inf:
            return 0.0 if index < 0 else float(self.sums[-1])
        begin = max(self.slices[index] * self.width, self.load[0])
        end = min((self.slices[index] + 1) * self.width, self.load[1])
        part = min(1.0, max(0.0, t - begin) / (end - begin)) if end > begin else 1.0
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
    return Due(
        width=evidence.frame.slice_width,
        slices=slices,
        sums=tuple(sums),
        ok=tuple(totals[slice_] for slice_ in slices),
        load=(
            min((workload.start for workload in evidence.frame.workloads), default=-inf),
            max((workload.end for workload in evidence.frame.workloads), default=inf),
        ),
    )
