"""Each request with its attempts, as the gateway saw them: enough to compute any figure about it anew.

Rule: the newest MOST_REQUESTS are kept and all are counted. Times are Unix seconds. A request that its client
gave up before there was an answer is not among them, nor is what the gateway answers without a provider. What
clients choose is cut short: ten thousand long ids would be no record but a leak.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from battlectl.lab.gateway.breaker import State

MOST_REQUESTS = 10_000
MOST_TEXT = 64


class Asked(NamedTuple):
    """One attempt: `breaker` is the state in which it was made, `failure` None when it was accepted."""

    provider: str
    breaker: State
    at: float
    until: float
    failure: str | None


class Handled(NamedTuple):
    """One request: `to` is whose answer was passed on, None for the gateway's own words.

    `is_ok` unless any part of the answer is an error, whoever said it.
    """

    ids: tuple[Any, ...]
    method: str
    at: float
    until: float
    to: str | None
    is_ok: bool
    attempts: tuple[Asked, ...]


@dataclass(slots=True)
class Ledger:
    """Mutable: it is an accumulator."""

    total: int = 0
    kept: deque[Handled] = field(default_factory=lambda: deque(maxlen=MOST_REQUESTS))

    def add(self, handled: Handled) -> None:
        """One more request."""
        self.total += 1
        self.kept.append(handled)


def short(name: Any) -> Any:
    """An id or a method as it is kept."""
    return name[:MOST_TEXT] if isinstance(name, str) else name


def ledger_document(ledger: Ledger, clock: Callable[[], float]) -> dict[str, Any]:
    """What GET /lab/truth/requests says, in the order in which requests ended."""
    return {
        "at": clock(),
        "total": ledger.total,
        "requests": [
            {**handled._asdict(), "attempts": [asked._asdict() for asked in handled.attempts]}
            for handled in ledger.kept
        ],
    }
