"""Subscribers in motion: each comes when it is due, subscribes, listens, comes back, leaves.

Rule: what they hear is handed to the judges of their streams with the time at which it came, and nothing is
concluded here. Whatever ends the run, every stream is finished.

Our own lateness is noted of each message, from when it had come to this machine until it was read, and of
each moment LAG_EVERY: a loop that stands still is late also where nothing comes, or where nobody knows when
it came. Who reads slowly on purpose (`read_pause`) is late on purpose, and that is not noted.
"""

from __future__ import annotations

from collections.abc import Iterator

import trio

from battlectl.jsonrpc.session_events import Malformed, Stray, Unrouted
from battlectl.jsonrpc.session_oddities import kind_of
from battlectl.observe.consistency import Book, Seen
from battlectl.observe.streams.cell import StreamCells
from battlectl.observe.streams.fitness import note_begun, note_lag
from battlectl.observe.unasked import shown
from battlectl.plan.streams import PlannedStreams, Visit
from battlectl.run.listening import Listener
from battlectl.run.subscriber import Client, OpenListener, OpenSocket

LOOK_EVERY = 1.0
LAG_EVERY = 0.05
AT_ONCE = 50
"""Streams that are looked at before others get their turn."""
CHECK = "continuity"


class Subscribers:
    """One workload of them. Mutable: it knows who is there. `settle` is that of `streams.terms`."""

    def __init__(
        self,
        planned: PlannedStreams,
        open_socket: OpenSocket,
        listen: OpenListener,
        cells: StreamCells,
        book: Book,
        settle: float,
    ) -> None:
        self._planned = planned
        self._cells = cells
        self._book = book
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

    def late(self, t: float, seconds: float) -> None:
        """See `Records`."""
        note_lag(self._cells, t, seconds)

    def unasked(self, t: float, event: Malformed | Stray | Unrouted, message: bytes) -> None:
        """See `Records`."""
        self._book.add(t, CHECK, kind_of(event), self._planned.name, Seen(t, "", 1.0, shown(message)))

    def _begin(self, name: str, t: float) -> Listener:
        note_begun(self._cells, t)
        return self._listen(name, t)

    async def _attend(self, visit: Visit) -> None:
        now = trio.current_time() - self._start
        note_lag(self._cells, visit.comes, now - visit.comes)
        client = Client(self._planned, visit, self._open_socket, self._begin, self, self._start, self._settle)
        self._there[visit.client] = client
        try:
            await client.live()
            client.leave()
            await trio.sleep(self._settle)  # The other path may not have seen yet what came last.
        finally:
            del self._there[visit.client]
            client.finish()

    async def _note_lag(self) -> None:
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
