"""battlectl in a child that has not to import it: forked from a process that has all of it already.

Rule: only for commands whose beginning is not what the test is about. What is ended at any moment of its life
is a fresh interpreter (`Desk.start`), and test_cold.py holds each verb to work in one.

    python -m tests.cli.warm FD    forks a battlectl for each message that comes through the socket FD
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import random
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

STARTS_WITHIN = 60.0
MOST = 1 << 20
"""Bytes of a message: words, folder and environment of one command."""
ROOT = Path(__file__).parents[2]


class Hung(Exception):
    """It did not end in time, and was killed: what it had printed."""


@dataclass(frozen=True, slots=True)
class Warm:
    """One that was started; `told` says how it ended."""

    pid: int
    told: socket.socket
    out: IO[bytes]
    err: IO[bytes]


def start_warm(words: Sequence[str], folder: Path, environ: Mapping[str, str]) -> Warm:
    """In a session of its own, and with an empty stdin."""
    message = json.dumps([list(words), str(folder), dict(environ)]).encode()
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    out, err = TemporaryFile(), TemporaryFile()  # noqa: SIM115 (closed by finish_warm)
    with its:
        socket.send_fds(_forker(), [message], [its.fileno(), out.fileno(), err.fileno()])
    ours.settimeout(STARTS_WITHIN)
    try:
        return Warm(int(ours.recv(64)), ours, out, err)
    except BaseException:
        for opened in (ours, out, err):
            opened.close()
        raise


def finish_warm(warm: Warm, within: float) -> tuple[int, str, str]:
    """Return code, as of a Popen, and what was printed."""
    with warm.told, warm.out, warm.err:
        warm.told.settimeout(within)
        try:
            code = int(warm.told.recv(64))
        except TimeoutError:
            os.kill(warm.pid, signal.SIGKILL)
            raise Hung(f"{_text(warm.out)}\n{_text(warm.err)}") from None
        return code, _text(warm.out), _text(warm.err)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


@cache
def _forker() -> socket.socket:
    """The socket of one such process for all tests of this one; it ends when we do."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "tests.cli.warm", str(its.fileno())]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, pass_fds=[its.fileno()], start_new_session=True
    )
    its.close()
    atexit.register(_end, ours, process)
    return ours


def _end(ours: socket.socket, process: subprocess.Popen[bytes]) -> None:
    ours.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(5)


def main() -> None:
    """Fork for each message until nobody can send any more."""
    asked = socket.socket(fileno=int(sys.argv[1]))
    import battlectl.commands

    for module in pkgutil.walk_packages(battlectl.commands.__path__, "battlectl.commands."):
        importlib.import_module(module.name)
    for name in ("battlectl.cli", "battlectl.lab.control"):
        importlib.import_module(name)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # Nobody waits for those that wait.
    while True:
        message, fds, _, _ = socket.recv_fds(asked, MOST, 3)
        if not message:
            return
        if os.fork() == 0:
            asked.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _wait_or_be(json.loads(message), fds)
            return
        for fd in fds:
            os.close(fd)


def _wait_or_be(message: tuple[list[str], str, dict[str, str]], fds: list[int]) -> None:
    """Two processes come out of this: one tells how the other ends, and that one is battlectl."""
    told = socket.socket(fileno=fds[0])
    pid = os.fork()
    if pid == 0:
        told.close()
        return _be(*message, *fds[1:])
    with suppress(BrokenPipeError):
        told.send(str(pid).encode())
        told.send(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())
    os._exit(0)


def _be(words: list[str], folder: str, environ: dict[str, str], out: int, err: int) -> None:
    """What a fresh interpreter would be, from here on."""
    os.setsid()
    os.chdir(folder)
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.close(out)
    os.close(err)
    os.environ.clear()
    os.environ.update(environ)
    random.seed()
    sys.argv = ["battlectl", *words]
    sys.path[0] = folder
    runpy.run_module("battlectl", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
