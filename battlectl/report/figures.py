"""Numbers of the document as people read them.

Rule: what was not measured is a dash, never a zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from battlectl.quantities import format_duration, format_rate, format_ratio

NOTHING = "-"


def show_ms(milliseconds: float | None) -> str:
    """A latency."""
    return NOTHING if milliseconds is None else format_duration(milliseconds / 1e3)


def show_seconds(seconds: float | None) -> str:
    """A time since the start of the run, or a length."""
    return NOTHING if seconds is None else format_duration(seconds)


def show_ratio(ratio: float | None) -> str:
    """A share, in per cent."""
    return NOTHING if ratio is None else format_ratio(ratio)


def show_percent(ratio: float | None) -> str:
    """A share of which the tenth of a per cent is enough."""
    return NOTHING if ratio is None else f"{ratio:.1%}"


def show_rate(per_second: float | None) -> str:
    """A rate."""
    return NOTHING if per_second is None else format_rate(per_second)


def show_count(number: int | None) -> str:
    """A count."""
    return NOTHING if number is None else f"{number:,}"


def show_latencies(latency: Mapping[str, Any], *stats: str) -> list[str]:
    """Statistics of a latency, in the order asked for."""
    return [show_ms(latency[f"{stat}_ms"]) for stat in stats]
