"""What verdicts are drawn from: the frame of the plan and everything that was counted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from battlectl.observe.documents import Watched
from battlectl.observe.example import Example
from battlectl.observe.faults import Campaign
from battlectl.observe.sketch import Sketch
from battlectl.observe.tally import Tally
from battlectl.observe.telemetry import Telemetry
from battlectl.plan.frame import Frame
from battlectl.plan.workload import Window
from battlectl.scenario.objectives import Objective

COMPLETED = "completed"
KILLED = "killed"
"""Of a run whose journal breaks off."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The record of a run, live or rebuilt.

    `issued` counts the arrivals taken per workload; `ended_at` is in seconds from the start; `how` is
    "completed" or why not; `health` has the generator's state, a mapping per journal line; `coarse` is the
    most bits that the stored sketches lost; `campaign` is what was done to providers and seen of them,
    `telemetry` what the target told of itself, `documents` what became of its configuration.
    """

    frame: Frame
    tally: Tally
    issued: Mapping[str, int]
    ended_at: float
    how: str
    reason: str
    health: tuple[tuple[float, Mapping[str, float]], ...]
    coarse: int = 0
    campaign: Campaign = field(default_factory=Campaign)
    telemetry: Telemetry = field(default_factory=Telemetry)
    documents: tuple[Watched, ...] = ()

    @property
    def completed(self) -> bool:
        """Whether the run came to its planned end."""
        return self.how == COMPLETED

    def reached(self, window: Window) -> float:
        """How many seconds of a window the run came to see."""
        if self.ended_at >= window.end:
            return window.length
        return sum(max(0.0, min(end, self.ended_at) - start) for start, end in window.stretches)

    def examples(
        self,
        only: frozenset[str],
        segments: Collection[int] | None = None,
        workload: str | None = None,
        label: str | None = None,
    ) -> tuple[Example | None, Example | None]:
        """(first, worst) of some outcomes, None where there is none; narrowed to a stretch and a scope."""
        found = [
            pair
            for pair in self.tally.examples()
            if pair[0].outcome.partition("(")[0] in only
            and (segments is None or pair[0].segment in segments)
            and workload in (None, pair[0].workload)
        ]
        firsts = [first for first, _ in found if label in (None, first.label)]
        worsts = [worst for _, worst in found if label in (None, worst.label)]
        return (
            min(firsts, key=lambda e: (e.due_s, e.id), default=None),
            max(worsts, key=lambda e: (e.latency_ms, -e.id), default=None),
        )


def scope_of(objective: Objective) -> tuple[str | None, str | None]:
    """(workload, label) of an objective's scope, None for all."""
    if objective.scope is None:
        return None, None
    workload, _, label = objective.scope.partition("/")
    return workload, label or None


def statistic(sketch: Sketch, stat: str, zeros: int = 0) -> float | None:
    """p50 ... p99.99, min, mean or max in seconds, None without samples; `zeros` as in `Sketch.quantile`."""
    if stat == "mean":
        return None if sketch.mean is None else sketch.mean * sketch.count / (sketch.count + zeros)
    if stat == "min":
        return 0.0 if sketch.count and zeros else sketch.minimum
    if stat == "max":
        return sketch.maximum
    return sketch.quantile(float(stat[1:]) / 100, zeros)
