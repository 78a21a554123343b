"""Every way battlectl ends, and the errors that are the user's to mend.

Rule: a `UserError` becomes tidy lines and an exit code, anything else that reaches the top is our bug.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """The process exit codes, as the README tables them."""

    PASS = 0
    CRASHED = 1
    USAGE = 2
    INCONCLUSIVE = 3
    NOT_READY = 4
    SAFETY = 5
    UNHEALED = 6
    FAILED = 99
    INTERRUPTED = 130
    TERMINATED = 143


PRECEDENCE: tuple[ExitCode, ...] = (
    ExitCode.UNHEALED,
    ExitCode.CRASHED,
    ExitCode.INTERRUPTED,
    ExitCode.TERMINATED,
    ExitCode.SAFETY,
    ExitCode.NOT_READY,
    ExitCode.USAGE,
    ExitCode.FAILED,
    ExitCode.INCONCLUSIVE,
    ExitCode.PASS,
)
"""Where several codes apply, the first in this order wins."""


def worst_exit(codes: Iterable[ExitCode]) -> ExitCode:
    """The code that wins among several; `PASS` only when every one of them is, and never for none."""
    present = set(codes)
    return next((code for code in PRECEDENCE if code in present), ExitCode.INCONCLUSIVE)


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file: where it is (1-based line and column), what is wrong, and a way out."""

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}"
        return _one_line(f"{where}: {self.path}: {self.message}" if self.path else f"{where}: {self.message}")


def _one_line(text: str) -> str:
    """What a file says must not steer the terminal that shows it."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class UserError(Exception):
    """Something the user can mend; shown without a traceback."""

    exit_code = ExitCode.USAGE


MOST_SHOWN = 200
"""A file with more mistakes than this is not a file that somebody wrote."""


class BadFile(UserError):
    """A scenario or config file with mistakes in it: all of them, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.file, p.line, p.column)))
        lines = [str(problem) for problem in self.problems[:MOST_SHOWN]]
        hidden = len(self.problems) - len(lines)
        super().__init__("\n".join([*lines, *([f"... and {hidden:,} more"] if hidden else [])]))


class NotReady(UserError):
    """The target, or what it stands on, did not answer before any load was sent."""

    exit_code = ExitCode.NOT_READY


class Unhealed(UserError):
    """A fault may still be in force and battlectl cannot end it: the first line says what to do."""

    exit_code = ExitCode.UNHEALED


class ResultsLost(UserError):
    """A run is over and its report cannot be written: nothing can be claimed of it."""

    exit_code = ExitCode.CRASHED
