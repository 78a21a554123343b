"""Judging objectives about what the target costs: its memory.

Rule: memory is known at looks. Without a look in a window, or where looks leave a part of it out, nothing is
kept; a single look above a limit breaks it.
"""

from __future__ import annotations

from collections.abc import Callable

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.telemetry.memory import MOST_UNSEEN, growth_of, memory_of
from battlectl.analyse.verdict import Finding, Verdict
from battlectl.plan.workload import Window
from battlectl.scenario.metrics import Unit
from battlectl.scenario.objectives import Objective

Shown = Callable[[float | None, Unit | str | None], str]


def judge_target_objective(objective: Objective, evidence: Evidence, window: Window, show: Shown) -> Finding:
    """What one such objective found; `show` writes a value."""
    memory = memory_of(evidence.telemetry)
    points = memory.within(window)
    if not points:
        why = "no look fell into the window" if memory.points else "nobody tells the memory of the target"
        return _finding(objective, Verdict.INCONCLUSIVE, f"not observable: {why}", None, 0, show)
    if objective.stat == "growth":
        return _judge_growth(objective, evidence, len(points), show)
    most = max(size for _, size in points)
    whose = "its process" if memory.source == "process" else memory.source
    told = f"{show(most, 'size')} by {whose}, at {len(points):,} looks"
    holds = objective.holds(most)
    may_change = holds == (objective.op in ("<", "<=", "==")) or objective.op in ("==", "!=")
    seen = evidence.reached(window)
    if may_change and (seen < window.length and not evidence.completed):
        return _finding(
            objective, Verdict.INCONCLUSIVE, f"{told}, but the run was cut short", most, len(points), show
        )
    unseen = memory.uncovered(window, evidence.ended_at)
    if may_change and unseen > MOST_UNSEEN * window.length:
        words = f"{told}, but nobody looked for {unseen:.1f}s of it"
        return _finding(objective, Verdict.INCONCLUSIVE, words, most, len(points), show)
    if len(points) < (objective.min_samples or 1):
        words = f"{len(points)} samples, {objective.min_samples} needed"
        return _finding(objective, Verdict.INCONCLUSIVE, words, most, len(points), show)
    return _finding(objective, Verdict.PASS if holds else Verdict.FAIL, told, most, len(points), show)


def _judge_growth(objective: Objective, evidence: Evidence, looks: int, show: Shown) -> Finding:
    """Of the whole run: a window has too few looks."""
    growth = growth_of(evidence)
    if objective.window != "run":
        words = "growth is known of the whole run only"
        return _finding(objective, Verdict.INCONCLUSIVE, words, None, looks, show)
    if growth.is_leak is None:
        words = f"not observable: {growth.words}"
        return _finding(objective, Verdict.INCONCLUSIVE, words, None, looks, show)
    told = f"{show(growth.total, 'size')} over {growth.seconds:.0f}s, by the median of {looks:,} looks"
    if not evidence.completed:
        words = f"{told}, but the run was cut short"
        return _finding(objective, Verdict.INCONCLUSIVE, words, growth.total, looks, show)
    verdict = Verdict.PASS if objective.holds(growth.total) else Verdict.FAIL
    return _finding(objective, verdict, told, growth.total, looks, show)


def _finding(
    objective: Objective, verdict: Verdict, summary: str, value: float | None, looks: int, show: Shown
) -> Finding:
    return Finding(
        kind="objective",
        name=objective.text,
        verdict=verdict,
        summary=summary,
        unit=objective.unit,
        measured=value,
        expected=f"{objective.op} {show(objective.value, objective.unit)}",
        samples=looks,
    )
