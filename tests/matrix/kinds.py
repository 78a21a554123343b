"""Of which kinds a finding is, so that it can be held against what a defect declared beforehand.

Rule: only what weighs as a failure accuses; what is inconclusive or a note names nobody. A check is of the
kind of its name. An objective is of the kind of its metric, and of a second one where only that can keep it:
success while a fault is in force by failover, an outcome that is an error by how errors are told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from battlectl.scenario.objectives import Objective, parse_objective

OF_METRICS: Mapping[str, str] = {
    "success_rate": "availability",
    "failures": "availability",
    "outcomes": "availability",
    "throughput": "availability",
    "unavailability": "availability",
    "latency": "latency",
    "ok_latency": "latency",
    "service": "latency",
    "failover_latency": "latency",
    "amplification": "amplification",
    "failovers": "failover",
    "failover_time": "failover",
    "detection_time": "failover",
    "recovery_time": "failover",
    "breaker": "breaker",
    "subscription": "continuity",
    "memory": "memory",
}
OF_CHECKS: Mapping[str, frozenset[str]] = {
    "leak": frozenset({"memory"}),
    "telemetry": frozenset({"telemetry", "metadata"}),
}
"""Checks whose name is not their kind. `telemetry` holds pages and replies against what was seen alike."""
NO_REPLIES = frozenset({"malformed", "wrong", "too_large"})
ERRORS = frozenset({"rpc_error", "http_error"})
KEPT_BY_FAILOVER = frozenset({"success_rate", "failures"})


def kinds_of(finding: Mapping[str, Any]) -> frozenset[str]:
    """Of one finding of a report."""
    if finding["kind"] == "check":
        return OF_CHECKS.get(finding["name"], frozenset({str(finding["name"])}))
    objective = parse_objective(finding["name"])
    if objective.metric == "outcomes" and objective.stat in NO_REPLIES:
        return frozenset({"replies"})
    return frozenset({OF_METRICS[objective.metric], *_besides(objective)})


def accusations(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The findings that accuse the target."""
    return [finding for finding in report["findings"] if finding["weighs"] == "fail"]


def _besides(objective: Objective) -> frozenset[str]:
    if objective.metric in KEPT_BY_FAILOVER and objective.window.startswith("during:"):
        return frozenset({"failover"})
    if objective.metric == "outcomes" and objective.stat in ERRORS:
        return frozenset({"errors"})
    return frozenset()
