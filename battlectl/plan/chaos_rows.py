"""The injections of a plan as rows of a table, for people."""

from __future__ import annotations

from collections.abc import Sequence

from battlectl.plan.injection import Injection
from battlectl.quantities import format_duration
from battlectl.scenario.chaos_fields import show_attributes

INJECTION_COLUMNS = ["fault", "from", "to", "length", "kind", "providers", "parameters"]


def injection_rows(injections: Sequence[Injection]) -> list[list[str]]:
    """A row for each injection, in order of time, under `INJECTION_COLUMNS`."""
    return [_row(injection) for injection in injections]


def _row(injection: Injection) -> list[str]:
    written = {name: value for name, value in injection.attributes.items() if name != "seed"}
    return [
        injection.name,
        format_duration(injection.at),
        format_duration(injection.until),
        format_duration(injection.until - injection.at),
        injection.kind,
        ", ".join(injection.providers),
        show_attributes(written),
    ]
