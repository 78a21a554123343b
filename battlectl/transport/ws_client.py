"""Requests over WebSocket: a few sockets, many requests under way on each, told apart by their ids.

Rule: a request belongs to one socket; when that ends, every request under way on it ends, and none is sent
again. A socket that ended is opened anew at once, then ever more slowly; while none is open, requests wait
(backlog), and those that wait when an attempt to connect fails end with its reason.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import trio

from battlectl.observe import outcome, unasked
from battlectl.transport.base import Endpoint, Exchange, Limits, NoReply, Reply
from battlectl.transport.deadlines import Deadlines
from battlectl.transport.wire import ConnectError
from battlectl.transport.ws_line import Line
from battlectl.transport.ws_socket import Ended, open_socket

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0
"""Seconds between attempts to connect."""
AS_JSON = ((b"Content-Type", b"application/json"),)
OK_STATUS = 200
LOOK_EVERY = 0.25
"""Seconds between looks at the deadlines while none is near."""


OnUnasked = Callable[[str, bytes], None]
"""Told of each message that answers nothing: its kind, one of `observe.unasked`, and all of it."""


class WsClient:
    """See the rule. Mutable: it holds connections and what is under way on them."""

    def __init__(self, endpoint: Endpoint, limits: Limits) -> None:
        self.opened = 0
        self.attributed = False
        self.on_unasked: OnUnasked | None = None
        self._unasked = 0
        self._first_unasked = b""
        self._endpoint = endpoint
        self._limits = limits
        self._deadlines = Deadlines()
        self._news = trio.Event()
        self._waiting: dict[Exchange, None] = {}
        self._open: list[Line] = []
        self._turn = count()

    async def serve(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Be in service until cancelled; the sockets are cut off then."""
        async with trio.open_nursery() as nursery:
            for _ in range(self._limits.connections):
                nursery.start_soon(self._keep_line)
            nursery.start_soon(self._watch)
            task_status.started()

    def submit(self, exchange: Exchange) -> None:
        """Begin an exchange on the next open socket, or let it wait for one."""
        self._deadlines.add(exchange)
        self._waiting[exchange] = None
        self._hand_out()
        self._news.set()

    def settle(self) -> None:
        """Nothing waits here for its bookkeeping."""

    def abandon(self) -> None:
        """End every unfinished exchange."""
        for exchange in self._deadlines.unfinished():
            self._end(exchange, NoReply(outcome.ABANDONED, "the run was stopped"))

    def _hand_out(self) -> None:
        while self._waiting and self._open:
            exchange = next(iter(self._waiting))
            del self._waiting[exchange]
            self._open[next(self._turn) % len(self._open)].take(exchange)

    async def _keep_line(self) -> None:
        """One socket after another, for as long as the client is in service."""
        pause = 0.0
        while True:
            await trio.sleep(pause)
            deadline = trio.current_time() + self._limits.timeout
            try:
                async with open_socket(self._endpoint, self._limits.max_body, deadline) as socket:
                    self.opened += 1
                    pause = 0.0
                    await self._use(Line(socket))
            except ConnectError as error:
                self._refuse(error.reason)
                pause = min(max(FIRST_PAUSE, pause * 2), LONGEST_PAUSE)

    async def _use(self, line: Line) -> None:
        """Until the socket ends; then what is under way on it ends too."""
        self._open.append(line)
        self._hand_out()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(line.write)
                ended = await self._read(line)
                nursery.cancel_scope.cancel()
        finally:
            self._open.remove(line)
        kind = outcome.TOO_LARGE if ended.is_too_large else outcome.CLOSED if ended.code else outcome.RESET
        for exchange in line.under_way():
            self._end(exchange, NoReply(kind, ended.why))

    async def _read(self, line: Line) -> Ended:
        while True:
            message = await line.socket.receive()
            if isinstance(message, Ended):
                return message
            exchange = line.match(message)
            if exchange is None:
                self._tell_unasked(line.kind_of(message), message)
            else:
                self._end(exchange, Reply(OK_STATUS, AS_JSON, message))

    def _tell_unasked(self, kind: str | None, message: bytes) -> None:
        if kind is None:
            return
        self._first_unasked = self._first_unasked or message
        self._unasked += 1
        if self.on_unasked is not None:
            self.on_unasked(kind, message)

    async def _watch(self) -> None:
        """End what runs out of time."""
        while True:
            now = trio.current_time()
            for exchange in self._deadlines.take_expired(now):
                is_unsent = exchange.sent is None
                seen = (
                    "no WebSocket was open" if is_unsent else f"sent, no whole answer{self._told_unasked()}"
                )
                self._end(exchange, NoReply(outcome.TIMEOUT, seen))
            with trio.move_on_at(self._deadlines.earliest(now + LOOK_EVERY)):
                await self._news.wait()
                self._news = trio.Event()

    def _told_unasked(self) -> str:
        if not self._unasked:
            return ""
        first = unasked.shown(self._first_unasked)
        return f"; {self._unasked} messages so far answered nothing, the first was {first}"

    def _refuse(self, reason: NoReply) -> None:
        """No socket is to be had: nobody need wait for one, unless another is open."""
        if not self._open:
            for exchange in list(self._waiting):
                self._end(exchange, reason)

    def _end(self, exchange: Exchange, answer: Reply | NoReply) -> None:
        self._waiting.pop(exchange, None)
        line: Line | None = exchange.carrier
        if line is not None:
            line.forget(exchange, unasked.SECOND if isinstance(answer, Reply) else unasked.LATE)
        if exchange.done is None:
            exchange.end(answer, trio.current_time())
