"""Verdicts and findings.

Rule: three values, merged fail over inconclusive over pass; nothing to merge is inconclusive. No evidence is
never a pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from battlectl.observe.example import Example


class Verdict(StrEnum):
    """What can be said."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


def merge_verdicts(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of several."""
    present = set(verdicts)
    for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS):
        if verdict in present:
            return verdict
    return Verdict.INCONCLUSIVE


@dataclass(frozen=True, slots=True)
class Finding:
    """What one objective or check found.

    `level` is what the finding counts as when it is adverse: `fail` and `inconclusive` weigh on the verdict,
    a `note` is only shown. `measured` is in base units, None when there is nothing to measure.
    """

    kind: str
    name: str
    verdict: Verdict
    summary: str
    level: str = "fail"
    unit: str | None = None
    measured: float | None = None
    expected: str | None = None
    samples: int | None = None
    first: Example | None = None
    worst: Example | None = None

    @property
    def weighs(self) -> Verdict:
        """What the finding adds to the verdict of the run."""
        if self.verdict is Verdict.PASS or self.level == "note":
            return Verdict.PASS
        if self.verdict is Verdict.FAIL and self.level == "inconclusive":
            return Verdict.INCONCLUSIVE
        return self.verdict


def at_level(finding: Finding, level: str) -> Finding:
    """The same finding, weighed as the scenario asks."""
    return replace(finding, level=level)
