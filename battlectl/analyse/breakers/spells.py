"""What failed attempts under one fault say of a breaker: when it opened, for how long, what it let in.

Rule: it was open where nothing came for as long as ten attempts would have taken. How many came before the
first such rest tripped it; what came between two rests was let in as a trial. All of it is a range: a step
that may or may not have had an attempt ends no rest for certain, and begins none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from battlectl.analyse.breakers.attempts import Step

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Burst:
    """Attempts that came together: so many, and between which moments."""

    count: Range
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing came for at least and at most so long; `is_over` unless the fault ended first."""

    length: Range
    start: float
    end: float
    is_over: bool


@dataclass(frozen=True, slots=True)
class Spells:
    """Bursts and the rests between them, in order: a rest after each burst but perhaps the last."""

    bursts: tuple[Burst, ...]
    rests: tuple[Rest, ...]

    @property
    def tripped_after(self) -> Range | None:
        """How many failed before it opened for the first time; None where it never did."""
        return self.bursts[0].count if self.rests and self.bursts else None


def spells_of(steps: Sequence[Step], patience: float) -> Spells:
    """`patience` is the shortest rest that is none by chance, in seconds."""
    bursts, rests, before = [], [], (0, 0)
    groups = list(_groups(steps, patience))
    for index, (is_rest, group) in enumerate(groups):
        if not is_rest:
            least, most = group[-1].total[0] - before[1], group[-1].total[1] - before[0]
            bursts.append(Burst((float(max(0, least)), float(most)), group[0].start, group[-1].end))
            before = group[-1].total
            continue
        before = group[-1].total
        if index == 0:
            continue  # Nothing had come yet.
        last, after = groups[index - 1][1][-1], groups[index + 1][1][0] if index + 1 < len(groups) else None
        shortest = group[-1].end - group[0].start
        longest = (group[-1].end if after is None else after.end) - last.start
        rests.append(Rest((shortest, longest), group[0].start, group[-1].end, after is not None))
    return Spells(tuple(bursts), tuple(rests))


def _groups(steps: Sequence[Step], patience: float) -> Iterator[tuple[bool, Sequence[Step]]]:
    """Runs of empty steps that are long enough, and what lies between them."""
    begin = 0
    for first, last in list(_rests(steps, patience)):
        if first > begin:
            yield False, steps[begin:first]
        yield True, steps[first:last]
        begin = last
    if begin < len(steps):
        yield False, steps[begin:]


def _rests(steps: Sequence[Step], patience: float) -> Iterator[tuple[int, int]]:
    first = None
    for index, step in enumerate((*steps, None)):
        if step is not None and step.most <= 0:
            first = index if first is None else first
            continue
        if first is not None and steps[index - 1].end - steps[first].start >= patience:
            yield first, index
        first = None
