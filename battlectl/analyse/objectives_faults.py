"""Judging objectives about what faults did: recovery, failover, breakers, amplification.

Rule: a figure that nobody could see proves nothing, and one that is known only as a range must keep or break
the objective with all of it. Nothing is kept under a fault that is not proven. A violation that the generator
or an early end may explain is inconclusive.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.amplification import amplification
from battlectl.analyse.faults.breaker_figures import breaker_figure
from battlectl.analyse.faults.failover import (
    detection_time,
    failover_latency,
    failover_time,
    failovers,
    unproven,
)
from battlectl.analyse.faults.figure import Figure
from battlectl.analyse.faults.recovery import horizon, injections_of, recovery_time, unavailability
from battlectl.analyse.objective_finding import format_value, objective_finding
from battlectl.analyse.verdict import Finding, Verdict
from battlectl.observe.served import OWN_NAMES
from battlectl.plan.workload import Window
from battlectl.scenario.metrics import scope_kind
from battlectl.scenario.objectives import Objective

NOTHING = "nothing in this run measures it"

Measure = Callable[[Objective, Evidence, Window, bool], Figure]

MEASURES: dict[str, Measure] = {
    "recovery_time": lambda o, evidence, window, fit: recovery_time(evidence, o.scope or "", fit),
    "unavailability": lambda o, evidence, window, fit: unavailability(evidence, o.scope or "", fit),
    "failover_time": lambda o, evidence, window, fit: failover_time(evidence, o.scope or ""),
    "detection_time": lambda o, evidence, window, fit: detection_time(evidence, o.scope or ""),
    "failovers": lambda o, evidence, window, fit: failovers(evidence, window),
    "failover_latency": lambda o, evidence, window, fit: failover_latency(evidence, window, o.stat or ""),
    "amplification": lambda o, evidence, window, fit: amplification(evidence, window),
    "breaker": lambda o, evidence, window, fit: breaker_figure(evidence, o.scope or "", o.stat or "", window),
}
"""One for each of `scenario.metrics.FAULT_METRICS`."""


def judge_fault_objective(
    objective: Objective, evidence: Evidence, window: Window, fit: bool, needed: int
) -> Finding:
    """What one such objective found; `needed` is how many samples it takes."""
    if not _is_measured(evidence):
        return _finding(objective, Verdict.INCONCLUSIVE, NOTHING, None)
    figure = MEASURES[objective.metric](objective, evidence, window, fit)
    if not figure.is_observable:
        return _finding(objective, Verdict.INCONCLUSIVE, f"not observable: {figure.words}", None)
    told = _tell(figure, objective)
    is_of_fault = scope_kind(objective.metric) == "fault"
    if figure.samples < needed:
        summary = f"{figure.samples} samples, {needed} needed"
        return _finding(objective, Verdict.INCONCLUSIVE, summary, figure)
    kept = figure.verdict(objective)
    if kept is None:
        return _finding(objective, Verdict.INCONCLUSIVE, f"{told}: too little to judge", figure)
    doubt = unproven(evidence, objective.scope or "") if kept and is_of_fault else None
    if doubt is not None:
        return _finding(objective, Verdict.INCONCLUSIVE, f"{told}, but {doubt}", figure)
    may_change = kept or objective.op not in ("<", "<=")
    if may_change and not _was_reached(objective, evidence, window):
        return _finding(objective, Verdict.INCONCLUSIVE, f"{told}, but the run was cut short", figure)
    if not kept and not fit and objective.metric not in ("recovery_time", "unavailability"):
        summary = f"{told}, but the generator was late or short of room"
        return _finding(objective, Verdict.INCONCLUSIVE, summary, figure)
    return _finding(objective, Verdict.PASS if kept else Verdict.FAIL, told, figure)


def _is_measured(evidence: Evidence) -> bool:
    served = any(key[1] not in OWN_NAMES for key in evidence.tally.by_provider)
    return bool(evidence.frame.injections or evidence.campaign.counts or served)


def _was_reached(objective: Objective, evidence: Evidence, window: Window) -> bool:
    if evidence.completed:
        return True
    ends = [horizon(injection, evidence) for injection in injections_of(evidence, objective.scope or "")]
    return evidence.ended_at >= max(ends, default=window.end)


def _tell(figure: Figure, objective: Objective) -> str:
    value = low = format_value(figure.least, objective.unit)
    if figure.most == inf:
        value = f"at least {low}"
    elif figure.least != figure.most:
        value = f"{low} to {format_value(figure.most, objective.unit)}"
    notes = [figure.words, f"from {figure.source}" if figure.source else ""]
    return f"{value} ({'; '.join(note for note in notes if note)})"


def _finding(objective: Objective, verdict: Verdict, summary: str, figure: Figure | None) -> Finding:
    if figure is None:
        return objective_finding(objective, verdict, summary)
    measured = _one_value(figure, verdict, objective)
    return objective_finding(objective, verdict, summary, measured, figure.samples)


def _one_value(figure: Figure, verdict: Verdict, objective: Objective) -> float | None:
    """Of a range, the end that is nearest to breaking the objective; what broke it, where it was broken."""
    if figure.most == inf or objective.op in (">", ">="):
        return figure.least
    return figure.most if verdict is not Verdict.FAIL else figure.least
