"""A TCP port that a proxy holds: bound as long as it is, listening or not as it is told.

Rule: while it does not listen, connections are refused as by a machine where nothing runs, and nobody else
can take the port. (A socket that was shut down keeps its port if it was bound to it by number; other sockets
could still share it if it allowed reuse, so it does not while it is shut.)
"""

from __future__ import annotations

import socket

import trio

from battlectl.lab.net.http_server import BACKLOG
from battlectl.lab.proxies.addresses import WILDCARDS, Address

EVERYWHERE = "::" if socket.has_dualstack_ipv6() else "0.0.0.0"


class Port:
    """Bound on creation, raising OSError; `text` is the address in numbers."""

    def __init__(self, address: Address, allow_any_address: bool) -> None:
        host = address.host
        if host in WILDCARDS:
            host = EVERYWHERE if allow_any_address else "127.0.0.1"
        self._socket = _bind(host, address.port)
        self.address = Address(*self._socket.getsockname()[:2])
        self._listener: trio.SocketListener | None = None

    @property
    def is_listening(self) -> bool:
        """Whether connections are let in."""
        return self._listener is not None

    @property
    def listener(self) -> trio.SocketListener:
        """Where they come out while it listens."""
        assert self._listener is not None
        return self._listener

    def listen(self) -> None:
        """Let connections in, if it does not already."""
        if self._listener is None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.listen(BACKLOG)
            self._listener = trio.SocketListener(self._socket)

    def shut(self) -> None:
        """Refuse connections, those that wait to be taken included, and keep the port."""
        if self._listener is not None:
            self._listener = None
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the port back."""
        self._listener = None
        self._socket.close()


def _bind(host: str, port: int) -> trio.socket.SocketType:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as scout:
        bound = socket.socket(family, socket.SOCK_STREAM)
        try:
            for one in (scout, bound):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if host == EVERYWHERE == "::":
                    one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            if not port:
                scout.bind((host, 0))
                port = scout.getsockname()[1]
            bound.bind((host, port))
        except BaseException:
            bound.close()
            raise
    return trio.socket.from_stdlib_socket(bound)
