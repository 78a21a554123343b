"""One watch over every connection of the load.

Rule: a wake-up serves all that has come in three steps: everything is read, with its time; replies are
parsed and what waits in line is sent on the connections that came free; then the bookkeeping is done. So our
own work does not lengthen the latencies that are measured meanwhile. `linger` stays in here until the next
arrival is due: cheaper and more punctual than a pass through trio's loop for every arrival and reply.
"""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable

import trio

from battlectl.transport.base import Exchange, NoReply, Reply
from battlectl.transport.timer import Timer, open_timer

LONGEST_PASS = 0.004
"""Seconds of reading, parsing and sending in one go."""
LONGEST_PUT_OFF = 0.020
"""Seconds that bookkeeping may wait while exchanges stand in line for a connection."""
FEW = 4
"""Replies in one go that are no burst: after more, one looks again before the bookkeeping."""
BURST_WAIT = 0.0005
"""Seconds to wait for more of a burst."""

OnReadable = Callable[[], None]


class Poller:
    """See the rule. Mutable: it is a set of watched sockets and a list of unfinished bookkeeping."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timer: Timer | None = open_timer()
        self._soon: list[Callable[[], None]] = []
        self._later: list[tuple[Exchange, Reply | NoReply, float]] = []
        self._books_since = 0.0
        self._rang = False
        self.in_line = 0
        """Exchanges that wait for a connection, of all clients."""
        if self._timer is not None:
            self._selector.register(self._timer, selectors.EVENT_READ, self._ring)

    @property
    def can_linger(self) -> bool:
        """Whether `linger` is to be had here."""
        return self._timer is not None

    def watch(self, sock: socket.socket, on_readable: OnReadable) -> None:
        """Call this whenever the socket is readable."""
        self._selector.register(sock, selectors.EVENT_READ, on_readable)

    def forget(self, sock: socket.socket) -> None:
        """Watch it no more; harmless when the poller has gone out of service before."""
        if self._selector.get_map() is not None:
            self._selector.unregister(sock)

    def soon(self, work: Callable[[], None]) -> None:
        """Do this when everything that has come is read."""
        self._soon.append(work)

    def end_later(self, exchange: Exchange, answer: Reply | NoReply, now: float) -> None:
        """End this exchange when there is nothing more to read: that is its bookkeeping."""
        if not self._later:
            self._books_since = now
        self._later.append((exchange, answer, now))

    async def serve(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Be in service until cancelled."""
        try:
            task_status.started()
            while True:
                with trio.move_on_after(LONGEST_PUT_OFF):
                    await trio.lowlevel.wait_readable(self._selector)
                self._serve_pass(0)
                self._keep_books_unless_put_off()
        finally:
            if self._timer is not None:
                self._selector.unregister(self._timer)
                self._timer.close()
            self._selector.close()

    def linger(self, until: float) -> None:
        """Serve what comes until then (trio's clock), without leaving this task. Short stretches only."""
        timer = self._timer
        assert timer is not None, "there is no timer to linger by"
        self._rang = False
        timer.arm(until - trio.current_time())
        while not self._rang:
            self._serve_pass(None)
            self._keep_books_unless_put_off()

    def keep_books(self) -> None:
        """Do the bookkeeping of all replies read so far."""
        while self._later:
            books, self._later = self._later, []
            for exchange, answer, done in books:
                exchange.end(answer, done)

    def _keep_books_unless_put_off(self) -> None:
        if not self.in_line or trio.current_time() - self._books_since > LONGEST_PUT_OFF:
            self.keep_books()

    def _ring(self) -> None:
        self._rang = True
        assert self._timer is not None
        self._timer.clear()

    def _serve_pass(self, timeout: float | None) -> None:
        """Read, parse and send for as long as replies keep coming in bursts, or somebody waits in line."""
        began = trio.current_time()
        ready = self._selector.select(timeout)
        while ready:
            for key, _ in ready:
                key.data()
            self._soon = _done(self._soon)
            if self._rang or not (self.in_line or len(ready) > FEW):
                return
            if trio.current_time() - began > LONGEST_PASS:
                return
            ready = self._selector.select(BURST_WAIT)


def _done(work: list[Callable[[], None]]) -> list[Callable[[], None]]:
    """Do it all, and answer an empty list for what comes next."""
    for piece in work:
        piece()
    return []
