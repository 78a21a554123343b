"""The finding of an objective: what was measured, beside what was wanted."""

from __future__ import annotations

from battlectl.analyse.verdict import Finding, Verdict
from battlectl.observe.example import Example
from battlectl.quantities import format_duration, format_rate, format_ratio, format_size
from battlectl.scenario.metrics import Unit
from battlectl.scenario.objectives import Objective


def format_value(value: float | None, unit: Unit | str | None) -> str:
    """A measured value with its unit."""
    if value is None:
        return "nothing"
    if unit == "duration":
        return format_duration(value)
    if unit == "ratio":
        return format_ratio(value)
    if unit == "factor":
        return f"{value:.6g}"
    if unit == "size":
        return format_size(value)
    return format_rate(value) if unit == "rate" else f"{value:,.0f}"


def objective_finding(
    objective: Objective,
    verdict: Verdict,
    summary: str,
    measured: float | None = None,
    samples: int | None = None,
    examples: tuple[Example | None, Example | None] = (None, None),
) -> Finding:
    """`measured` is in base units, None when there is nothing to measure; examples are the first and the
    worst."""
    return Finding(
        kind="objective",
        name=objective.text,
        verdict=verdict,
        summary=summary,
        unit=objective.unit,
        measured=measured,
        expected=f"{objective.op} {format_value(objective.value, objective.unit)}",
        samples=samples,
        first=examples[0],
        worst=examples[1],
    )
