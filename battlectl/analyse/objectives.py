"""Judging objectives.

Rule: an objective fails only on evidence against the target. When the generator was the bottleneck, a
violated objective is judged again in the reading most favourable to the target (drops count as right and
fast, only the target's own service time counts); if it holds then, it is inconclusive. A pass never gets
that second look: what we lost counts against it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from battlectl.analyse.checks.generator import is_fit_for_streams
from battlectl.analyse.evidence import Evidence, scope_of, statistic
from battlectl.analyse.objective_finding import format_value, objective_finding
from battlectl.analyse.objectives_faults import MEASURES, judge_fault_objective
from battlectl.analyse.objectives_streams import judge_stream_objective
from battlectl.analyse.objectives_target import judge_target_objective
from battlectl.analyse.verdict import Finding, Verdict
from battlectl.observe import outcome
from battlectl.observe.example import Example
from battlectl.observe.tally import CallCell, FlowCell
from battlectl.plan.workload import Window
from battlectl.quantities import format_duration
from battlectl.scenario.metrics import METRICS, STREAM_METRICS, TARGET_METRICS
from battlectl.scenario.objectives import Objective

LATENCIES = ("latency", "ok_latency")
CUT_OFF = ("latency", "service", "backlog")
FLOW_LATENCIES = ("service", "backlog", "lag")


@dataclass(frozen=True, slots=True)
class Measured:
    """A value, how many samples it stands on, and its most favourable reading; None where there is none."""

    value: float | None
    samples: int
    favourable: float | None


def judge_objective(objective: Objective, evidence: Evidence, generator_fit: bool) -> Finding:
    """What one objective found."""
    window = evidence.frame.windows.get(objective.window)
    if window is None:
        return _finding(objective, Verdict.INCONCLUSIVE, f"there is no window {objective.window}", None)
    if objective.metric in MEASURES:
        needed = objective.min_samples or _default_samples(objective)
        return judge_fault_objective(objective, evidence, window, generator_fit, needed)
    if objective.metric in STREAM_METRICS:
        return judge_stream_objective(objective, evidence, window, is_fit_for_streams(evidence))
    if objective.metric in TARGET_METRICS:
        return judge_target_objective(objective, evidence, window)
    if objective.metric not in METRICS:
        return _finding(objective, Verdict.INCONCLUSIVE, "nothing in this run measures it", None)
    measured = measure(objective, evidence, window)
    needed = objective.min_samples or _default_samples(objective)
    if measured.value is None or measured.samples == 0:
        return _finding(objective, Verdict.INCONCLUSIVE, "no samples", None)
    if evidence.coarse and objective.metric in LATENCIES + FLOW_LATENCIES:
        shown = format_value(measured.value, objective.unit)
        summary = f"about {shown}: the journal kept its latencies too coarsely to judge"
        return _finding(objective, Verdict.INCONCLUSIVE, summary, measured)
    if measured.samples < needed:
        summary = f"{measured.samples} samples, {needed} needed"
        return _finding(objective, Verdict.INCONCLUSIVE, summary, measured)
    if objective.holds(measured.value) and _is_cut_off(objective, evidence, measured.value):
        summary = f"at least {format_value(measured.value, objective.unit)}: the timeout cut longer waits off"
        return _finding(objective, Verdict.INCONCLUSIVE, summary, measured)
    if objective.holds(measured.value):
        return _passed(objective, evidence, window, measured)
    return _violated(objective, evidence, measured, generator_fit)


def _is_cut_off(objective: Objective, evidence: Evidence, value: float) -> bool:
    """Whether a latency lies where arrivals timed out: its true value is unknown, an upper bound unproven."""
    if objective.metric not in CUT_OFF or objective.op not in ("<", "<="):
        return False
    scope, _ = scope_of(objective)
    timeouts = (w.timeout for w in evidence.frame.workloads if scope in (None, w.name))
    return value >= min(timeouts, default=math.inf) * 0.999


def measure(objective: Objective, evidence: Evidence, window: Window) -> Measured:
    """The value of an objective's metric in a window."""
    workload, label = scope_of(objective)
    segments = evidence.frame.segments(window)
    cell = evidence.tally.cell(segments, workload, label)
    if objective.metric == "reconnects" and _any_httpx(evidence, workload):
        return Measured(None, 0, None)  # That client does not tell.
    if objective.metric in LATENCIES or objective.metric in FLOW_LATENCIES:
        return _measure_latency(objective, cell, evidence.tally.flow(segments, workload))
    return _measure_count(objective, cell, evidence.tally.flow(segments, workload), evidence.reached(window))


def _any_httpx(evidence: Evidence, workload: str | None) -> bool:
    return any(w.client == "httpx" for w in evidence.frame.workloads if workload in (None, w.name))


