"""The HTTP/1.1 client of the load path.

Rule: whoever submits writes the request at once to a free connection, and the poller calls `_read` when
something has come. An exchange that finds no free connection waits in line (that is backlog) while the pool
grows to its limit. A pooled connection that turns out to be closed before any byte of an answer costs one
resend on a fresh one, counted; everything else that goes wrong is that exchange's outcome.
"""

from __future__ import annotations

import math
import ssl
from collections import deque
from collections.abc import Callable
from functools import partial

import trio

from battlectl.observe import outcome
from battlectl.observe.served import FIRST, Served
from battlectl.transport.base import Endpoint, Exchange, Limits, NoReply, Reply
from battlectl.transport.deadlines import Deadlines
from battlectl.transport.known_heads import KnownHeads
from battlectl.transport.poller import Poller
from battlectl.transport.reply_parser import ReplyParser
from battlectl.transport.request_head import request_head
from battlectl.transport.wire import Address, ConnectError, Wire, connect, resolve, tls_context

IDLE_TICK = 0.02
"""Most seconds between looks at the deadlines: how late a timeout may be told."""
_CLOSED = NoReply(outcome.CLOSED, "the connection ended without an answer")


class Connection:
    """One connection and the exchange it carries, if any. Mutable: it is a state."""

    __slots__ = ("exchange", "is_sending", "last", "parser", "served", "wire")

    def __init__(self, wire: Wire, parser: ReplyParser) -> None:
        self.wire = wire
        self.parser = parser
        self.exchange: Exchange | None = None
        self.served = 0
        self.last: Served | None = FIRST
        self.is_sending = False


