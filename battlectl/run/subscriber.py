"""One subscriber through all of its connections.

Rule: whose socket ended comes back as its workload says. One whose subscription was refused leaves its
connection, for it takes it for a bad one, and comes back likewise; those who never come back stay, with what
they were granted. That its other subscriptions end with it is its own doing: these streams are finished
there, and begun anew when it asks again, so nothing of the time between is held against the target. A stream
that was refused goes on being wanted.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import trio

from battlectl.jsonrpc.session import Session
from battlectl.plan.streams import PlannedStreams, Visit
from battlectl.run.conversation import Conversation, Records, Socket
from battlectl.run.listening import Listener
from battlectl.transport.wire import ConnectError

OpenSocket = Callable[[float], AbstractAsyncContextManager[Socket]]
"""(deadline on trio's clock) -> an open socket, for the length of a block; ConnectError."""
OpenListener = Callable[[str, float], Listener]
"""(name of the stream, when it is wanted from) -> who judges it."""


class Client:
    """See the rule. Mutable: it is connected, or it is not.

    `start` is that of the run, on trio's clock; `settle` is that of `streams.terms`.
    """

    def __init__(
        self,
        planned: PlannedStreams,
        visit: Visit,
        open_socket: OpenSocket,
        begin: OpenListener,
        records: Records,
        start: float,
        settle: float,
    ) -> None:
        self._planned = planned
        self._open_socket = open_socket
        self._begin = begin
        self._records = records
        self._start = start
        self._settle = settle
        self._session = Session()
        self._is_new = True
        self._wanted_until = start + visit.leaves
        self._names = [f"{planned.name}/{visit.client}.{number}" for number in range(planned.subscriptions)]
        self.has_left = False
        self.listeners = {name: begin(name, visit.comes) for name in self._names}
        """The streams that are wanted now, by name."""
        self._over: deque[tuple[float, Listener]] = deque()

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
                self._want_all()

    def leave(self) -> None:
        """It wants no more from now on."""
        self.has_left = True
        self._wanted_until = min(self._wanted_until, trio.current_time())

    def finish(self) -> None:
        """Judge all that it heard."""
        self.leave()
        self._finish_over(math.inf)
        for listener in self.listeners.values():
            listener.finish(self._wanted_until - self._start)

    def _now(self) -> float:
        return trio.current_time() - self._start

    def _want_all(self) -> None:
        now = self._now()
        self._finish_over(now - self._settle)
        self.listeners = {
            name: self.listeners[name] if name in self.listeners else self._begin(name, now)
            for name in self._names
        }

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
        conversation = Conversation(self._planned, self._session, self.listeners, self._records, self._start)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(conversation.keep_alive, socket)
                await conversation.hold(socket)
                nursery.cancel_scope.cancel()
        finally:
            if self._session.is_open:  # Cancelled, or left of its own accord: no end of the target's doing.
                self._session.closed(self._now(), 1000, "left")
                if conversation.is_given_up:
                    self._over += [(self._now(), self.listeners.pop(name)) for name in conversation.granted]
                with trio.CancelScope(shield=True):
                    await socket.close()
        return len(conversation.granted) == len(self._names)

    def _finish_over(self, until: float) -> None:
        """Judge the streams that we gave up by then: what came last is known on the other path by now."""
        while self._over and self._over[0][0] <= until:
            t, listener = self._over.popleft()
            listener.finish(t)
