"""A plain TCP upstream behind a proxy: bytes in both directions, exactly as Toxiproxy passes them.

Rule: the client is connected before the upstream is dialled, and learns of a refusal by the end of its
connection. There is no half-close: an end on either side ends both, and a reset arrives as a plain end.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

import trio

from battlectl.lab.faults.kind import Where
from battlectl.lab.faults.scope import Fault
from battlectl.lab.proxies.addresses import BadAddress, split_address
from battlectl.lab.proxies.behind import ClientStream
from battlectl.lab.proxies.counters import Counters
from battlectl.lab.proxies.stream import RESET_ON_CLOSE, ProxiedStream
from battlectl.lab.toxics.chunks import CHUNK_BYTES


class TcpUpstream:
    """A Behind without faults: it does not understand what it passes."""

    where: Where | None = None
    listens = True
    accepts = True

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.faults: list[Fault] = []
        self.counters = Counters()

    def watch(self, refresh: Callable[[], None]) -> None:
        """Nothing ever changes here."""

    async def serve(self, stream: ClientStream) -> None:
        """Dial, and pass bytes until one side ends."""
        try:
            host, port = split_address(self.upstream)
            upstream = await trio.open_tcp_stream(host or "localhost", port)
        except (BadAddress, OSError, ValueError):
            return
        if isinstance(stream, ProxiedStream) and stream.ends_with_reset:
            upstream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        async with upstream, trio.open_nursery() as nursery:
            nursery.start_soon(_pass, stream, upstream)
            await _pass(upstream, stream)

    async def add_fault(self, fault: Fault) -> None:
        """Never asked: where there is no `where`, there are no faults."""
        raise AssertionError(f"{fault.name} at a plain TCP proxy, which takes none")

    async def remove_fault(self, fault: Fault) -> None:
        """Never asked, likewise."""
        raise AssertionError(f"{fault.name} at a plain TCP proxy, which has none")

    async def aclose(self) -> None:
        """There is nothing beside the connections."""


async def _pass(source: trio.abc.Stream, target: trio.abc.Stream) -> None:
    """From one to the other until an end, which ends the other, and thereby the way back."""
    try:
        while data := await source.receive_some(CHUNK_BYTES):
            await target.send_all(data)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass
    finally:
        await trio.aclose_forcefully(target)
