"""What is judged while the run goes on: safety limits and objectives that abort.

Rule: pure; it is shown each second's tally and answers with a reason to stop, or None.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

from battlectl.analyse.checks.generator import check_generator
from battlectl.analyse.evidence import Evidence
from battlectl.analyse.objectives import judge_objective
from battlectl.analyse.verdict import Verdict
from battlectl.observe.tally import Delta
from battlectl.quantities import format_duration, format_ratio
from battlectl.scenario.objectives import Objective


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the run should stop now."""

    how: Literal["safety", "objective"]
    text: str


class SafetyWatch:
    """The success rate of the last `over` seconds. Mutable: it remembers them."""

    def __init__(self, least: float | None, over: float) -> None:
        self._least = least
        self._over = over
        self._seconds: deque[tuple[float, int, int]] = deque()

    def look(self, at: float, delta: Delta) -> Reason | None:
        """The reason to stop, once a whole stretch was below the limit."""
        if self._least is None:
            return None
        total = sum(cell.total for cell in delta.calls.values())
        self._seconds.append((at, total, sum(cell.ok for cell in delta.calls.values())))
        while self._seconds[0][0] <= at - self._over:
            self._seconds.popleft()
        total, ok = sum(s[1] for s in self._seconds), sum(s[2] for s in self._seconds)
        if at < self._over or not total or ok / total >= self._least:
            return None
        stretch = format_duration(self._over)
        limit = format_ratio(self._least)
        return Reason(
            "safety", f"success rate {format_ratio(ok / total)} over {stretch}, the limit is {limit}"
        )


def failed_objective(evidence: Evidence) -> Reason | None:
    """The first objective with `abort_on_fail` that fails already, and for good.

    A count or a rate that has to be reached can still be: it is not judged before the end.
    """
    for objective in evidence.frame.objectives:
        window = evidence.frame.windows.get(objective.window)
        if not objective.abort_on_fail or window is None or _may_still_hold(objective):
            continue
        if evidence.ended_at < window.start + objective.grace:
            continue
        fit = check_generator(evidence).verdict is Verdict.PASS
        finding = judge_objective(objective, evidence, fit)
        if finding.verdict is Verdict.FAIL:
            return Reason("objective", f"{objective.text} failed with {finding.summary}")
    return None


def _may_still_hold(objective: Objective) -> bool:
    return objective.unit in ("count", "rate") and objective.op in (">", ">=", "!=")
