"""Free ports by number, for tests that have to name them before anything listens there."""

from __future__ import annotations

import random
import socket


def free_ports(count: int) -> list[int]:
    """Ports below those that outgoing connections take, free on every loopback address just now."""
    for _ in range(200):
        first = random.randrange(20_000, 31_000)
        ports = list(range(first, first + count))
        if all(is_free(port) for port in ports):
            return ports
    raise AssertionError("no free ports")


def is_free(port: int) -> bool:
    """Whether it can be bound."""
    try:
        with socket.create_server(("", port)):
            return True
    except OSError:
        return False
