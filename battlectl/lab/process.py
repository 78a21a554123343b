"""One server of the lab as a process of its own: ready line, life and death.

Rule: one JSON line on stdout once the port listens. The process lives as long as its stdin: when the
parent goes, however it goes, the pipe closes and the process ends; SIGTERM ends it too. SIGINT is
ignored, because a Ctrl-C is for the parent to decide. Only loopback addresses are bound.
"""

from __future__ import annotations

import ipaddress
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass

import trio

from battlectl.lab.net.http_server import Handler, listener_url, open_listener, serve

EXIT_OK = 0
EXIT_USAGE = 2
EXIT_NOT_READY = 4


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this process is in its ready line."""

    role: str
    id: str


def run_server(identity: Identity, host: str, port: int, handler: Handler) -> int:
    """Serve until told to stop; returns the exit code."""
    if not is_loopback(host):
        return _complain(
            EXIT_USAGE, f"{host} is not a loopback address: the lab binds to 127.0.0.1 or ::1 only"
        )
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _raise_file_limit()
    try:
        return trio.run(_serve_until_told, identity, host, port, handler)
    except OSError as error:
        return _complain(EXIT_NOT_READY, f"cannot listen on {host}:{port}: {error}; port 0 takes a free one")


def is_loopback(host: str) -> bool:
    """A name is refused as well: what it resolves to is not ours to promise."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def ready_line(identity: Identity, url: str) -> str:
    """One line of JSON with the URL and the pid, as control.py reads it."""
    return json.dumps(
        {"ready": True, "role": identity.role, "id": identity.id, "url": url, "pid": os.getpid()}
    )


async def _serve_until_told(identity: Identity, host: str, port: int, handler: Handler) -> int:
    listener = await open_listener(host, port)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_cancel_on_sigterm, nursery.cancel_scope.cancel)
        nursery.start_soon(_cancel_on_stdin_end, nursery.cancel_scope.cancel)
        nursery.start_soon(serve, listener, handler)
        print(ready_line(identity, listener_url(listener)), flush=True)
    return EXIT_OK


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


def _complain(code: int, message: str) -> int:
    print(message, file=sys.stderr)
    return code
