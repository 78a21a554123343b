"""Run one command on one core and say what it cost.

Rule: processor time is what the kernel billed to the process and to all children that it waited for
(`wait4`), so that no generator can hide work in a helper. A run that does not end is killed with its own
process group.
"""

import os
import re
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

BEYOND = 60.0  # seconds that a generator may take longer than its load


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended, what it printed, what it cost.

    `peak_bytes` is the most memory that it had resident itself, 0 where the system does not tell.
    """

    code: int
    output: str
    cpu_seconds: float
    peak_bytes: int = 0


def run_pinned(command: Sequence[object], core: int, seconds: float, folder: Path) -> Finished:
    """Run in `folder`, with output and errors together; raises RuntimeError when it hangs."""
    log = folder / "output.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: _pin(core),
        )
        cpu_seconds, peak_bytes = _wait(process, time.monotonic() + seconds + BEYOND)
    return Finished(process.returncode, log.read_text(errors="replace"), cpu_seconds, peak_bytes)


def _wait(process: subprocess.Popen[bytes], deadline: float) -> tuple[float, int]:
    peak = 0
    while True:
        peak = _peak(process.pid) or peak
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)  # or Popen would wait for it again
            return usage.ru_utime + usage.ru_stime, peak
        if time.monotonic() > deadline:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise RuntimeError(f"{process.args!r} did not end")
        time.sleep(0.05)


def _peak(pid: int) -> int:
    """Of the program alone: what `wait4` says has that of the process it was forked from in it."""
    status = Path(f"/proc/{pid}/status")
    found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) * 1024 if found else 0


def _pin(core: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
