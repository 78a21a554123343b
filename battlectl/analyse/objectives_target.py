"""Judging objectives about what the target costs: its memory.

Rule: memory is known at looks. Without a look in a window, or where looks leave a part of it out, nothing is
kept; a single look above a limit breaks it.
"""

from __future__ import annotations

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.objective_finding import format_value, objective_finding
from battlectl.analyse.telemetry.memory import MOST_UNSEEN, growth_of, memory_of
from battlectl.analyse.verdict import Finding, Verdict
from battlectl.plan.workload import Window
from battlectl.scenario.objectives import Objective


def judge_target_objective(objective: Objective, evidence: Evidence, window: Window) -> Finding:
    """What one such objective found."""
    memory = memory_of(evidence.telemetry)
    points = memory.within(window)
    if not points:
        why = "no look fell into the window" if memory.points else "nobody tells the memory of the target"
        return objective_finding(objective, Verdict.INCONCLUSIVE, f"not observable: {why}", None, 0)
    if objective.stat == "growth":
        return _judge_growth(objective, evidence, len(points))
    most = max(size for _, size in points)
    whose = "its process" if memory.source == "process" else memory.source
    told = f"{format_value(most, 'size')} by {whose}, at {len(points):,} looks"
    holds = objective.holds(most)
    may_change = holds == (objective.op in ("<", "<=", "==")) or objective.op in ("==", "!=")
    seen = evidence.reached(window)
    if may_change and (seen < window.length and not evidence.completed):
        words = f"{told}, but the run was cut short"
        return objective_finding(objective, Verdict.INCONCLUSIVE, words, most, len(points))
    unseen = memory.uncovered(window, evidence.ended_at)
    if may_change and unseen > MOST_UNSEEN * window.length:
        words = f"{told}, but nobody looked for {unseen:.1f}s of it"
        return objective_finding(objective, Verdict.INCONCLUSIVE, words, most, len(points))
    if len(points) < (objective.min_samples or 1):
        words = f"{len(points)} samples, {objective.min_samples} needed"
        return objective_finding(objective, Verdict.INCONCLUSIVE, words, most, len(points))
    return objective_finding(objective, Verdict.PASS if holds else Verdict.FAIL, told, most, len(points))


def _judge_growth(objective: Objective, evidence: Evidence, looks: int) -> Finding:
    """Of the whole run: a window has too few looks."""
    growth = growth_of(evidence)
    if objective.window != "run":
        words = "growth is known of the whole run only"
        return objective_finding(objective, Verdict.INCONCLUSIVE, words, None, looks)
    if growth.is_leak is None:
        words = f"not observable: {growth.words}"
        return objective_finding(objective, Verdict.INCONCLUSIVE, words, None, looks)
    told = (
        f"{format_value(growth.total, 'size')} over {growth.seconds:.0f}s, by the median of {looks:,} looks"
    )
    if not evidence.completed:
        words = f"{told}, but the run was cut short"
        return objective_finding(objective, Verdict.INCONCLUSIVE, words, growth.total, looks)
    verdict = Verdict.PASS if objective.holds(growth.total) else Verdict.FAIL
    return objective_finding(objective, verdict, told, growth.total, looks)
