"""One client connection as its provider sees it, with the byte toxics in between.

Rule: a direction that no toxic touches goes straight to the socket. As soon as there is a toxic, on a live
connection too, that direction runs through its link, and a task moves the bytes on the socket's side; when
the last toxic is gone and all has passed, it is straight again. The provider closes its end of the stream;
the socket closes when what is on its way has left.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterable
from random import Random

import trio

from battlectl.lab.proxies.behind import ClientStream
from battlectl.lab.proxies.counters import Counters
from battlectl.lab.toxics.chunks import CHUNK_BYTES, Budget
from battlectl.lab.toxics.link import Link
from battlectl.lab.toxics.stage import Stage
from battlectl.lab.toxics.toxic import Direction, Toxic

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
LEFT_SECONDS = 75.0  # for what is held back from a client that has closed its side


class ProxiedStream(ClientStream):
    """`nursery` is the connection's own; `entry_bytes` stand for a kernel's buffer before the toxics."""

    def __init__(
        self,
        number: int,
        stream: trio.SocketStream,
        nursery: trio.Nursery,
        counters: Counters,
        budget: Budget,
        random: Random,
        entry_bytes: int,
    ) -> None:
        self.number = number
        self.ends_with_reset = False
        self.closed = trio.Event()
        self._stream = stream
        self._nursery = nursery
        self._counters = counters
        self._new_link: Callable[[], Link] = lambda: Link(nursery, budget, random, entry_bytes)
        self._up: Link | None = None
        self._down: Link | None = None
        self._rest = b""
        self._reading = trio.CancelScope()
        self._is_pumping = False
        self._is_closing = False
        counters.connections += 1
        counters.open_sockets += 1

    # The provider's end

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """The client's next bytes, nothing at their end."""
        while not self._rest:
            self._check_not_closed()
            if self._up is None:
                data = await self._receive_straight(max_bytes or CHUNK_BYTES)
                if data is not None:
                    return data
            elif (taken := await self._up.take()) is None:
                self._up = None
            elif not taken:
                return b""
            else:
                self._rest = taken
        data, self._rest = self._rest[:max_bytes], self._rest[max_bytes or CHUNK_BYTES :]
        return data

    async def _receive_straight(self, most: int) -> bytes | None:
        """None when toxics have come up in the meantime, or the end."""
        try:
            with trio.CancelScope() as self._reading:
                return await self._read(most)
        except trio.BusyResourceError:  # the task that moves bytes for the toxics was quicker
            if self._up is None:
                raise
        return None

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes to the client, or leave them with the toxics."""
        self._check_not_closed()
        for start in range(0, len(data), 2 * CHUNK_BYTES):
            piece = data[start : start + 2 * CHUNK_BYTES]
            if self._up is not None and self._up.is_cut:
                raise trio.BrokenResourceError("a toxic has ended this connection")
            if self._down is None:
                await self._write(piece)
            else:
                await self._down.feed(bytes(piece))

    async def wait_send_all_might_not_block(self) -> None:
        """Return when sending is worth a try."""
        if self._down is None:
            await self._stream.wait_send_all_might_not_block()
        else:
            await trio.lowlevel.checkpoint()

    async def send_eof(self) -> None:
        """Close the sending side; through toxics, where there is no half-close, it closes both."""
        if self._down is None:
            await self._stream.send_eof()
        else:
            self._down.feed_end()

    async def aclose(self) -> None:
        """No more from this side; what toxics hold still leaves. Never waits for them."""
        self._is_closing = True
        if self._down is None:
            self._close_socket()
        else:
            self._down.feed_end()
            self._reading.cancel()
        await trio.lowlevel.checkpoint()

    def reset(self) -> None:
        """End the connection at once with RST in place of FIN."""
        self.end_with_reset()
        self._close_socket()

    def has_left(self) -> bool:
        """Whether the client has closed its side; what it has sent and nobody has read hides that."""
        return self.closed.is_set() or has_ended(self._stream.socket.fileno())

    # The proxy's end

    def end_with_reset(self) -> None:
        """However this connection ends from now on, it ends with RST."""
        self.ends_with_reset = True
        if not self.closed.is_set():
            self._stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)

    def end(self) -> None:
        """Close the socket at once; what toxics hold is lost, and whoever serves it is cancelled."""
        self._close_socket()
        self._nursery.cancel_scope.cancel()
        for link in (self._up, self._down):
            if link is not None:
                link.close()

    async def drain(self) -> None:
        """Return when the provider is done and everything has left, or the client has."""
        if self.closed.is_set():
            return
        with trio.CancelScope() as patience:
            self._nursery.start_soon(self._watch_client, patience)
            await self.closed.wait()

    async def _watch_client(self, patience: trio.CancelScope) -> None:
        try:
            while await self._stream.receive_some(CHUNK_BYTES):
                pass
            await trio.sleep(LEFT_SECONDS)
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError):
            pass
        patience.cancel()

    # The toxics

    def add_toxics(self, toxics: Iterable[Toxic]) -> None:
        """Put them to work, in order."""
        for toxic in toxics:
            self._link(toxic.direction).add(toxic)
        if self._up is not None and not self._is_pumping:
            self._is_pumping = True
            self._reading.cancel()
            self._nursery.start_soon(self._pump_up, self._up)

    def change_toxic(self, toxic: Toxic) -> None:
        """Make its change felt."""
        link = self._up if toxic.direction == "upstream" else self._down
        if link is not None:
            link.change(toxic)

    def remove_toxic(self, toxic: Toxic) -> Stage | None:
        """Take it away; what cannot be stopped any more is given back."""
        link = self._up if toxic.direction == "upstream" else self._down
        stage = None if link is None else link.remove(toxic)
        if self._up is not None and not self._up.stages:
            self._reading.cancel()
        return stage

    def _link(self, direction: Direction) -> Link:
        if direction == "upstream":
            self._up = self._up or self._new_link()
            return self._up
        if self._down is None:
            self._down = self._new_link()
            self._nursery.start_soon(self._pump_down, self._down)
        return self._down

    async def _pump_up(self, link: Link) -> None:
        try:
            with link.feeding():
                while link.stages and not self._is_closing:
                    data = await self._receive_straight(CHUNK_BYTES)
                    if data == b"":
                        link.feed_end()
                        break
                    await link.feed(data or b"")
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            link.feed_end()  # a reset is not carried over
        finally:
            self._is_pumping = False

    async def _pump_down(self, link: Link) -> None:
        try:
            while data := await link.take():
                await self._write(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            data = b""
        if data is None:
            self._down = None
        else:
            self._close_socket()

    # The socket

    async def _read(self, most: int) -> bytes:
        try:
            data = bytes(await self._stream.receive_some(most))
        except trio.ClosedResourceError:
            self._check_not_closed()
            raise trio.BrokenResourceError("the connection was ended") from None
        if data:
            self._counters.count_received(len(data))
        return data

    async def _write(self, data: bytes | bytearray | memoryview) -> None:
        try:
            await self._stream.send_all(data)
        except trio.ClosedResourceError:
            self._check_not_closed()
            raise trio.BrokenResourceError("the connection was ended") from None
        self._counters.bytes_out += len(data)

    def _check_not_closed(self) -> None:
        if self._is_closing:
            raise trio.ClosedResourceError("closed by this side")

    def _close_socket(self) -> None:
        if not self.closed.is_set():
            self.closed.set()
            self._counters.open_sockets -= 1
            self._stream.socket.close()
            self._reading.cancel()
            if self._down is not None:
                self._down.close()


def has_ended(file: int) -> bool:
    """Whether the next read of a connected TCP socket would say that the other side is gone."""
    try:
        peeking = socket.fromfd(file, socket.AF_INET, socket.SOCK_STREAM)
    except OSError:  # no file descriptor is left to look with: the next look may tell
        return False
    with peeking:
        try:
            return not peeking.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True
