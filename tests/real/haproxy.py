"""A fast real server that can be stalled: HAProxy with one thread, answering any single JSON-RPC call.

Rule: it is stopped as a whole, by SIGSTOP: until SIGCONT it accepts, reads and answers nothing. The reply
carries the request's (whole-number) id. Batches are not understood.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.real.parts import require
from tests.real.processes import free_port, running, wait_ready

CONFIG = """
global
    nbthread 1
    maxconn 8000
defaults
    mode http
    timeout client 60s
    timeout server 60s
    timeout connect 5s
    timeout http-keep-alive 60s
frontend json_rpc
    bind 127.0.0.1:%d backlog 4096
    option http-buffer-request
    http-request return status 200 content-type application/json lf-string '%s'
"""
REPLY = '{"jsonrpc":"2.0","id":%[req.body,json_query("$.id","int")],"result":"0x1"}'


@dataclass(frozen=True, slots=True)
class StoppableServer:
    """One running HAProxy."""

    url: str
    process: subprocess.Popen[bytes]

    def stall(self, seconds: float) -> float:
        """Stop it for so long; how long it truly stood still, in seconds."""
        self.process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        try:
            time.sleep(seconds)
        finally:
            self.process.send_signal(signal.SIGCONT)
        return time.monotonic() - began


@contextmanager
def running_haproxy(folder: Path, *, core: int | None = None) -> Iterator[StoppableServer]:
    """HAProxy with its files in `folder`, pinned to a core if asked."""
    program = require("haproxy")
    port, log, config = free_port(), folder / "haproxy.log", folder / "haproxy.cfg"
    config.write_text(CONFIG % (port, REPLY))
    with running([program, "-db", "-f", config], log) as process:
        if core is not None:
            os.sched_setaffinity(process.pid, {core})
        wait_ready(process, log, lambda: _answers(port))
        yield StoppableServer(f"http://127.0.0.1:{port}", process)


def _answers(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
