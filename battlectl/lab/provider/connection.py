"""One client's connection as its provider knows it: what can be done to it from outside.

Rule: whoever resets a connection also ends the task that serves it, wherever that waits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import trio

from battlectl.lab.net.ws_server import WebSocket
from battlectl.lab.proxies.behind import ClientStream


class Notified(Protocol):
    """The WebSocket's side of a connection."""

    websocket: WebSocket

    def notify(self, subscription: str, event: Any) -> None:
        """Send one event past the faults."""


@dataclass(slots=True, eq=False)
class Connection:
    """It changes as a connection does: `socket` once it is a WebSocket, the rest with each request.

    While it waits for a request it does so in `patience`, since `idle_since`, for as long as `limit` says.
    """

    stream: ClientStream
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    socket: Notified | None = None
    idle_since: float = 0.0
    limit: Callable[[], float] = lambda: math.inf
    patience: trio.CancelScope | None = None

    @property
    def number(self) -> int:
        """From 1, in the order in which they were accepted."""
        return self.stream.number

    def reset(self) -> None:
        """RST, and the end of the task that serves it."""
        self.stream.reset()
        self.scope.cancel()

    def waiting(self, limit: Callable[[], float]) -> trio.CancelScope:
        """The scope to wait in from now on, for so many seconds, which are asked for again at changes."""
        self.idle_since, self.limit = trio.current_time(), limit
        self.patience = trio.CancelScope(deadline=self.idle_since + limit())
        return self.patience

    def look_again(self) -> None:
        """The limit may have changed."""
        if self.patience is not None:
            self.patience.deadline = self.idle_since + self.limit()
