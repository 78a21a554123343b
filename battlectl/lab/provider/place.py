"""What an effect holds of its provider; one for each fault, so that what it started ends with it."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import trio

from battlectl.lab.faults.effect import Document

if TYPE_CHECKING:
    from battlectl.lab.provider.provider import Provider


class FaultPlace:
    """Implements Place. Its tasks are cancelled when the fault is healed."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._tasks: set[trio.CancelScope] = set()
        self._is_over = False

    @property
    def is_simulated(self) -> bool:
        """Whether the backend has views."""
        return self._provider.where == "node"

    async def head(self) -> int:
        """The newest block that the backend knows."""
        return await self._provider.backend.head()

    async def fork_start(self, depth: int, salt: int) -> int:
        """Where the backend's branch begins."""
        return await self._provider.backend.fork_start(depth, salt)

    def refresh(self) -> None:
        """Look again whether the provider listens."""
        self._provider.refresh()

    def reset_connections(self, which: Callable[[int], bool]) -> int:
        """Reset the open connections whose number passes."""
        return self._provider.reset_connections(which)

    def close_websockets(self, code: int | None, which: Callable[[int], bool]) -> int:
        """Close those WebSockets with this code, or cut them when it is None."""
        open_ones = [(number, c) for number, c in self._provider.connections.items() if c.socket is not None]
        chosen = [connection for number, connection in open_ones if which(number)]
        for connection in chosen:
            assert connection.socket is not None
            if code is None:
                connection.reset()
            else:
                self._provider.nursery.start_soon(connection.socket.websocket.close, code)
        return len(chosen)

    def notify(self, connection: int, subscription: str, event: Document) -> None:
        """Send one event past the faults, if the connection is still there."""
        known = self._provider.connections.get(connection)
        if known is not None and known.socket is not None:
            known.socket.notify(subscription, event)

    def restart(self) -> None:
        """Begin anew."""
        self._provider.restart()

    def start_soon(self, task: Callable[[], Awaitable[object]]) -> None:
        """Run beside the provider, until the fault is healed."""
        self._provider.nursery.start_soon(self._run, task)

    def end(self) -> None:
        """Cancel all that was started."""
        self._is_over = True
        for scope in self._tasks:
            scope.cancel()

    async def _run(self, task: Callable[[], Awaitable[object]]) -> None:
        with trio.CancelScope() as scope:
            if self._is_over:
                return
            self._tasks.add(scope)
            try:
                await task()
            except Exception:
                traceback.print_exc(file=sys.stderr)
            finally:
                self._tasks.discard(scope)
