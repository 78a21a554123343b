"""Start a server process, wait until it answers, and be sure that it is gone afterwards.

Rule: every wait polls and has an end; a process that does not become ready is reported with the tail of its
log; a process is only ever signalled by its own handle.
"""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
READY_WITHIN = 20.0  # seconds; generous, because two cores may be busy with other things
STOPPED_WITHIN = 5.0


class NotReady(Exception):
    """A process ended, or did not become ready in time; the message carries its log."""


@contextmanager
def running(command: Sequence[object], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command with its output in `log`; on the way out terminate it, then kill it."""
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C at the terminal must not reach it before the test's own clean-up
        ) as process,
    ):
        try:
            yield process
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process, politely first."""
    process.terminate()
    try:
        process.wait(STOPPED_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_ready(process: subprocess.Popen[bytes], log: Path, probe: Callable[[], T | None]) -> T:
    """What `probe` returns as soon as that is not None; a refused connection counts as not yet."""
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise NotReady(f"{process.args!r} ended with {process.returncode}:\n{_tail(log)}")
        try:
            found = probe()
        except OSError:
            found = None
        if found is not None:
            return found
        time.sleep(0.02)
    raise NotReady(f"{process.args!r} was not ready within {READY_WITHIN:g} s:\n{_tail(log)}")


def free_port() -> int:
    """A loopback port that was free a moment ago, for servers that cannot be asked for any free one."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]
