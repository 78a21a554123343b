"""A proxy: a name, a port, what stands behind it, the toxics in between, and the connections.

Rule: the port is open if and only if the proxy is enabled and what stands behind it listens. Disabling ends
every connection and gives the port back; a fault that closes the port keeps it. What is held back in toxics
is lost when the proxy stops. Changes are made one at a time, by whoever holds `lock`.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from random import Random

import trio

from battlectl.lab.faults.scope import Fault
from battlectl.lab.proxies.addresses import Address, BadAddress, resolve
from battlectl.lab.proxies.behind import Behind
from battlectl.lab.proxies.port import Port
from battlectl.lab.proxies.stream import ProxiedStream
from battlectl.lab.toxics.chunks import Budget
from battlectl.lab.toxics.stage import Stage
from battlectl.lab.toxics.toxic import Toxic

ENTRY_BYTES = 4 * 1024 * 1024  # what two sockets in the kernel would hold between an upstream and a proxy
TRY_AGAIN_SECONDS = 0.1


class CannotListen(Exception):
    """The port could not be had; the message says why."""


class Proxy:
    """`upstream` and `listen` are texts, `listen` in numbers once the proxy was started."""

    def __init__(
        self,
        name: str,
        listen: str,
        upstream: str,
        behind: Behind,
        nursery: trio.Nursery,
        budget: Budget,
        random: Random,
        allow_any_address: bool = False,
    ) -> None:
        self.name = name
        self.listen = listen
        self.upstream = upstream
        self.lock = trio.Lock()
        self.toxics: list[Toxic] = []
        self.connections: dict[int, ProxiedStream] = {}
        self.last_connection = 0
        self._nursery = nursery
        self._budget = budget
        self._random = random
        self._allow_any_address = allow_any_address
        self._port: Port | None = None
        self._accepting = trio.CancelScope()
        self._put_behind(behind)

    def _put_behind(self, behind: Behind) -> None:
        self.behind = behind
        behind.watch(self.refresh)

    @property
    def enabled(self) -> bool:
        """Whether it was started and not stopped: the port is its own, open or not."""
        return self._port is not None

    @property
    def is_listening(self) -> bool:
        """Whether a client can connect."""
        return self._port is not None and self._port.is_listening

    @property
    def address(self) -> Address | None:
        """Where clients connect, while it is enabled."""
        return self._port.address if self._port is not None else None

    # Starting and stopping

    def start(self) -> None:
        """Take the port; raises CannotListen, and leaves it disabled then."""
        if self._port is not None:
            return
        try:
            address = resolve(self.listen)
        except BadAddress as error:
            raise CannotListen(f"listen tcp: {error}") from None
        try:
            self._port = Port(address, self._allow_any_address)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise CannotListen(f"listen tcp {address}: bind: {reason}") from None
        self.listen = str(self._port.address)
        self.refresh()

    def stop(self) -> None:
        """Close every connection, and give the port back."""
        if self._port is None:
            return
        port, self._port = self._port, None
        self._accepting.cancel()
        port.close()
        for stream in list(self.connections.values()):
            stream.end()

    def refresh(self) -> None:
        """Look again whether the port should be open, and connections be taken from it."""
        if self._port is None:
            return
        self._accepting.cancel()
        if not self.behind.listens:
            self._port.shut()
            return
        self._port.listen()
        if self.behind.accepts:
            self._accepting = trio.CancelScope()
            self._nursery.start_soon(self._accept, self._port, self._port.listener, self._accepting)

    async def change_behind(self, upstream: str, behind: Behind) -> None:
        """Put something else behind a stopped proxy; its faults do not move by themselves."""
        old, self.upstream = self.behind, upstream
        self._put_behind(behind)
        await old.aclose()

    async def aclose(self) -> None:
        """Stop, and end what stands behind."""
        self.stop()
        await self.behind.aclose()

    # Toxics and faults

    @property
    def injected(self) -> list[Toxic | Fault]:
        """All toxics, then all faults, each in order of creation."""
        return [*self.toxics, *self.behind.faults]

    def find(self, name: str) -> Toxic | Fault | None:
        """The toxic or fault of that name: they share one name space."""
        return next((item for item in self.injected if item.name == name), None)

    def add_toxic(self, toxic: Toxic) -> None:
        """Put it to work, on open connections too."""
        self.toxics.append(toxic)
        for stream in self.connections.values():
            stream.add_toxics([toxic])

    def change_toxic(self, toxic: Toxic) -> None:
        """Make new attributes or a new toxicity felt."""
        for stream in self.connections.values():
            stream.change_toxic(toxic)

    def remove_toxic(self, toxic: Toxic) -> list[Stage]:
        """Take it away; what is given back are those of its stages that nothing can stop."""
        self.toxics.remove(toxic)
        stages = [stream.remove_toxic(toxic) for stream in self.connections.values()]
        return [stage for stage in stages if stage is not None]

    def reset_connections(self, which: Callable[[int], bool]) -> int:
        """Reset the open connections whose number passes; returns how many."""
        streams = [stream for number, stream in list(self.connections.items()) if which(number)]
        for stream in streams:
            stream.reset()
        return len(streams)

    # Connections

    async def _accept(self, port: Port, listener: trio.SocketListener, scope: trio.CancelScope) -> None:
        with scope:
            while True:
                try:
                    stream = await listener.accept()
                except (OSError, trio.ClosedResourceError) as error:
                    if scope.cancel_called:  # the port was shut, or closed, when a connection had just come
                        return
                    if isinstance(error, trio.ClosedResourceError):
                        raise
                    # No file descriptors left: wait until connections have gone.
                    print(f"{self.name}: cannot accept: {error}", file=sys.stderr)
                    await trio.sleep(TRY_AGAIN_SECONDS)
                    continue
                self._nursery.start_soon(self._serve, port, stream)

    async def _serve(self, port: Port, stream: trio.SocketStream) -> None:
        """One connection to its end. A bug ends it loudly, and nothing else."""
        if self._port is not port:
            return stream.socket.close()
        try:
            async with trio.open_nursery() as nursery:
                await self._serve_until_drained(self._open(stream, nursery))
        except Exception:
            traceback.print_exc(file=sys.stderr)
        return None

    def _open(self, stream: trio.SocketStream, nursery: trio.Nursery) -> ProxiedStream:
        self.last_connection += 1
        entry_bytes = ENTRY_BYTES if self.behind.where else 0
        parts = (nursery, self.behind.counters, self._budget, self._random, entry_bytes)
        connection = ProxiedStream(self.last_connection, stream, *parts)
        self.connections[connection.number] = connection
        if any(toxic.kind.resets for toxic in self.toxics):
            connection.end_with_reset()
        connection.add_toxics(self.toxics)
        return connection

    async def _serve_until_drained(self, connection: ProxiedStream) -> None:
        try:
            await self.behind.serve(connection)
            await connection.aclose()
            await connection.drain()
        finally:
            connection.end()
            del self.connections[connection.number]
