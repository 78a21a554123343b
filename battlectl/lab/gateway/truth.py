"""What the gateway did, as it knows it: the ground truth that tests compare conclusions with.

Rule: append-only and bounded. Each kind of event keeps its newest MOST_EVENTS and counts the rest, so that
a thousand failovers push no breaker's opening out. Counters hold MOST_METHODS methods by name and the
others as "other": clients choose the names. Times are Unix seconds.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

Event = Literal["breaker", "failover", "rejected", "standing", "configuration", "replacement", "stream"]
"""`replacement` and `stream` (back-fills, stalls, gaps left) are the WebSocket side's."""

MOST_EVENTS = 2_000
MOST_METHODS = 200
OTHER = "other"


@dataclass(slots=True)
class Truth:
    """The record of one gateway. `attempts` and `served` are by (provider, transport, method)."""

    clock: Callable[[], float] = time.time
    attempts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    served: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    probes: Counter[tuple[str, str]] = field(default_factory=Counter)
    totals: Counter[str] = field(default_factory=Counter)
    events: dict[str, deque[dict[str, Any]]] = field(default_factory=dict)
    methods: set[str] = field(default_factory=set)

    def record(self, event: Event, **fields: Any) -> None:
        """Add an event; its time is now."""
        self.totals[event] += 1
        kept = self.events.setdefault(event, deque(maxlen=MOST_EVENTS))
        kept.append({"at": self.clock(), **fields})

    def label(self, method: str) -> str:
        """The name under which a method is counted."""
        if method in self.methods:
            return method
        if len(self.methods) >= MOST_METHODS:
            return OTHER
        self.methods.add(method)
        return method


def truth_document(truth: Truth) -> dict[str, Any]:
    """What GET /lab/truth says."""
    return {
        "at": truth.clock(),
        "attempts": _by_provider(truth.attempts),
        "served": _by_provider(truth.served),
        "probes": {f"{provider}": _outcomes(truth.probes, provider) for provider, _ in sorted(truth.probes)},
        "totals": dict(sorted(truth.totals.items())),
        "events": {event: list(kept) for event, kept in sorted(truth.events.items())},
    }


def _by_provider(counts: Counter[tuple[str, str, str]]) -> dict[str, dict[str, dict[str, int]]]:
    document: dict[str, dict[str, dict[str, int]]] = {}
    for (provider, transport, method), count in sorted(counts.items()):
        document.setdefault(provider, {}).setdefault(transport, {})[method] = count
    return document


def _outcomes(probes: Counter[tuple[str, str]], provider: str) -> dict[str, int]:
    return {outcome: count for (id_, outcome), count in sorted(probes.items()) if id_ == provider}
