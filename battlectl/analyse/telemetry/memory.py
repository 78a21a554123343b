"""The target's memory: how much, from where it is known, and whether it only ever grows.

Rule: what the system says of its processes goes before what the target says itself. Figures are taken at
looks, so a peak between two of them is not seen: a window is known only where looks cover it. Growth is
judged by medians, over a run that is long enough and was looked at throughout; who fills caches and then
stays as it is does not leak.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.telemetry.disagreement import Disagreement
from battlectl.analyse.telemetry.tracks import sources_of
from battlectl.observe.telemetry import Telemetry
from battlectl.plan.workload import Window

MEBIBYTE = 2**20
LEAST_SECONDS, LEAST_LOOKS = 120.0, 40
"""Of a run by which growth can be judged."""
MOST_POINTS = 200
MOST_UNSEEN = 0.1
"""The part of a window that may lie away from any look."""
GROWN_SHARE, GROWN_BYTES = 0.25, 16 * MEBIBYTE
LATE_PART = 1 / 3
"""The part of its growth that must lie in the last half: what fills up and stops is no leak."""
FROZEN_LOOKS = 8
FROZEN_BYTES, FROZEN_SHARE = 4 * MEBIBYTE, 0.05
FROZEN_RSS_BYTES = MEBIBYTE
"""How much the system must have seen the memory move, for a figure that never does to be none."""
APART_SHARE, APART_BYTES = 0.25, 8 * MEBIBYTE
Point = tuple[float, int]


@dataclass(frozen=True, slots=True)
class Memory:
    """Looks at it in order of time; `source` is "process" or the page that told it, "" without any."""

    source: str = ""
    points: tuple[Point, ...] = ()
    every: float = 1.0

    def within(self, window: Window) -> list[Point]:
        """The looks of a window."""
        return [point for point in self.points if any(a <= point[0] <= b for a, b in window.stretches)]

    def uncovered(self, window: Window, until: float) -> float:
        """Seconds of a window, as far as the run came, further from any look than looks are apart."""
        reach, missing = 1.5 * self.every + 0.5, 0.0
        for start, end in window.stretches:
            free = start
            for t, _ in self.points:
                missing += max(0.0, min(t - reach, end, until) - max(free, start))
                free = max(free, t + reach)
            missing += max(0.0, min(end, until) - max(free, start))
        return missing


def memory_of(telemetry: Telemetry) -> Memory:
    """See the rule."""
    if telemetry.samples:
        points = tuple((sample.t, sample.memory_bytes) for sample in telemetry.samples)
        return Memory("process", points, telemetry.every)
    told = _told(telemetry)
    if not told:
        return Memory()
    source, points = max(told.items(), key=lambda item: len(item[1]))
    return Memory(source, points, telemetry.every)


def _told(telemetry: Telemetry) -> dict[str, tuple[Point, ...]]:
    """By page, of those that tell it."""
    found = {
        source: tuple((r.until, r.told.memory_bytes) for r in readings if r.told.memory_bytes is not None)
        for source, readings in sources_of(telemetry).items()
    }
    return {source: points for source, points in found.items() if points}


@dataclass(frozen=True, slots=True)
class Growth:
    """How it grew: by so many bytes over `seconds`, of them `late` in the second half; from `usual` bytes.

    `is_leak` is None where nothing can be said, for the reason in `words`.
    """

    is_leak: bool | None
    total: float = 0.0
    late: float = 0.0
    seconds: float = 0.0
    usual: float = 0.0
    words: str = ""


def growth_of(evidence: Evidence) -> Growth:
    """After warm-up, by the median of all slopes between two looks (Theil-Sen)."""
    memory = memory_of(evidence.telemetry)
    points = _thinned(memory.within(evidence.frame.run))
    if not points:
        return Growth(None, words="nobody tells the memory of the target")
    seconds = points[-1][0] - points[0][0]
    if seconds < LEAST_SECONDS or len(points) < LEAST_LOOKS:
        words = f"{len(points)} looks over {seconds:.0f}s, {LEAST_LOOKS} over {LEAST_SECONDS:.0f}s are needed"
        return Growth(None, seconds=seconds, words=words)
    unseen = memory.uncovered(evidence.frame.run, evidence.ended_at)
    if unseen > MOST_UNSEEN * evidence.reached(evidence.frame.run):
        return Growth(None, seconds=seconds, words=f"nobody looked for {unseen:.0f}s of the run")
    half = [point for point in points if point[0] >= points[0][0] + seconds / 2]
    total, late = _slope(points) * seconds, _slope(half) * seconds / 2
    usual = median(size for _, size in points)
    is_large = total >= max(GROWN_SHARE * (usual - total / 2), GROWN_BYTES)
    return Growth(is_large and late >= LATE_PART * total, total, late, seconds, usual)


def _thinned(points: Sequence[Point]) -> list[Point]:
    step = -(-len(points) // MOST_POINTS) or 1
    return list(points[::step])


def _slope(points: Sequence[Point]) -> float:
    """Bytes a second."""
    slopes = [(b - a) / (u - t) for i, (t, a) in enumerate(points) for u, b in points[i + 1 :] if u > t]
    return median(slopes) if slopes else 0.0


def memory_disagreements(evidence: Evidence) -> Iterator[Disagreement]:
    """A figure that never moves while the memory does, and one that is far from what the process takes."""
    telemetry = evidence.telemetry
    for source, points in _told(telemetry).items():
        pairs = list(_paired(points, telemetry))
        if len(pairs) < FROZEN_LOOKS:
            continue
        told, seen = [one for one, _ in pairs], [one for _, one in pairs]
        yield from _frozen(source, points, told, seen, telemetry.tells_rss)
        if telemetry.tells_rss:
            yield from _apart(source, points, told, seen)


def comparable_memory(telemetry: Telemetry) -> int:
    """How many pages tell it beside enough looks at the processes."""
    told = _told(telemetry).values()
    return sum(len(list(_paired(points, telemetry))) >= FROZEN_LOOKS for points in told)


def _paired(points: Sequence[Point], telemetry: Telemetry) -> Iterator[tuple[int, int]]:
    """(told, seen) at nearly the same moment."""
    samples, index = telemetry.samples, 0
    for t, told in points if samples else ():
        while index + 1 < len(samples) and abs(samples[index + 1].t - t) <= abs(samples[index].t - t):
            index += 1
        if abs(samples[index].t - t) <= telemetry.every:
            yield told, samples[index].memory_bytes


def _frozen(
    source: str, points: Sequence[Point], told: list[int], seen: list[int], is_rss: bool
) -> Iterator[Disagreement]:
    moved = max(seen) - min(seen)
    least = FROZEN_RSS_BYTES if is_rss else max(FROZEN_BYTES, FROZEN_SHARE * max(seen))
    if min(told) == max(told) and moved >= least:
        words = (
            f"says {_mb(told[0])} of memory in each of {len(told)} readings, while its process took "
            f"{_mb(min(seen))} to {_mb(max(seen))}"
        )
        yield Disagreement("memory", source, "", points[-1][0], words, moved / max(seen))


def _apart(source: str, points: Sequence[Point], told: list[int], seen: list[int]) -> Iterator[Disagreement]:
    """By the median, so that one moment between two looks makes none."""
    off = median(abs(a - b) for a, b in zip(told, seen, strict=True))
    usual = median(seen)
    if off > max(APART_BYTES, APART_SHARE * usual):
        words = f"says {_mb(median(told))} of memory, its process takes {_mb(usual)}"
        yield Disagreement("memory", source, "", points[-1][0], words, off / usual)


def _mb(size: float) -> str:
    return f"{size / 1e6:,.1f} MB"
