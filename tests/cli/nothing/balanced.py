"""Two nodes that are processes of their own, and an HAProxy in front that says who served."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.real.haproxy import StoppableServer, running_haproxy
from tests.real.parts import require
from tests.real.processes import free_port, running, wait_ready

CONFIG = """
global
    nbthread 1
    stats socket {socket} mode 600 level admin
defaults
    mode http
    timeout client 10s
    timeout server 500ms
    timeout connect 500ms
    retries 2
    option redispatch 1
    retry-on conn-failure empty-response response-timeout
frontend rpc
    bind 127.0.0.1:{port}
    default_backend nodes
backend nodes
    balance roundrobin
    http-response set-header X-Served-By %s
    server provider_a {a}
    server provider_b {b}
    server provider_c {b} weight 0
backend spare
    server provider_a {a}
"""


@dataclass(frozen=True, slots=True)
class Balanced:
    """provider_c takes part in nothing: its weight is 0. Nor does the backend `spare`."""

    folder: Path
    url: str
    socket: str
    nodes: dict[str, StoppableServer]

    def target(self, chaos: dict[str, Any]) -> dict[str, Any]:
        """A config file of it."""
        return {
            "version": 1,
            "kind": "generic",
            "url": self.url,
            "ready": {"within": "5s"},
            "attribution": {"provider": "X-Served-By"},
            "providers": [{"id": id_, "url": node.url} for id_, node in self.nodes.items()],
            "chaos": chaos,
        }


@contextmanager
def balanced(folder: Path) -> Iterator[Balanced]:
    """All three processes, for the length of a block."""
    with ExitStack() as stack:
        nodes = {id_: stack.enter_context(running_haproxy(_made(folder / id_))) for id_ in ("a", "b")}
        port, config, log, socket = free_port(), folder / "front.cfg", folder / "log", folder / "s"
        places = {id_: node.url.removeprefix("http://") for id_, node in nodes.items()}
        config.write_text(CONFIG.format(socket=socket, port=port, **places))
        process = stack.enter_context(running([require("haproxy"), "-db", "-f", config], log))
        wait_ready(process, log, lambda: True if socket.exists() else None)
        named = {"provider_a": nodes["a"], "provider_b": nodes["b"], "provider_c": nodes["b"]}
        yield Balanced(folder, f"http://127.0.0.1:{port}", str(socket), named)


@contextmanager
def started_again(field: Balanced, id_: str, pid_file: Path) -> Iterator[None]:
    """A new process of a node that was killed, as a supervisor would start it."""
    config, log = field.folder / id_ / "haproxy.cfg", field.folder / id_ / "again.log"
    with running([require("haproxy"), "-db", "-f", config], log) as process:
        pid_file.write_text(f"{process.pid}\n")
        yield


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
