"""The processes of a lab: started, waited for, watched, ended.

Rule: who starts a process ends it, on every way out, within END_SECONDS, first politely. The children
run in a session of their own, out of reach of the terminal's Ctrl-C, and end by themselves when
their stdin closes, so that not even a SIGKILLed parent leaves any behind. Settings go through stdin,
because other users can read a command line, and settings hold tokens and keys.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

import trio

from battlectl.lab.spec import LabError

READY_SECONDS = 20.0
END_SECONDS = 5.0
POLITE_SECONDS = 3.0
STDERR_TAIL = 2_000


@dataclass(frozen=True, slots=True)
class Child:
    """A started process and the file that its stderr goes to, so that no pipe can fill up."""

    name: str
    process: trio.Process
    stderr: IO[bytes]


async def spawn(name: str, children: list[Child]) -> Child:
    """A process that waits for its settings; it is among `children` as soon as it runs."""
    stderr = tempfile.TemporaryFile()  # noqa: SIM115 (closed in end_all, after the process)
    command = [sys.executable, "-m", "battlectl.lab", name, "--settings", "-"]
    with trio.CancelScope(shield=True):  # a process that was started must not be lost between two lines
        process = await trio.lowlevel.open_process(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True
        )
        children.append(Child(name, process, stderr))
    return children[-1]


async def make_ready(child: Child, settings: dict[str, Any]) -> dict[str, Any]:
    """Tell a process what to be; its ready line, or LabError when it ends or takes too long instead."""
    assert child.process.stdin is not None
    with suppress(trio.BrokenResourceError):  # it has ended: what it said instead of being ready tells more
        await child.process.stdin.send_all(json.dumps(settings).encode() + b"\n")
    return await _ready(child)


async def end_all(children: list[Child]) -> None:
    """Nobody is left when this returns, and it returns soon whatever the children do."""
    with trio.CancelScope(shield=True), trio.move_on_after(END_SECONDS):
        async with trio.open_nursery() as nursery:
            for child in children:
                nursery.start_soon(_end, child)
    for child in children:
        child.stderr.close()


async def first_end(children: list[Child]) -> str:
    """Wait until one of them ends by itself, and say how."""
    ended: list[Child] = []

    async def wait(child: Child, scope: trio.CancelScope) -> None:
        await child.process.wait()
        ended.append(child)
        scope.cancel()

    async with trio.open_nursery() as nursery:
        for child in children:
            nursery.start_soon(wait, child, nursery.cancel_scope)
    return _why_over(ended[0])


def said_by(child: Child) -> str:
    """The end of what a process has written to stderr."""
    size = child.stderr.seek(0, 2)
    child.stderr.seek(max(0, size - STDERR_TAIL))
    return child.stderr.read().decode(errors="replace").strip()


async def _ready(child: Child) -> dict[str, Any]:
    """The ready line, or LabError with what the process said instead."""
    line = b""
    with trio.move_on_after(READY_SECONDS):
        line = await _first_line(child.process)
    try:
        ready: dict[str, Any] = json.loads(line)
    except ValueError:
        raise LabError(_why_not_ready(child)) from None
    return ready


async def _first_line(process: trio.Process) -> bytes:
    """What the process says up to its first newline, or all it said once it has ended without one."""
    line = b""
    assert process.stdout is not None
    async for data in process.stdout:
        line += data
        if b"\n" in data:
            return line
    await process.wait()
    return line


def _why_not_ready(child: Child) -> str:
    """One that ended has said itself what to try; one that hangs has not."""
    code = child.process.poll()
    if code is not None:
        return f"the lab's {child.name} {_ending(code)}: {_words(child)}"
    late = f"the lab's {child.name} did not become ready within {READY_SECONDS:g} s: {_words(child)}"
    return f"{late}\ntry again when the machine is less busy, or fewer providers"


def _why_over(child: Child) -> str:
    code = child.process.returncode
    assert code is not None, "asked of a process that is still running"
    return f"the lab's {child.name} {_ending(code)} while the lab was up: {_words(child)}"


def _ending(code: int) -> str:
    """A negative code is the signal that killed the process, which not every Python knows by name."""
    names = {-number: number.name for number in signal.Signals}
    return (
        f"ended with exit code {code}" if code >= 0 else f"was killed by {names.get(code, f'signal {-code}')}"
    )


def _words(child: Child) -> str:
    return said_by(child) or "it said nothing on stderr"


async def _end(child: Child) -> None:
    process = child.process
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            await trio.aclose_forcefully(stream)
    process.terminate()
    with trio.move_on_after(POLITE_SECONDS):
        await process.wait()
    process.kill()  # a stopped process ignores everything else; one that has ended ignores this
    await process.wait()
