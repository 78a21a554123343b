"""A provider: a backend behind a port, with the faults that are in force.

Rule: the faults are asked anew for every message, so one that is added or healed counts from the next hook
on. A fault is started before its hooks are asked; an effect that strikes what is open does so in `start`
without waiting first, and is in force before anything else can happen. A bug in a fault is a 500 or a closed
socket, and a traceback on stderr.
"""

from __future__ import annotations

import math
import sys
import traceback
from collections.abc import Callable
from functools import partial

import trio

from battlectl.lab.chain.chain import View
from battlectl.lab.faults.effect import Message
from battlectl.lab.faults.kind import Where
from battlectl.lab.faults.scope import (
    Fault,
    count_strike,
    forget_connection,
    means_connection,
    means_message,
    overrides,
)
from battlectl.lab.net.http_server import IDLE_SECONDS
from battlectl.lab.net.wire import Response
from battlectl.lab.provider.backend import Backend, See, Unreachable
from battlectl.lab.provider.connection import Connection
from battlectl.lab.provider.departures import end_departed
from battlectl.lab.provider.http_side import serve_http
from battlectl.lab.provider.place import FaultPlace
from battlectl.lab.provider.room import Room
from battlectl.lab.provider.touches import Touches
from battlectl.lab.proxies.behind import ClientStream
from battlectl.lab.proxies.counters import Counters

START_SECONDS = 5.0


