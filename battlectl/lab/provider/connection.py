"""One client's connection as its provider knows it: what can be done to it from outside.

Rule: whoever resets a connection also ends the task that serves it, wherever that waits. There is one scope
for its whole life, whose deadline moves: a scope for each request would cost as much as its answer.
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

    `idle_since` is when it began to wait for a request, None while it does not; `limit` says for how long.
    """

    stream: ClientStream
    limit: Callable[[], float]
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    socket: Notified | None = None
    idle_since: float | None = None

    @property
    def number(self) -> int:
        """From 1, in the order in which they were accepted."""
        return self.stream.number

    def reset(self) -> None:
        """RST, and the end of the task that serves it."""
        self.idle_since = None
        self.stream.reset()
        self.scope.cancel()

    def begin_to_wait(self) -> None:
        """For the next request, and no longer than the limit."""
        self.idle_since = trio.current_time()
        self.scope.deadline = self.idle_since + self.limit()

    def begin_to_work(self, seconds: float = math.inf) -> None:
        """On a request, for at most so many seconds."""
        self.idle_since = None
        self.scope.deadline = trio.current_time() + seconds

    def look_again(self) -> None:
        """The limit may have changed."""
        if self.idle_since is not None:
            self.scope.deadline = self.idle_since + self.limit()
