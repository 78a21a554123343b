"""One arrival as evidence, and which of two is the earlier or the worse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Example:
    """One arrival as evidence: when it was due, how long it took, what was seen."""

    workload: str
    label: str
    id: int
    outcome: str
    due_s: float
    latency_ms: float
    seen: str
    segment: int = 0


def earlier(one: Example, other: Example) -> Example:
    """The one that was due first."""
    return min(one, other, key=lambda e: (e.due_s, e.id))


def worse(one: Example, other: Example) -> Example:
    """The one that took longer; of equals the lower id."""
    return max(one, other, key=lambda e: (e.latency_ms, -e.id))


def example_json(example: Example) -> dict[str, Any]:
    """An example as it is stored."""
    return {name: getattr(example, name) for name in Example.__slots__}
