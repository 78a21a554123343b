"""What stands behind a proxy's listener, as the proxy sees it: a TCP upstream, a simulated node, a relay.

Rule: the proxy owns the listener and the bytes (Toxiproxy's toxics); what stands behind owns their meaning.
It is asked for `listens` and `accepts` whenever it says that they may have changed, see `watch`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Protocol

import trio

from battlectl.lab.faults.kind import Where
from battlectl.lab.faults.scope import Fault
from battlectl.lab.proxies.counters import Counters


class ClientStream(trio.abc.HalfCloseableStream):
    """The server's end of one client connection, with Toxiproxy's toxics between it and the client.

    `number` counts the connections of its proxy from 1. Reading and writing raise as a trio.SocketStream
    would: trio.BrokenResourceError when the client or a toxic has ended the connection.
    """

    number: int

    @abstractmethod
    def reset(self) -> None:
        """End the connection at once with RST in place of FIN."""

    @abstractmethod
    def has_left(self) -> bool:
        """Whether the client has closed its side, as far as can be said without reading."""


class Behind(Protocol):
    """One provider: it serves connections, and has faults that understand JSON-RPC."""

    faults: list[Fault]
    counters: Counters

    @property
    def where(self) -> Where | None:
        """Which faults it can have: those of a node, of a relay, or (None: plain TCP) none."""

    @property
    def listens(self) -> bool:
        """Whether the port should be open, as far as faults have a say."""

    @property
    def accepts(self) -> bool:
        """Whether connections should be taken from an open port."""

    def watch(self, refresh: Callable[[], None]) -> None:
        """Called once, before anything is served: call `refresh` when `listens` or `accepts` has changed."""

    async def serve(self, stream: ClientStream) -> None:
        """Serve one connection to its end; a client's doing never raises."""

    async def add_fault(self, fault: Fault) -> None:
        """Put a fault in force, and return when it is."""

    async def remove_fault(self, fault: Fault) -> None:
        """Heal it: waiters are released, and what it changed is put back."""

    async def aclose(self) -> None:
        """The proxy is gone: heal every fault and end what runs beside the connections."""
