"""When battlectl is ended: anywhere in its life, and where something has just been written down.

Rule: a moment is drawn from the seed and its number alone. Half of them are times, from the start of the
process to after its end; the others follow a line of faults.jsonl, because what lies between two lines (what
is to be done is on the disk, and is done or not) is too short for any time to hit.
"""

from __future__ import annotations

import random
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

LOOK_EVERY = 0.0005
PAUSES = (0.0, 0.002, 0.02, 0.2)
"""Most seconds that pass after a line."""
AFTER_THE_END = 0.3
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Life:
    """Of an undisturbed run: seconds from its start to its end, and lines in its faults.jsonl."""

    seconds: float
    lines: int


@dataclass(frozen=True, slots=True)
class Moment:
    """`pause` seconds after the process began or, with `line`, after faults.jsonl had so many lines."""

    pause: float
    line: int | None = None

    def __str__(self) -> str:
        if self.line is None:
            return f"at {self.pause:.3f} s"
        return f"{self.pause * 1e3:.1f} ms after line {self.line}"


def draw_moment(seed: int, name: str, number: int, life: Life) -> Moment:
    """The moment of one run."""
    chance = random.Random(f"{seed}/{name}/{number}")
    if chance.random() < 0.5:
        return Moment(chance.uniform(0, life.seconds + AFTER_THE_END))
    return Moment(chance.uniform(0, chance.choice(PAUSES)), chance.randint(1, life.lines))


def wait_for(moment: Moment, process: subprocess.Popen[str], journals: set[Path], results: Path) -> bool:
    """Return at the moment; False when the process has ended before. `journals` were there before."""
    began, due = time.monotonic(), None if moment.line else time.monotonic() + moment.pause
    while due is None or time.monotonic() < due:
        if process.poll() is not None:
            return False
        assert time.monotonic() < began + PATIENCE, "the run does not end"
        if due is None and moment.line is not None and _lines(results, journals) >= moment.line:
            due = time.monotonic() + moment.pause
        time.sleep(LOOK_EVERY)
    return process.poll() is None


def journals_in(results: Path) -> set[Path]:
    """Every faults.jsonl there is."""
    return set(results.glob("*/*/faults.jsonl"))


def _lines(results: Path, before: set[Path]) -> int:
    return sum(path.read_bytes().count(b"\n") for path in journals_in(results) - before)
