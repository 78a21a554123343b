"""A figure about a fault: what it is at least and at most, and where that comes from.

Rule: evidence has a grain, so a figure is a range. An objective holds when all of the range keeps it, fails
when none of it does, and is otherwise inconclusive. A figure that nobody could see is "not observable".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import Literal

from battlectl.scenario.objectives import Objective

Source = Literal["metadata", "telemetry", "counters", "client", ""]
"""What the target's replies say, what it tells of itself, what providers counted, what our load saw."""


@dataclass(frozen=True, slots=True)
class Figure:
    """In base units; `least` is None where it is not observable, `most` may be infinite.

    `samples` is how much it stands on; `words` say why it is not observable, or what to know of it.
    """

    least: float | None
    most: float
    samples: int
    source: Source
    words: str = ""

    @property
    def is_observable(self) -> bool:
        """Whether anything at all is known: from nothing to anything is none."""
        says_something = self.least is not None and not (self.least <= 0 and self.most == inf)
        return says_something and self.samples > 0

    @property
    def value(self) -> float | None:
        """The figure where it is exact, else None."""
        return self.least if self.least == self.most else None

    def verdict(self, objective: Objective) -> bool | None:
        """Whether the objective holds; None where the range does not say."""
        if self.least is None or not self.samples:
            return None
        ends = {objective.holds(self.least), objective.holds(self.most)}
        is_inside = self.least <= objective.value <= self.most
        if objective.op in ("==", "!=") and is_inside and self.least != self.most:
            return None
        return ends.pop() if len(ends) == 1 else None


def exact(value: float, samples: int, source: Source, words: str = "") -> Figure:
    """A figure without any doubt."""
    return Figure(value, value, samples, source, words)


def not_observable(why: str) -> Figure:
    """There is no such figure."""
    return Figure(None, inf, 0, "", why)


def longest(figures: Iterable[Figure]) -> Figure:
    """The greatest of several; one that nobody could see makes the greatest unknown."""
    several = list(figures)
    unseen = next((figure for figure in several if not figure.is_observable), None)
    if unseen is not None or not several:
        return unseen or not_observable("there was no such fault")
    worst = max(several, key=lambda figure: (figure.most, figure.least or 0.0))
    return Figure(
        least=max(figure.least or 0.0 for figure in several),
        most=worst.most,
        samples=sum(figure.samples for figure in several),
        source=worst.source,
        words=worst.words,
    )
