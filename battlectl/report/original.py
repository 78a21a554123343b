"""The names that the original framework's results had, for tools that read those.

Rule: a figure that this run did not measure is null, never zero.
"""

from __future__ import annotations

from typing import Any

from battlectl.analyse.evidence import Evidence, statistic
from battlectl.observe.sketch import Sketch

UNMEASURED_BREAKER = ("state_changes", "opens", "closes", "half_opens", "time_open_ms")
UNMEASURED_WEBSOCKET = ("events", "duplicates", "gaps")


def original_names(evidence: Evidence) -> dict[str, Any]:
    """`analysis.requests`, `.circuit_breaker`, `.websocket` and `.system` over the run after warm-up."""
    cell = evidence.tally.cell(evidence.frame.segments(evidence.frame.run))
    return {
        "requests": {
            "total": cell.total,
            "successes": cell.ok,
            "failures": cell.total - cell.ok,
            "success_rate": cell.ok / cell.total if cell.total else None,
            **_latencies(cell.latency),
        },
        "circuit_breaker": dict.fromkeys(UNMEASURED_BREAKER),
        "websocket": dict.fromkeys(UNMEASURED_WEBSOCKET),
        "system": {"peak_memory_mb": None},
    }


def _latencies(sketch: Sketch) -> dict[str, float | None]:
    names = {"p50": "p50", "p95": "p95", "p99": "p99", "min": "min", "max": "max", "mean": "avg"}
    values = {name: statistic(sketch, stat) for stat, name in names.items()}
    return {f"{name}_latency_ms": None if value is None else value * 1e3 for name, value in values.items()}
