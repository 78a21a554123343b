"""Local processes: found, told apart, signalled, started.

Rule: a process id alone says nothing, for numbers are used again: with it go the time of the start and a
digest of the command line (not the line itself, which may hold a key).
"""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil
import trio

from battlectl.chaos.driver import DriverError, Undo
from battlectl.scenario.target_chaos import LocalProcess

SAME_START = 2.0
"""Seconds that a start time may seem to move: it is counted from the boot, and clocks are set."""
LOOK_EVERY = 0.05
COMMAND_WITHIN = 5.0


async def read_pid(provider: str, entry: LocalProcess) -> int | None:
    """The process id that the config file leads to; None where there is none."""
    if entry.pid is not None:
        return entry.pid
    text = _read_file(entry.pid_file) if entry.pid_file is not None else await _ask(provider, entry)
    word = text.split()[0] if text.split() else ""
    return int(word) if word.isascii() and word.isdigit() and len(word) < 10 and int(word) > 1 else None


def _read_file(name: str) -> str:
    try:
        with open(name, "rb") as file:
            return file.read(100).decode("ascii", "replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise DriverError(f"the pid file {name} cannot be read: {error.strerror}") from None


async def _ask(provider: str, entry: LocalProcess) -> str:
    """What the command prints; nothing when it fails, as one does for a service that is down."""
    command = entry.pid_command or ()
    try:
        with trio.fail_after(COMMAND_WITHIN):
            done = await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)
    except trio.TooSlowError:
        raise DriverError(f"the pid_command of {provider} took more than {COMMAND_WITHIN:g}s") from None
    except OSError as error:
        raise DriverError(f"the pid_command of {provider} cannot be run: {error.strerror}") from None
    return done.stdout[:100].decode("ascii", "replace") if done.returncode == 0 else ""


def running(pid: int | None) -> psutil.Process | None:
    """The process of that number, unless it is dead and only waits to be reaped."""
    if pid is None:
        return None
    try:
        process = psutil.Process(pid)
        return None if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD) else process
    except psutil.NoSuchProcess:
        return None


def wrote_file(process: psutil.Process, pid_file: Path) -> bool:
    """A process that is younger than the file is another one, which got the number of a dead one."""
    try:
        return bool(process.create_time() <= pid_file.stat().st_mtime + SAME_START)
    except (psutil.NoSuchProcess, FileNotFoundError):
        return False


def identity_of(process: psutil.Process) -> dict[str, Any]:
    """Of the command line only a digest: it may hold a key."""
    try:
        return {"pid": process.pid, "started": process.create_time(), "command": _digest(process)}
    except psutil.Error as error:
        raise DriverError(f"process {process.pid} cannot be read: {error}") from None


def _digest(process: psutil.Process) -> str:
    return hashlib.sha256("\0".join(process.cmdline()).encode("utf-8", "surrogateescape")).hexdigest()


def same_process(undo: Undo) -> psutil.Process | None:
    """The process that was written down, if it still runs and is the same."""
    process = running(undo["pid"])
    try:
        if process is None or abs(process.create_time() - undo["started"]) > SAME_START:
            return None
        return process if _digest(process) == undo["command"] else None
    except psutil.NoSuchProcess:
        return None
    except psutil.Error as error:
        raise DriverError(f"process {undo['pid']} cannot be read: {error}") from None


def send(process: psutil.Process, what: signal.Signals) -> None:
    """Signal it; DriverError when that cannot be."""
    try:
        process.send_signal(what)
    except psutil.NoSuchProcess:
        raise DriverError(f"process {process.pid} is gone") from None
    except psutil.AccessDenied:
        raise DriverError(
            f"process {process.pid} belongs to somebody else: {what.name} is not allowed"
        ) from None


def is_stopped(process: psutil.Process) -> bool:
    """Whether it stands still after SIGSTOP."""
    try:
        return bool(process.status() == psutil.STATUS_STOPPED)
    except psutil.NoSuchProcess:
        return False


def has_ended(process: psutil.Process) -> bool:
    """Whether it is gone, or dead and waits to be reaped."""
    return not process.is_running() or running(process.pid) is None


async def wait_until(is_so: Callable[[], bool]) -> None:
    """For as long as the caller lets it."""
    while not is_so():  # noqa: ASYNC110 (the kernel tells nobody but a parent)
        await trio.sleep(LOOK_EVERY)


def spawn(provider: str, command: Sequence[str]) -> int:
    """Start it in a session of its own: it has to outlive us, and our terminal's Ctrl-C."""
    nowhere = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
    try:
        return os.posix_spawnp(command[0], list(command), os.environ, file_actions=nowhere, setsid=True)
    except OSError as error:
        raise DriverError(f"the restart command of {provider} cannot be run: {error.strerror}") from None