class Provider:
    """Implements Behind. What runs beside its connections runs in `nursery`, until `aclose`."""

    def __init__(self, backend: Backend, nursery: trio.Nursery) -> None:
        self.backend = backend
        self.nursery = nursery
        self.faults: list[Fault] = []
        self.counters = Counters()
        self.connections: dict[int, Connection] = {}
        self.room = Room()
        self._places: dict[Fault, FaultPlace] = {}
        self._viewing: list[Fault] = []
        self._refresh: Callable[[], None] = lambda: None
        self._watching = trio.CancelScope()
        if backend.where == "relay":
            nursery.start_soon(end_departed, self.connections, self._watching)

    @property
    def where(self) -> Where:
        """That of the backend."""
        return self.backend.where

    @property
    def listens(self) -> bool:
        """Whether every fault lets the port be open."""
        return all(fault.effect.listens for fault in self.faults)

    @property
    def accepts(self) -> bool:
        """Whether every fault lets connections be taken."""
        return all(fault.effect.accepts for fault in self.faults)

    def watch(self, refresh: Callable[[], None]) -> None:
        """`refresh` is called when `listens` or `accepts` may have changed."""
        self._refresh = refresh

    def refresh(self) -> None:
        """Tell whoever watches the port."""
        self._refresh()

    async def serve(self, stream: ClientStream) -> None:
        """Serve one connection to its end."""
        number = stream.number
        try:
            if self._refuses(number):
                self.counters.refused_by_fault += 1
                stream.reset()
            else:
                await self._serve_taken(Connection(stream, partial(self._idle_limit, number)))
        except Exception:
            traceback.print_exc(file=sys.stderr)
        finally:
            for fault in self.faults:
                forget_connection(fault, number)
            await trio.aclose_forcefully(stream)

    async def _serve_taken(self, connection: Connection) -> None:
        self.connections[connection.number] = connection
        try:
            with connection.scope:
                await serve_http(self, connection)
            self._end_idle(connection)
        finally:
            del self.connections[connection.number]

    async def add_fault(self, fault: Fault) -> None:
        """Start it, then ask it; what `start` raises means that it is not in force.

        Unreachable when a real node did not say in time what the fault has to know of it.
        """
        place = FaultPlace(self)
        try:
            with trio.move_on_after(START_SECONDS) as patience:
                await fault.effect.start(place)
            if patience.cancelled_caught:
                raise Unreachable(f"the node said nothing for {START_SECONDS:g} s")
        except BaseException:
            place.end()
            raise
        self._places[fault] = place
        self.faults.append(fault)
        self._faults_changed()

    async def remove_fault(self, fault: Fault) -> None:
        """Ask it no more, release what waits in it, then let it put back what it changed."""
        if fault not in self.faults:
            return  # somebody else is healing it, or has
        self.faults.remove(fault)
        place = self._places.pop(fault)
        place.end()
        fault.effect.healed.set()
        self._faults_changed()
        try:
            await fault.effect.stop(place)
        finally:
            self._faults_changed()

    async def aclose(self) -> None:
        """Heal every fault, end every connection."""
        try:
            for fault in list(self.faults):
                await self.remove_fault(fault)
        finally:
            self.reset_connections(lambda number: True)
            self._watching.cancel()
            await self.backend.close()

    def reset_connections(self, which: Callable[[int], bool]) -> int:
        """Reset the open connections whose number passes; returns how many."""
        chosen = [connection for number, connection in self.connections.items() if which(number)]
        for connection in chosen:
            connection.reset()
        return len(chosen)

    def restart(self) -> None:
        """Begin a new generation: connections reset, counters at zero, the node's own memory gone."""
        self.reset_connections(lambda number: True)
        self.counters = Counters(generation=self.counters.generation + 1)
        self.backend.forget()

    def see(self, view: View) -> View:
        """What the faults in force make of a node's view."""
        for fault in self._viewing:
            view = fault.effect.view(view)
        return view

    def see_for(self, touches: Touches) -> See:
        """The same for the answer to one message, which counts for the faults that change the view."""

        def see(view: View) -> View:
            for fault in self._viewing:
                changed = fault.effect.view(view)
                view = touches.change(fault, view, changed) if fault in touches.faults else changed
            return view

        return see

    def touches(self, message: Message) -> Touches:
        """The faults that are meant for a message, drawn now: to be asked once for each."""
        meant = [fault for fault in self.faults if means_message(fault, message)]
        return Touches(message, meant, self._count_faulted)

    def refused_handshake(self, number: int) -> Response | None:
        """What a fault says in place of a WebSocket."""
        for fault in self._meant_for(number, "handshake"):
            response = fault.effect.handshake(number)
            if response is not None:
                count_strike(fault, number)
                return response
        return None

    def is_deaf(self, number: int) -> bool:
        """Whether a WebSocket's frames are swallowed: asked when there is one."""
        for fault in self._meant_for(number, "is_deaf"):
            if fault.effect.is_deaf(number):
                count_strike(fault, number)
                return True
        return False

    def _refuses(self, number: int) -> bool:
        """Whether a connection that was just taken is reset at once."""
        for fault in self._meant_for(number, "accepted"):
            if not fault.effect.accepted(number):
                count_strike(fault, number)
                return True
        return not self.listens  # it came in while the port was being closed

    def _meant_for(self, number: int, hook: str) -> list[Fault]:
        """The faults that have this hook for connections, and mean this one."""
        return [
            fault
            for fault in self.faults
            if overrides(fault.effect, (hook,)) and means_connection(fault, number)
        ]

    def _count_faulted(self) -> None:
        self.counters.faulted_messages += 1

    def _idle_limit(self, number: int) -> float:
        """How many seconds a connection may wait for its next request."""
        socket = self.connections[number].socket
        limits = [seconds for _, seconds in self._limits_by_faults(number)]
        own = math.inf if socket is not None or math.inf in limits else IDLE_SECONDS
        return min([own, *limits])

    def _limits_by_faults(self, number: int) -> list[tuple[Fault, float]]:
        return [
            (fault, seconds)
            for fault in self._meant_for(number, "idle_seconds")
            if (seconds := fault.effect.idle_seconds(number)) is not None
        ]

    def _end_idle(self, connection: Connection) -> None:
        """One that waited for too long is reset by a fault, and closed by a server."""
        if connection.idle_since is None:
            return
        for fault, seconds in self._limits_by_faults(connection.number):
            if trio.current_time() >= connection.idle_since + seconds:
                count_strike(fault, connection.number)
                connection.stream.reset()

    def _faults_changed(self) -> None:
        self._viewing = [fault for fault in self.faults if overrides(fault.effect, ("view",))]
        for connection in self.connections.values():
            connection.look_again()
        self.backend.look_again()
        self._refresh()
