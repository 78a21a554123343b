"""What is asked of the target beside the load, and what is held against it while it cannot know better.

Rule: a target may take `notice` seconds to find out that a provider has been broken, and that it has healed;
where every provider is broken it has nobody to ask. Both are read off the plan.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from battlectl.plan.injection import Injection
from battlectl.scenario.watch import Watch

INJECTING = 1.0
"""Seconds that an injection may take beyond its time in the plan."""


@dataclass(frozen=True, slots=True)
class PlannedWatch:
    """`rate` rounds of questions a second; without `notice` what the target's config says of it holds."""

    rate: float
    notice: float | None


def plan_watch(watch: Watch | None) -> PlannedWatch | None:
    """The watch of a scenario, if it has one."""
    return None if watch is None else PlannedWatch(watch.rate, watch.notice)


@dataclass(frozen=True, slots=True)
class Leniency:
    """See the rule; times in seconds from the start of the run."""

    injections: Sequence[Injection]
    providers: Collection[str]
    notice: float

    def is_new(self, t: float) -> bool:
        """Whether a fault began or ended so shortly before t that the target need not know."""
        return any(
            moment <= t <= moment + INJECTING + self.notice
            for injection in self.injections
            for moment in (injection.at, injection.until)
        )

    def is_quiet(self, t: float) -> bool:
        """Whether no fault was in force at t, nor shortly before."""
        return not self._broken(t)

    def none_left(self, t: float) -> bool:
        """Whether every provider was broken at t, or shortly before."""
        return bool(self.providers) and set(self.providers) <= self._broken(t)

    def _broken(self, t: float) -> set[str]:
        after = INJECTING + self.notice
        return {
            provider
            for injection in self.injections
            if injection.at <= t <= injection.until + after
            for provider in injection.providers
        }
