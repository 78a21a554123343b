"""What one subscriber says and hears on one connection.

Rule: what is heard goes to the judge of its stream with the time at which it was read, and how long it had
lain there is noted beside: that is our lateness. A pong is missing when `ping_every` has passed in which we
were there to hear it: time in which this process stood still, or its client read nothing, is not counted.
Whoever comes back gives a connection up on which a subscription was refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import trio

from battlectl.jsonrpc.session import Session
from battlectl.jsonrpc.session_events import (
    Ended,
    Event,
    Malformed,
    Notified,
    Refused,
    Stray,
    Subscribed,
    Unrouted,
)
from battlectl.plan.streams import PlannedStreams
from battlectl.run.listening import Listener
from battlectl.transport.ws_socket import Ended as SocketEnded

SLICES = 10
"""A standstill of ours costs the wait for a pong at most two of so many slices."""
TINY = 1e-6


class Socket(Protocol):
    """See transport.ws_socket.Socket."""

    arrived: float | None

    async def send(self, text: bytes) -> bool:
        """Send one text message."""

    async def receive(self) -> bytes | SocketEnded:
        """The next message, or how it ended."""

    async def ping(self) -> bool:
        """Return when the other side has answered."""

    async def close(self, code: int = 1000) -> None:
        """Say good-bye."""


class Records(Protocol):
    """Where is noted what belongs to no stream; times in seconds from the start of the run."""

    def late(self, t: float, seconds: float) -> None:
        """What was read at t had come so much earlier."""

    def unasked(self, t: float, event: Malformed | Stray | Unrouted, message: bytes) -> None:
        """A message came that nobody asked for."""


class Conversation:
    """See the rule. Mutable: it counts what was granted. `start` is that of the run, on trio's clock."""

    def __init__(
        self,
        planned: PlannedStreams,
        session: Session,
        listeners: Mapping[str, Listener],
        records: Records,
        start: float,
    ) -> None:
        self._planned = planned
        self._session = session
        self._listeners = listeners
        self._records = records
        self._start = start
        self._patience = trio.CancelScope()
        self._is_reading = False
        self.granted: set[str] = set()
        """Streams that have their subscription on this connection."""
        self.is_given_up = False
        """Whether a subscription was refused, for which the connection is left."""

    async def hold(self, socket: Socket) -> None:
        """Subscribe, then listen to the end."""
        planned, session = self._planned, self._session
        with self._patience:
            for name in self._listeners:
                deadline = self._now() + planned.timeout
                _, text = session.subscribe(name, planned.kind, planned.params, deadline)
                await socket.send(text.encode())
            while session.is_open and not self.is_given_up:
                await self._hear(socket)
                if planned.read_pause:
                    await trio.sleep(planned.read_pause)
        if self._patience.cancelled_caught:
            self._act(session.found_dead(self._now(), "no pong"), b"")

    async def keep_alive(self, socket: Socket) -> None:
        """Ask whether anybody is there, and give the connection up when nobody answers."""
        every = self._planned.ping_every
        while every:
            await trio.sleep(every)
            if not await self._is_answered(socket, every / SLICES):
                self._patience.cancel()
                return

    async def _is_answered(self, socket: Socket, slice_: float) -> bool:
        answered = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_ping, socket, answered)
            left = slice_ * SLICES
            while left > TINY and not answered.is_set():
                since = trio.current_time()
                with trio.move_on_after(slice_):
                    await answered.wait()
                if self._is_reading:
                    left -= min(trio.current_time() - since, 2 * slice_)
            if not answered.is_set():
                await trio.lowlevel.checkpoint()  # What came while we stood still is read in this very pass.
            nursery.cancel_scope.cancel()
        return answered.is_set()

    def _now(self) -> float:
        return trio.current_time() - self._start

    async def _hear(self, socket: Socket) -> None:
        """One message, or that there is none in time."""
        self._is_reading = True
        deadline = self._session.next_deadline
        if deadline is None:
            message: bytes | SocketEnded | None = await socket.receive()
        else:
            message = None
            with trio.move_on_at(self._start + deadline):
                message = await socket.receive()
        self._is_reading = False
        t = self._now()
        if message is None:
            self._act(self._session.expire(t), b"")
        elif isinstance(message, SocketEnded):
            self._act(self._session.closed(t, message.code, message.why), b"")
        else:
            if socket.arrived is not None and not self._planned.read_pause:
                self._records.late(t, t + self._start - socket.arrived)
            self._act(self._session.receive(t, message), message)

    def _act(self, events: tuple[Event, ...], message: bytes) -> None:
        for event in events:
            if isinstance(event, Notified):
                self._listeners[event.stream].hear(event.t, event.result)
            elif isinstance(event, Subscribed):
                self.granted.add(event.stream)
                self._listeners[event.stream].opened(event.t)
            elif isinstance(event, Refused):
                self._listeners[event.stream].refused(event.t, event.outcome)
                self.is_given_up = self._planned.reconnect is not None
            elif isinstance(event, Ended):
                for stream in event.streams:
                    self._listeners[stream].ended(event)
            elif isinstance(event, Malformed | Stray | Unrouted):
                self._records.unasked(event.t, event, message)


async def _ping(socket: Socket, answered: trio.Event) -> None:
    """An end is an answer of a kind: whoever reads is told of it."""
    await socket.ping()
    answered.set()
