"""Subscribers in motion: each comes when it is due, subscribes, listens, comes back, leaves.

Rule: what they hear is handed to the judges of their streams with the time at which it came, and nothing is
concluded here. A client whose socket ended comes back as its workload says; one whose subscription was
refused takes its connection for a bad one. Whatever ends the run, every stream is finished.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import trio

from battlectl.jsonrpc.session import Session
from battlectl.jsonrpc.session_events import Ended, Event, Notified, Refused, Subscribed
from battlectl.observe.streams.cell import StreamCells
from battlectl.observe.streams.fitness import note_begun, note_lag
from battlectl.plan.streams import PlannedStreams, Visit
from battlectl.run.listening import Listener
from battlectl.transport.wire import ConnectError
from battlectl.transport.ws_socket import Ended as SocketEnded

LOOK_EVERY = 1.0
LAG_EVERY = 0.05
AT_ONCE = 50
"""Streams that are looked at before others get their turn."""


class Socket(Protocol):
    """See transport.ws_socket.Socket."""

    async def send(self, text: bytes) -> bool:
        """Send one text message."""

    async def receive(self) -> bytes | SocketEnded:
        """The next message, or how it ended."""

    async def ping(self) -> bool:
        """Return when the other side has answered."""

    async def close(self, code: int = 1000) -> None:
        """Say good-bye."""


OpenSocket = Callable[[float], AbstractAsyncContextManager[Socket]]
"""(deadline on trio's clock) -> an open socket, for the length of a block; ConnectError."""
OpenListener = Callable[[str, float], Listener]
"""(name of the stream, when it is wanted from) -> who judges it."""


class Subscribers:
    """One workload of them. Mutable: it knows who is there. `settle` is that of `streams.terms`."""

    def __init__(
        self,
        planned: PlannedStreams,
        open_socket: OpenSocket,
        listen: OpenListener,
        cells: StreamCells,
        settle: float,
    ) -> None:
        self._planned = planned
        self._cells = cells
        self._settle = settle
        self._open_socket = open_socket
        self._listen = listen
        self._start = 0.0
        self._there: dict[int, Client] = {}

    async def serve(self, start: float) -> None:
        """Until all have left; `start` is that of the run, on trio's clock."""
        self._start = start
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._look_on)
            nursery.start_soon(self._note_lag)
            async with trio.open_nursery() as clients:
                for visit in self._planned.visits():
                    await trio.sleep_until(start + visit.comes)
                    clients.start_soon(self._attend, visit)
            nursery.cancel_scope.cancel()

    async def _attend(self, visit: Visit) -> None:
        now = trio.current_time() - self._start
        note_begun(self._cells, visit.comes, self._planned.subscriptions)
        note_lag(self._cells, visit.comes, now - visit.comes)
        client = Client(self._planned, visit, self._open_socket, self._listen, self._start)
        self._there[visit.client] = client
        try:
            await client.live()
            client.leave()
            await trio.sleep(self._settle)  # The other path may not have seen yet what came last.
        finally:
            del self._there[visit.client]
            client.finish()

    async def _note_lag(self) -> None:
        """How late this loop is: by so much a message that came is read too late."""
        due = trio.current_time()
        while True:
            due = max(due + LAG_EVERY, trio.current_time())
            await trio.sleep_until(due)
            note_lag(self._cells, due - self._start, trio.current_time() - due)

    async def _look_on(self) -> None:
        """Let every judge judge what it can by now."""
        due = trio.current_time()
        while True:
            due = max(due + LOOK_EVERY, trio.current_time())
            await trio.sleep_until(due)
            for number, listener in enumerate(list(self._listeners()), 1):
                listener.look(trio.current_time() - self._start)
                if number % AT_ONCE == 0:
                    await trio.lowlevel.checkpoint()

    def _listeners(self) -> Iterator[Listener]:
        for client in self._there.values():
            if not client.has_left:
                yield from client.listeners.values()


