"""A real aggregator, started from what `battlectl lab up --emit` prints, with the lab behind it.

Rule: the file is used as it was printed, and so is the config file that battlectl is told to know it by.
"""

from __future__ import annotations

import os
import subprocess
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

from tests.cli.command import Desk
from tests.real.parts import require
from tests.real.processes import free_port, running, wait_ready

CALL = b'{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}'
COMMANDS = {
    "envoy": lambda program, config: [
        *(program, "-c", config, "--use-dynamic-base-id", "--concurrency", "1", "--log-level", "warning")
    ],
    "haproxy": lambda program, config: [program, "-db", "-f", config],
}


@contextmanager
def emitted_field(desk: Desk, kind: str) -> Iterator[Path]:
    """The aggregator in front of a lab of three; the path of battlectl's config file for it."""
    program = require(kind)
    port, config, target = free_port(), desk.folder / f"{kind}.json", desk.folder / "emitted.yml"
    words = ("lab", "up", "--emit", kind, "--port", port, "--admin-port", "0")
    lab = desk.start(*words)
    try:
        told = _read_until(lab, "Ctrl-C ends the lab.")
        config.write_bytes(_printed(lab))
        target.write_text(textwrap.dedent(told[told.index("  version: 1") :].partition("\n\n")[0]) + "\n")
        with running(COMMANDS[kind](program, config), desk.folder / f"{kind}.log") as process:
            wait_ready(process, desk.folder / f"{kind}.log", lambda: _answers(f"http://127.0.0.1:{port}/"))
            yield target
    finally:
        lab.terminate()
        lab.communicate(timeout=20)


def _read_until(lab: subprocess.Popen[str], last: str) -> str:
    """What stderr says, up to and with a line; it comes after all of stdout."""
    assert lab.stderr is not None
    lines = []
    for line in lab.stderr:
        lines.append(line)
        if line.strip() == last:
            break
    return "".join(lines)


def _printed(lab: subprocess.Popen[str]) -> bytes:
    """What is in the pipe of stdout, which is not closed while the lab is up."""
    assert lab.stdout is not None
    return os.read(lab.stdout.fileno(), 2**16)


def _answers(url: str) -> bool | None:
    request = Request(url, CALL, {"content-type": "application/json"})
    with urlopen(request, timeout=2) as response:
        return True if b"result" in response.read() else None
