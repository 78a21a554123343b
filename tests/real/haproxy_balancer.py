"""HAProxy as a gateway: round robin over the given nodes, retries on another one, a runtime socket.

Rule: its servers have the names they are given, and its files (the socket among them) are in one folder.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.real.haproxy_stats import BACKEND, FRONTEND
from tests.real.parts import require
from tests.real.processes import free_port, running, wait_ready

CONFIG = """
global
    nbthread 1
    stats socket {socket} mode 600 level admin
defaults
    mode http
    timeout client 60s
    timeout server 10s
    timeout connect 1s
    timeout http-keep-alive 60s
    retries 3
    option redispatch 1
    retry-on conn-failure empty-response
frontend {frontend}
    bind 127.0.0.1:{port}
    default_backend {backend}
backend {backend}
    balance roundrobin
"""


@dataclass(frozen=True, slots=True)
class Balancer:
    """One running HAProxy; `socket` is where it can be asked and told."""

    url: str
    socket: str


@contextmanager
def running_balancer(servers: Mapping[str, str], folder: Path) -> Iterator[Balancer]:
    """HAProxy over the servers, URLs by name; its checks only connect."""
    program = require("haproxy")
    port, path = free_port(), folder / "s"
    config, log = folder / "haproxy.cfg", folder / "haproxy.log"
    head = CONFIG.format(socket=path, port=port, frontend=FRONTEND, backend=BACKEND)
    lines = [f"    server {name} {urlsplit(url).netloc} check inter 1s\n" for name, url in servers.items()]
    config.write_text(head + "".join(lines))
    with running([program, "-db", "-f", config], log) as process:
        wait_ready(process, log, lambda: _answers(port))
        yield Balancer(f"http://127.0.0.1:{port}/", str(path))


def _answers(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
