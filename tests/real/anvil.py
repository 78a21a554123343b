"""Real nodes: anvil, mining a block a second, or when it is told to.

Rule: the nodes of one test share their genesis (its time is given to all), so that they are one chain to
whoever compares genesis hashes; from there on each mines for itself.
"""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.real.parts import require
from tests.real.processes import running, wait_ready

A_BLOCK_A_SECOND, WHEN_TOLD = ("--block-time", "1"), ("--no-mining",)
LISTENING = re.compile(rb"Listening on 127\.0\.0\.1:(\d+)")


@dataclass(frozen=True, slots=True)
class Node:
    """One running anvil."""

    url: str
    ws_url: str
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.process.pid

    def kill(self) -> None:
        """SIGKILL, and wait until the kernel has taken its sockets away."""
        self.process.kill()
        self.process.wait()


@contextmanager
def running_anvils(
    count: int, folder: Path, mining: tuple[str, ...] = A_BLOCK_A_SECOND
) -> Iterator[tuple[Node, ...]]:
    """`count` nodes, started together; their logs are in `folder`."""
    program, genesis_time = require("anvil"), str(int(time.time()))
    command = [program, "--port", "0", *mining, "--threads", "1", "--timestamp", genesis_time]
    logs = [folder / f"anvil-{index}.log" for index in range(count)]
    with ExitStack() as stack:
        processes = [stack.enter_context(running(command, log)) for log in logs]
        yield tuple(_node(process, log) for process, log in zip(processes, logs, strict=True))


def _node(process: subprocess.Popen[bytes], log: Path) -> Node:
    port = wait_ready(process, log, lambda: _port(log))
    return Node(f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}", process)


def _port(log: Path) -> int | None:
    found = LISTENING.search(log.read_bytes())
    return int(found[1]) if found else None
