"""Requests over WebSocket: a few sockets, many requests under way on each, told apart by their ids.

Rule: a request belongs to one socket; when that ends, every request under way on it ends, and none is sent
again. A socket that ended is opened anew at once, then ever more slowly; while none is open, requests wait
(backlog), and those that wait when an attempt to connect fails end with its reason.
"""

from __future__ import annotations

import math
from itertools import count

import msgspec
import trio

from battlectl.observe import outcome
from battlectl.transport.base import Endpoint, Exchange, Limits, NoReply, Reply
from battlectl.transport.deadlines import Deadlines
from battlectl.transport.wire import ConnectError
from battlectl.transport.ws_socket import Ended, Socket, open_socket

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0
"""Seconds between attempts to connect."""
AS_JSON = ((b"Content-Type", b"application/json"),)
OK_STATUS = 200
MOST_SEEN = 120
LOOK_EVERY = 0.25
"""Seconds between looks at the deadlines while none is near."""


class _Named(msgspec.Struct):
    """Of a request or a reply, its id."""

    id: int | str | float | None = None


_ONE = msgspec.json.Decoder(_Named)
_MANY = msgspec.json.Decoder(list[_Named])


class WsClient:
    """See the rule. Mutable: it holds connections and what is under way on them."""

    def __init__(self, endpoint: Endpoint, limits: Limits) -> None:
        self.opened = 0
        self.attributed = False
        self.strays = 0
        """Messages that answered nothing that was under way."""
        self._first_stray = b""
        self._endpoint = endpoint
        self._limits = limits
        self._deadlines = Deadlines()
        self._news = trio.Event()
        self._waiting: dict[Exchange, None] = {}
        self._open: list[_Line] = []
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
                    await self._use(_Line(socket))
            except ConnectError as error:
                self._refuse(error.reason)
                pause = min(max(FIRST_PAUSE, pause * 2), LONGEST_PAUSE)

    async def _use(self, line: _Line) -> None:
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

    async def _read(self, line: _Line) -> Ended:
        while True:
            message = await line.socket.receive()
            if isinstance(message, Ended):
                return message
            exchange = line.match(message)
            if exchange is None:
                self._first_stray = self._first_stray or message[:MOST_SEEN]
                self.strays += 1
            else:
                self._end(exchange, Reply(OK_STATUS, AS_JSON, message))

    async def _watch(self) -> None:
        """End what runs out of time."""
        while True:
            now = trio.current_time()
            for exchange in self._deadlines.take_expired(now):
                is_unsent = exchange.sent is None
                seen = "no WebSocket was open" if is_unsent else f"sent, no whole answer{self._told_strays()}"
                self._end(exchange, NoReply(outcome.TIMEOUT, seen))
            with trio.move_on_at(self._deadlines.earliest(now + LOOK_EVERY)):
                await self._news.wait()
                self._news = trio.Event()

    def _told_strays(self) -> str:
        if not self.strays:
            return ""
        first = self._first_stray.decode("utf-8", "replace")
        return f"; {self.strays} messages so far answered nothing, the first was {first}"

    def _refuse(self, reason: NoReply) -> None:
        """No socket is to be had: nobody need wait for one, unless another is open."""
        if not self._open:
            for exchange in list(self._waiting):
                self._end(exchange, reason)

    def _end(self, exchange: Exchange, answer: Reply | NoReply) -> None:
        self._waiting.pop(exchange, None)
        line: _Line | None = exchange.carrier
        if line is not None:
            line.forget(exchange)
        if exchange.done is None:
            exchange.end(answer, trio.current_time())


class _Line:
    """One open socket and what is under way on it. Mutable: it is that."""

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self._by_id: dict[object, Exchange] = {}
        self._outbox, self._inbox = trio.open_memory_channel[Exchange](math.inf)

    def take(self, exchange: Exchange) -> None:
        """Send it as soon as those before it are sent."""
        exchange.carrier = self
        for name in _ids(exchange.body):
            self._by_id[name] = exchange
        self._outbox.send_nowait(exchange)

    async def write(self) -> None:
        """Send what is taken; until cancelled."""
        async for exchange in self._inbox:
            if exchange.done is None:
                exchange.sent = trio.current_time()
                await self.socket.send(exchange.body)

    def match(self, message: bytes) -> Exchange | None:
        """What a message answers, None where it answers nothing that is under way.

        An error that names no id is about the only request under way, or about nobody knows which.
        """
        names = _ids(message)
        if not names and len(self._by_id) == 1 and _is_nameless_error(message):
            return next(iter(self._by_id.values()))
        return next((self._by_id[name] for name in names if name in self._by_id), None)

    def under_way(self) -> list[Exchange]:
        """Everything that was taken and has not ended."""
        return list(dict.fromkeys(self._by_id.values()))

    def forget(self, exchange: Exchange) -> None:
        """It has ended."""
        for name in _ids(exchange.body):
            if self._by_id.get(name) is exchange:
                del self._by_id[name]


def _is_nameless_error(message: bytes) -> bool:
    try:
        told = msgspec.json.decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(told, dict) and "error" in told and told.get("id") is None


def _ids(message: bytes) -> list[object]:
    """The ids of a message or a batch; none of what is no JSON-RPC."""
    try:
        if message.lstrip()[:1] == b"[":
            return [one.id for one in _MANY.decode(message) if one.id is not None]
        name = _ONE.decode(message).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    return [] if name is None else [name]