class Http1Client:
    """A keep-alive pool for one endpoint. See the rule above; `Client` in `base.py` is what it offers."""

    def __init__(
        self, endpoint: Endpoint, limits: Limits, on_reconnect: Callable[[Exchange], None], poller: Poller
    ) -> None:
        self._endpoint = endpoint
        self._limits = limits
        self._on_reconnect = on_reconnect
        self._head = request_head(endpoint)
        self._tls: ssl.SSLContext | None = tls_context(endpoint)
        self._addresses: tuple[Address, ...] = ()
        self._poller = poller
        self._open_connections: dict[Connection, None] = {}
        self._idle: list[Connection] = []
        self._waiting: deque[Exchange] = deque()
        self._waiting_alive = 0
        self._connecting = 0
        self._connections = 0
        self._deadlines = Deadlines()
        self._known = KnownHeads()
        self._nursery: trio.Nursery | None = None
        self.opened = 0
        self.attributed = endpoint.attribution is not None

    async def serve(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Be in service until cancelled; every connection is closed then."""
        try:
            async with trio.open_nursery() as self._nursery:
                self._nursery.start_soon(self._expire)
                task_status.started()
        finally:
            for connection in self._open_connections:
                self._poller.forget(connection.wire.sock)
                connection.wire.close()

    def submit(self, exchange: Exchange) -> None:
        """Send it now on a free connection, or put it in line."""
        self._deadlines.add(exchange)
        if self._idle:
            self._begin(self._idle.pop(), exchange, exchange.taken)
            return
        self._waiting.append(exchange)
        self._waiting_alive += 1
        self._poller.in_line += 1
        self._grow()

    def settle(self) -> None:
        """Finish what has been answered."""
        self._poller.keep_books()

    def abandon(self) -> None:
        """End what is unfinished, in line or under way."""
        self.settle()
        reason = NoReply(outcome.ABANDONED, "the run was stopped")
        for exchange in self._deadlines.unfinished():
            self._give_up(exchange, reason, trio.current_time())

    # Sending

    def _begin(self, connection: Connection, exchange: Exchange, now: float) -> None:
        """Write a request to a free connection."""
        exchange.sent = now
        exchange.carrier = connection
        connection.exchange = exchange
        data = self._head % (exchange.request_id.encode(), len(exchange.body), exchange.body)
        try:
            rest = connection.wire.send(data)
        except OSError:
            self._lost(connection, _CLOSED)
            return
        if rest:
            connection.is_sending = True
            self._spawn(self._send_rest, connection, exchange, rest)

    async def _send_rest(self, connection: Connection, exchange: Exchange, rest: bytes) -> None:
        try:
            while rest and connection.exchange is exchange:
                await connection.wire.writable()
                rest = connection.wire.send(rest)
            connection.is_sending = bool(rest)
        except (OSError, trio.ClosedResourceError):
            return  # The task that reads sees the same end, and whatever answer came before it.

    def _grow(self) -> None:
        """A connection for each exchange in line, up to the limit."""
        while self._connecting < self._waiting_alive and self._connections < self._limits.connections:
            self._connections += 1
            self._connecting += 1
            self._spawn(self._open, None)

    def _spawn(self, task: Callable[..., object], *args: object) -> None:
        assert self._nursery is not None, "the client is not in service"
        self._nursery.start_soon(task, *args)  # type: ignore[arg-type]

    # A connection's life

    async def _open(self, assigned: Exchange | None) -> None:
        """Connect, and give the connection its first exchange; `assigned` is one that needs a fresh one."""
        try:
            connection = await self._connect(assigned)
        finally:
            if assigned is None:
                self._connecting -= 1
        if connection is None:
            self._connections -= 1
            self._grow()
            return
        self._open_connections[connection] = None
        self._poller.watch(connection.wire.sock, partial(self._read, connection))
        if assigned is None or assigned.done is not None:
            self._offer(connection, trio.current_time())
        else:
            self._begin(connection, assigned, trio.current_time())

    async def _connect(self, assigned: Exchange | None) -> Connection | None:
        reason: NoReply | None = None
        with trio.move_on_after(self._limits.timeout):
            try:
                if not self._addresses:
                    self._addresses = await resolve(self._endpoint)
                wire = await connect(self._addresses, self._endpoint, self._tls)
            except ConnectError as error:
                reason = error.reason
            else:
                self.opened += 1
                return Connection(wire, self._parser())
        if reason is not None:  # An attempt that took too long ends nobody: each has its own deadline.
            victim = assigned or self._next_waiting()
            if victim is not None and victim.done is None:
                victim.end(reason, trio.current_time())
        return None

    def _parser(self) -> ReplyParser:
        return ReplyParser(self._limits.max_body, self._known, self._endpoint.attribution)

    def _discard(self, connection: Connection) -> None:
        """Close a connection and make room for the next; harmless when it was done before."""
        if connection.wire.is_closed:
            return
        self._poller.forget(connection.wire.sock)
        del self._open_connections[connection]
        connection.wire.close()
        if connection in self._idle:
            self._idle.remove(connection)
        self._connections -= 1
        self._grow()

    def _offer(self, connection: Connection, now: float) -> None:
        """Give a free connection to the next in line, or to the pool."""
        exchange = self._next_waiting()
        if exchange is None:
            self._idle.append(connection)
        else:
            self._begin(connection, exchange, now)

    def _next_waiting(self) -> Exchange | None:
        while self._waiting:
            exchange = self._waiting.popleft()
            if exchange.done is None:
                self._waiting_alive -= 1
                self._poller.in_line -= 1
                return exchange
        return None

    # Receiving

    def _read(self, connection: Connection) -> None:
        """Something has arrived on a connection, or it has ended."""
        if connection.wire.is_closed:
            return
        try:
            data = connection.wire.receive()
        except ssl.SSLError as error:
            self._lost(connection, NoReply(outcome.TLS, str(error)))
        except OSError as error:
            self._lost(connection, NoReply(outcome.RESET, f"{error.strerror}"))
        else:
            if data is None:
                return
            if connection.exchange is None:
                self._discard(connection)  # The end of an idle one, or bytes that nobody asked for.
            elif self._waiting_alive:
                self._take(connection, data, trio.current_time())  # Somebody waits for this connection.
            else:
                self._poller.soon(partial(self._take, connection, data, trio.current_time()))

    def _take(self, connection: Connection, data: bytes, now: float) -> None:
        """What arrived for the exchange under way; no data is the end of the connection."""
        parser = connection.parser
        answer = parser.feed(data) if data else parser.end()
        if answer is None:
            if not data:
                self._lost(connection, _CLOSED)
            return
        exchange = self._release(connection)
        if now > exchange.deadline:
            answer = NoReply(outcome.TIMEOUT, "the answer came after the deadline")
        connection.served += 1
        exchange.before, connection.last = connection.last, answer.served
        is_done = connection.is_sending or connection.served == self._limits.reuse
        if parser.reusable and isinstance(answer, Reply) and not is_done:
            self._offer(connection, now)
        else:
            self._discard(connection)
        self._poller.end_later(exchange, answer, now)

    def _release(self, connection: Connection) -> Exchange:
        exchange = connection.exchange
        assert exchange is not None
        connection.exchange = exchange.carrier = None
        return exchange

    def _lost(self, connection: Connection, reason: NoReply) -> None:
        """The connection is gone: resend if it was a pooled one that had not begun to answer."""
        exchange = self._release(connection) if connection.exchange is not None else None
        again = (
            exchange is not None and connection.served and not connection.parser.began and not exchange.resent
        )
        self._connections += bool(again)  # Its place is taken before the discarded one is given away.
        self._discard(connection)
        if exchange is None:
            return
        if again:
            exchange.resent = True
            self._on_reconnect(exchange)
            self._spawn(self._open, exchange)
            return
        exchange.end(reason, trio.current_time())

    # Deadlines

    async def _expire(self) -> None:
        """End each exchange whose deadline has passed; its connection goes with it."""
        while True:
            now = trio.current_time()
            if self._deadlines.earliest(math.inf) <= now:
                self.settle()  # What was answered in time must not expire before its bookkeeping.
            for exchange in self._deadlines.take_expired(now):
                waited = "sent, no whole answer" if exchange.sent is not None else "no connection was free"
                self._give_up(exchange, NoReply(outcome.TIMEOUT, waited), exchange.deadline)
            await trio.sleep_until(self._deadlines.earliest(now + IDLE_TICK))

    def _give_up(self, exchange: Exchange, reason: NoReply, at: float) -> None:
        connection = exchange.carrier
        if connection is not None:
            self._release(connection)
            self._discard(connection)
        elif exchange.sent is None:
            self._waiting_alive -= 1
            self._poller.in_line -= 1
        exchange.end(reason, at if exchange.sent is None else max(at, exchange.sent))
