"""Why and how a run ends before its time.

Rule: the first request stops arrivals and lets what is under way drain; the second stops draining. The first
reason is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import trio

How = Literal["completed", "interrupted", "terminated", "safety", "objective"]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended, at which second, and why if it ended early."""

    how: How
    reason: str
    at: float


class Stop:
    """The wish to stop, from a signal, a safety limit or an objective. Mutable: it is a flag to wait for."""

    def __init__(self) -> None:
        self.how: How = "completed"
        self.reason = ""
        self.arrivals = trio.Event()
        self.draining = trio.Event()

    def request(self, how: How, reason: str) -> None:
        """Ask once to stop arrivals, twice to stop draining as well."""
        if self.arrivals.is_set():
            self.draining.set()
            return
        self.how, self.reason = how, reason
        self.arrivals.set()

    def request_once(self, how: How, reason: str) -> None:
        """Ask to stop arrivals, never to stop draining: for reasons that hold on."""
        if not self.arrivals.is_set():
            self.request(how, reason)
