"""One injection at one provider, as it really went.

Rule: what was done counts from the deeds, not from the plan; and a deed that was begun and whose end nobody
knows is in force.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.expect import Expected, expected_of
from battlectl.observe.faults import Action, Deed, Stage
from battlectl.plan.injection import Injection

LATE = 0.5
LATE_SHARE = 0.1
SETTLING = 0.1
"""Seconds around each turn of a fault that comes and goes: clocks of two processes are not the same."""


@dataclass(frozen=True, slots=True)
class Strike:
    """`begun` to `struck` is the injecting, `healing` to `healed` the healing; None for what did not happen.

    `refused` is what the driver said when it failed to inject, `unhealed` when it failed to heal;
    `healing_note` is what it said when it had healed.
    """

    injection: Injection
    provider: str
    expected: Expected
    begun: float | None
    struck: float | None
    healing: float | None
    healed: float | None
    refused: str | None
    unhealed: str | None
    healing_note: str = ""

    @property
    def tolerance(self) -> float:
        """How far from its plan it may be."""
        return max(LATE, LATE_SHARE * (self.injection.until - self.injection.at))

    @property
    def from_(self) -> float:
        """The first moment at which it may have been in force."""
        return self.injection.at if self.begun is None else self.begun

    @property
    def to(self) -> float:
        """The last moment at which it may have been in force: for ever, when healing is not known."""
        if self.struck is None and self.begun is None:
            return self.injection.at
        return float("inf") if self.healed is None else self.healed

    @property
    def end(self) -> float:
        """When it should have stopped working: healed, or over by itself."""
        planned = self.injection.until if self.healing is None else self.healing
        own = self.expected.own_end
        return planned if own is None or self.struck is None else min(planned, self.struck + own)

    def is_on(self, start: float, end: float) -> bool:
        """Whether it should work for all of a stretch: one that comes and goes is up by turns."""
        if self.struck is None or start < self.struck or end > self.end:
            return False
        if self.expected.turns is None:
            return True
        down, up = self.expected.turns
        return (start - self.struck) % (down + up) >= SETTLING and (
            (start - self.struck) % (down + up) + end - start <= down - SETTLING
        )

    def overlaps(self, start: float, end: float) -> bool:
        """Whether it may have been in force at some time of a stretch."""
        return self.from_ < end and self.to > start


def strikes_of(evidence: Evidence) -> tuple[Strike, ...]:
    """Every injection of the plan at every one of its providers, in the order of the plan."""
    return tuple(
        _strike(evidence, injection, provider)
        for injection in evidence.frame.injections
        for provider in injection.providers
    )


def _strike(evidence: Evidence, injection: Injection, provider: str) -> Strike:
    deeds = [d for d in evidence.campaign.deeds if d.fault == injection.name and d.provider == provider]
    failed_injection, failed_healing = _find(deeds, "inject", "failed"), _last(deeds, "heal", "failed")
    healed = _find(deeds, "heal", "done")
    struck = _find(deeds, "inject", "done")
    return Strike(
        injection=injection,
        provider=provider,
        expected=expected_of(injection, evidence.campaign.driver),
        begun=_time(_find(deeds, "inject", "begin")),
        struck=_time(struck),
        healing=_time(_find(deeds, "heal", "begin")),
        healed=_time(healed),
        refused=None if failed_injection is None or struck is not None else failed_injection.note,
        unhealed=None if failed_healing is None or healed is not None else failed_healing.note,
        healing_note="" if healed is None else healed.note,
    )


def _matching(deeds: list[Deed], action: Action, stage: Stage) -> Iterator[Deed]:
    return (deed for deed in deeds if (deed.action, deed.stage) == (action, stage))


def _find(deeds: list[Deed], action: Action, stage: Stage) -> Deed | None:
    return next(_matching(deeds, action, stage), None)


def _last(deeds: list[Deed], action: Action, stage: Stage) -> Deed | None:
    return next(iter(list(_matching(deeds, action, stage))[-1:]), None)


def _time(deed: Deed | None) -> float | None:
    return None if deed is None else deed.t
