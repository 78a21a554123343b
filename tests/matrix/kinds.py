"""Which kind a finding is of, so that it can be held against what a defect declared beforehand.

Rule: only what weighs as a failure accuses; what is inconclusive or a note names nobody. The kind of an
objective is that of its metric, the kind of a check its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from battlectl.scenario.objectives import parse_objective

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


def kind_of(finding: Mapping[str, Any]) -> str:
    """Of one finding of a report."""
    if finding["kind"] == "check":
        return str(finding["name"])
    objective = parse_objective(finding["name"])
    if objective.metric == "outcomes" and objective.stat in {"malformed", "wrong", "too_large"}:
        return "replies"
    return OF_METRICS[objective.metric]


def accusations(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The findings that accuse the target."""
    return [finding for finding in report["findings"] if finding["weighs"] == "fail"]