class Client:
    """One client and its subscriptions. Mutable: it is connected, or it is not."""

    def __init__(
        self,
        planned: PlannedStreams,
        visit: Visit,
        open_socket: OpenSocket,
        listen: OpenListener,
        start: float,
    ) -> None:
        self._planned = planned
        self._visit = visit
        self._open_socket = open_socket
        self._start = start
        self._session = Session()
        self._is_new = True
        self.has_left = False
        self._wanted_until = start + visit.leaves
        names = [f"{planned.name}/{visit.client}.{number}" for number in range(planned.subscriptions)]
        self.listeners = {name: listen(name, visit.comes) for name in names}

    async def live(self) -> None:
        """Until it leaves, on its own or because it does not come back."""
        failures = 0
        with trio.move_on_at(self._wanted_until):
            while True:
                heard = await self._connect()
                failures = 0 if heard else failures + 1
                if self._planned.reconnect is None:
                    await trio.sleep_forever()
                else:
                    await trio.sleep(self._planned.reconnect.wait(failures))

    def leave(self) -> None:
        """It wants no more from now on."""
        self.has_left = True
        self._wanted_until = min(self._wanted_until, trio.current_time())

    def finish(self) -> None:
        """Judge all that it heard."""
        self.leave()
        for listener in self.listeners.values():
            listener.finish(self._wanted_until - self._start)

    def _now(self) -> float:
        return trio.current_time() - self._start

    async def _connect(self) -> bool:
        """One connection, to its end; whether every subscription was granted on it."""
        try:
            async with self._open_socket(trio.current_time() + self._planned.timeout) as socket:
                if not self._is_new:
                    self._session.reopened()
                self._is_new = False
                return await self._converse(socket)
        except ConnectError as error:
            for listener in self.listeners.values():
                listener.refused(self._now(), error.reason.outcome)
            return False

    async def _converse(self, socket: Socket) -> bool:
        conversation = Conversation(self._planned, self._session, self.listeners, self._now, self._start)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(conversation.keep_alive, socket)
                await conversation.hold(socket)
                nursery.cancel_scope.cancel()
        finally:
            if self._session.is_open:  # Cancelled, or left of its own accord: no end of the target's doing.
                self._session.closed(self._now(), 1000, "left")
                with trio.CancelScope(shield=True):
                    await socket.close()
        return conversation.was_granted


class Conversation:
    """What is said on one connection. Mutable: it counts what was granted."""

    def __init__(
        self,
        planned: PlannedStreams,
        session: Session,
        listeners: dict[str, Listener],
        now: Callable[[], float],
        start: float,
    ) -> None:
        self._planned = planned
        self._session = session
        self._listeners = listeners
        self._now = now
        self._start = start
        self._granted: set[str] = set()
        self._patience = trio.CancelScope()

    @property
    def was_granted(self) -> bool:
        """Whether each stream had its subscription."""
        return len(self._granted) == len(self._listeners)

    async def hold(self, socket: Socket) -> None:
        """Subscribe, then listen to the end."""
        with self._patience:
            for name in self._listeners:
                deadline = self._now() + self._planned.timeout
                _, text = self._session.subscribe(name, self._planned.kind, self._planned.params, deadline)
                await socket.send(text.encode())
            while self._session.is_open:
                await self._hear(socket)
                await trio.sleep(self._planned.read_pause)
        if self._patience.cancelled_caught:
            self._act(self._session.found_dead(self._now(), "no pong"))

    async def keep_alive(self, socket: Socket) -> None:
        """Ask whether anybody is there, and give the connection up when nobody answers."""
        every = self._planned.ping_every
        while every:
            await trio.sleep(every)
            answered = False
            with trio.move_on_after(every):
                answered = await socket.ping()
            if not answered:
                self._patience.cancel()
                return

    async def _hear(self, socket: Socket) -> None:
        """One message, or that there is none in time."""
        message: bytes | SocketEnded | None = None
        deadline = self._session.next_deadline
        with trio.move_on_at(math.inf if deadline is None else self._start + deadline):
            message = await socket.receive()
        t = self._now()
        if message is None:
            self._act(self._session.expire(t))
        elif isinstance(message, SocketEnded):
            self._act(self._session.closed(t, message.code, message.why))
        else:
            self._act(self._session.receive(t, message))

    def _act(self, events: tuple[Event, ...]) -> None:
        for event in events:
            if isinstance(event, Notified):
                self._listeners[event.stream].hear(event.t, event.result)
            elif isinstance(event, Subscribed):
                self._granted.add(event.stream)
                self._listeners[event.stream].opened(event.t)
            elif isinstance(event, Refused):
                self._listeners[event.stream].refused(event.t, event.outcome)
            elif isinstance(event, Ended):
                for stream in event.streams:
                    self._listeners[stream].ended(event)
