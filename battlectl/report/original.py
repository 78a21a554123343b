"""The names that the original framework's results had, for tools that read those.

Rule: a figure that this run did not measure is null, never zero. A count that is known only as a range is
null, too; a time is one when it is not known to the second, else it counts as the middle of its range.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from battlectl.analyse.evidence import Evidence, statistic
from battlectl.analyse.streams.figures import stream_figure
from battlectl.observe.sketch import Sketch
from battlectl.report.document_telemetry import peak_memory_mb

TO_THE_SECOND = 1.0
OF_WEBSOCKETS = ("events", "duplicates", "gaps", "uptime", "duplicate_rate", "gap_rate")


def original_names(evidence: Evidence, breakers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
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
        "circuit_breaker": _breaker(breakers),
        "websocket": _websocket(evidence),
        "system": {"peak_memory_mb": peak_memory_mb(evidence)},
    }


def _latencies(sketch: Sketch) -> dict[str, float | None]:
    names = {"p50": "p50", "p95": "p95", "p99": "p99", "min": "min", "max": "max", "mean": "avg"}
    values = {name: statistic(sketch, stat) for stat, name in names.items()}
    return {f"{name}_latency_ms": None if value is None else value * 1e3 for name, value in values.items()}


def _websocket(evidence: Evidence) -> dict[str, float | None]:
    """Of all subscribers together; `gaps` are blocks, and a back-fill that was never complete is null."""
    names = (*OF_WEBSOCKETS, "backfill_completion_ms")
    if not evidence.frame.streams:
        return dict.fromkeys(names)
    cell = evidence.tally.streams(evidence.frame.segments(evidence.frame.run))
    figures = {name: stream_figure(cell, name) for name in OF_WEBSOCKETS}
    values = {name: figure.value if figure.samples else None for name, figure in figures.items()}
    catch_up = None if cell.missing else stream_figure(cell, "catch_up.max").value
    return {**values, "backfill_completion_ms": None if catch_up is None else round(catch_up * 1e3, 6)}


def _breaker(breakers: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """Over all providers."""
    counts = {name: _summed(breakers, name, exactly=True) for name in ("opens", "closes", "half_opens")}
    known = [number for number in counts.values() if number is not None]
    seconds = _summed(breakers, "time_open_s", exactly=False)
    return {
        "state_changes": sum(known) if len(known) == len(counts) else None,
        **counts,
        "time_open_ms": None if seconds is None else round(seconds * 1e3, 3),
    }


def _summed(breakers: Sequence[Mapping[str, Any]], key: str, exactly: bool) -> float | None:
    """Over all providers; None when that of one is not known. A range counts as its middle, or not at all."""
    figures = [breaker[key] for breaker in breakers]
    grain = 0.0 if exactly else TO_THE_SECOND
    if not figures or any(f["most"] is None or f["most"] - f["least"] > grain for f in figures):
        return None
    total = sum(float(figure["least"] + figure["most"]) for figure in figures) / 2
    return round(total) if exactly else total
