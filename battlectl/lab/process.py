"""One server of the lab as a process of its own: ready line, life and death.

Rule: one JSON line on stdout once every port listens. The process lives as long as its stdin: when the
parent goes, however it goes, the pipe closes and the process ends; SIGTERM ends it too. SIGINT is
ignored, because a Ctrl-C is for the parent to decide. Only loopback addresses are bound, unless allowed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
import trio

from battlectl.lab.net.http_server import open_listener
from battlectl.lab.spec import LAST_PORT, is_loopback

EXIT_OK = 0
EXIT_USAGE = 2
EXIT_NOT_READY = 4
MOST_SETTINGS = 2**20

Port = Annotated[int, msgspec.Meta(ge=0, le=LAST_PORT)]
"""0 is any that is free. (The system takes one beyond the last modulo 65,536, and says nothing.)"""
Tell = Callable[[dict[str, Any]], None]
Serve = Callable[[Tell], Awaitable[None]]
"""Serves until cancelled; tells what the ready line says once every port listens."""


class CannotListen(Exception):
    """A port is taken, or an address is not to be used; the message says which, `code` is the exit code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def run_process(role: str, serve: Serve) -> int:
    """Serve until told to stop; returns the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _raise_file_limit()
    code = EXIT_OK
    try:
        trio.run(_serve_until_told, serve, lambda document: print(ready_line(role, document), flush=True))
    except* CannotListen as group:
        for error in leaves(group):
            print(error, file=sys.stderr)
            code = error.code
    return code


async def listen(host: str, ports: tuple[int, ...], allow_any_address: bool) -> trio.SocketListener:
    """A listener on the first of these ports that is free, 0 being any; CannotListen when none is."""
    if not (allow_any_address or is_loopback(host)):
        raise CannotListen(EXIT_USAGE, f"{host} is not a loopback address, and nobody allowed any other")
    trouble: OSError | None = None
    for port in ports:
        try:
            return await open_listener(host, port)
        except OSError as error:
            trouble = trouble or error
    reason = f"cannot listen on {host}:{ports[0]}: {trouble}; try port 0, which takes a free one"
    raise CannotListen(EXIT_NOT_READY, reason)


def leaves(group: BaseExceptionGroup[CannotListen]) -> list[CannotListen]:
    """The errors themselves, out of the groups of the nurseries that they came through."""
    found: list[CannotListen] = []
    for error in group.exceptions:
        found += leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


def ready_line(role: str, document: dict[str, Any]) -> str:
    """One line of JSON with the pid, as children.py reads it."""
    return json.dumps({"ready": True, "role": role, "pid": os.getpid(), **document})


def first_line_of_stdin() -> bytes:
    """The settings, as children.py sends them; the rest of stdin stays for noticing its end."""
    line = b""
    while not line.endswith(b"\n") and len(line) < MOST_SETTINGS:
        byte = os.read(0, 1)
        if not byte:
            break
        line += byte
    return line


async def _serve_until_told(serve: Serve, tell: Tell) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_cancel_on_sigterm, nursery.cancel_scope.cancel)
        nursery.start_soon(_cancel_on_stdin_end, nursery.cancel_scope.cancel)
        nursery.start_soon(serve, tell)


async def _cancel_on_sigterm(cancel: Callable[[], None]) -> None:
    with trio.open_signal_receiver(signal.SIGTERM) as signals:
        async for _ in signals:
            cancel()


async def _cancel_on_stdin_end(cancel: Callable[[], None]) -> None:
    # A thread, because stdin may be a pipe, a terminal or a file, and only a blocking read treats all alike.
    await trio.to_thread.run_sync(_read_to_end, abandon_on_cancel=True)
    cancel()


def _read_to_end() -> None:
    while os.read(0, 4096):
        pass


def _raise_file_limit() -> None:
    """A thousand clients are two thousand sockets in the gateway, more than many shells allow at first."""
    try:
        import resource
    except ImportError:  # not a POSIX system: there is no such limit to raise
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
