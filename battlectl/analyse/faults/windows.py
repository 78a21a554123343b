"""The windows of the faults side by side: what the clients saw in each.

Rule: figures are those of the objectives, from the same counts; a window in which nothing was due has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from battlectl.analyse.evidence import Evidence
from battlectl.plan.workload import Window
from battlectl.scenario.chaos_times import BASELINE, DURING, RECOVERY


@dataclass(frozen=True, slots=True)
class WindowFigures:
    """Latencies in seconds over answered and timed-out arrivals, rates per second of what was reached."""

    name: str
    stretches: tuple[tuple[float, float], ...]
    seconds: float
    arrivals: int
    ok: int
    success_rate: float | None
    arrivals_per_s: float | None
    ok_per_s: float | None
    p50: float | None
    p95: float | None
    p99: float | None


def fault_windows(evidence: Evidence) -> Iterator[Window]:
    """Baseline, then during and recovery of each fault, in the order of the plan."""
    for name, window in evidence.frame.windows.items():
        if name == BASELINE or name.startswith((DURING, RECOVERY)):
            yield window


def figures_of(window: Window, evidence: Evidence) -> WindowFigures:
    """Of one window."""
    cell = evidence.tally.cell(evidence.frame.segments(window))
    latency, seconds = cell.latency, evidence.reached(window)
    return WindowFigures(
        name=window.name,
        stretches=window.stretches,
        seconds=seconds,
        arrivals=cell.total,
        ok=cell.ok,
        success_rate=cell.ok / cell.total if cell.total else None,
        arrivals_per_s=cell.total / seconds if seconds else None,
        ok_per_s=cell.ok / seconds if seconds else None,
        p50=latency.quantile(0.5),
        p95=latency.quantile(0.95),
        p99=latency.quantile(0.99),
    )