def _measure_latency(objective: Objective, cell: CallCell, flow: FlowCell) -> Measured:
    assert objective.stat is not None
    own = objective.metric in LATENCIES
    sketch = getattr(cell if own else flow, objective.metric)
    value = statistic(sketch, objective.stat)
    if objective.metric == "lag" or scope_of(objective)[1] is not None:
        return Measured(value, sketch.count, None)  # Lag is ours alone; service is not known per call.
    favourable = statistic(flow.service if own else sketch, objective.stat, zeros=_ours(cell))
    return Measured(value, sketch.count, favourable)


def _measure_count(objective: Objective, cell: CallCell, flow: FlowCell, seconds: float) -> Measured:
    total, ours = cell.total, _ours(cell)
    if objective.metric == "success_rate":
        sent = total - ours
        return Measured(cell.ok / total if total else None, total, cell.ok / sent if sent else 1.0)
    if objective.metric == "throughput":
        rate = cell.ok / seconds if seconds else None
        return Measured(rate, total, (cell.ok + ours) / seconds if seconds else None)
    if objective.metric == "failures":
        return Measured(total - cell.ok, total, total - cell.ok - ours)
    if objective.metric == "outcomes":
        assert objective.stat is not None
        count = sum(n for label, n in cell.outcomes.items() if outcome.outcome_of(label) == objective.stat)
        return Measured(
            count, total, 0.0 if objective.stat in (outcome.DROPPED, outcome.ABANDONED) else count
        )
    count = total if objective.metric == "total" else getattr(flow, objective.metric)
    return Measured(count, total, count)


def _ours(cell: CallCell) -> int:
    """Arrivals that ended by our doing."""
    return cell.outcomes.get(outcome.DROPPED, 0) + cell.outcomes.get(outcome.ABANDONED, 0)


def _default_samples(objective: Objective) -> int:
    """A percentile needs at least one sample beyond it to mean anything: p99 needs 100."""
    if objective.stat is None or not objective.stat.startswith("p"):
        return 1
    return math.ceil(round(1 / (1 - float(objective.stat[1:]) / 100), 6))


def _passed(objective: Objective, evidence: Evidence, window: Window, measured: Measured) -> Finding:
    shown = format_value(measured.value, objective.unit)
    seen, planned = evidence.reached(window), window.length
    if not evidence.completed and seen < planned:
        summary = f"{shown}, but only {format_duration(seen)} of {format_duration(planned)} were run"
        return _finding(objective, Verdict.INCONCLUSIVE, summary, measured)
    return _finding(objective, Verdict.PASS, shown, measured)


def _violated(objective: Objective, evidence: Evidence, measured: Measured, generator_fit: bool) -> Finding:
    shown = format_value(measured.value, objective.unit)
    excusable = measured.favourable is None or objective.holds(measured.favourable)
    unfit = not generator_fit or not evidence.completed or _lagged(objective, evidence)
    if objective.metric == "lag" or (unfit and excusable):
        why = "the generator was late or short of room" if evidence.completed else "the run was cut short"
        summary = f"{shown}, but {why}: without that the objective may hold"
        return _finding(objective, Verdict.INCONCLUSIVE, summary, measured)
    segments = evidence.frame.segments(evidence.frame.windows[objective.window])
    first, worst = evidence.examples(_blamed(objective), segments, *scope_of(objective))
    if first is not None and first.outcome == outcome.OK:
        first = worst  # Only the slowest right answers are kept: the first of them says nothing.
    return _finding(objective, Verdict.FAIL, shown, measured, (first, worst))


def _lagged(objective: Objective, evidence: Evidence) -> bool:
    """Whether our own lag, at the very statistic that is judged, is more than the scenario allows."""
    if objective.metric not in LATENCIES or objective.stat is None:
        return False
    segments = evidence.frame.segments(evidence.frame.windows[objective.window])
    lag = statistic(evidence.tally.flow(segments, scope_of(objective)[0]).lag, objective.stat)
    return lag is not None and lag > evidence.frame.max_lag


def _blamed(objective: Objective) -> frozenset[str]:
    """The outcomes among which the examples of a violated objective are found."""
    if objective.metric == "outcomes" and objective.stat is not None:
        return frozenset({objective.stat})
    if objective.metric in LATENCIES + FLOW_LATENCIES:
        return outcome.TIMED if objective.metric != "ok_latency" else frozenset({outcome.OK})
    return frozenset(outcome.MEANINGS) - {outcome.OK}


def _finding(
    objective: Objective,
    verdict: Verdict,
    summary: str,
    measured: Measured | None,
    examples: tuple[Example | None, Example | None] = (None, None),
) -> Finding:
    if measured is None:
        return objective_finding(objective, verdict, summary)
    return objective_finding(objective, verdict, summary, measured.value, measured.samples, examples)
