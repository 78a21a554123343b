"""The files in scenarios/ that break providers, run in the short form that each of them gives at its top.

Rule: the short form is the file itself under the overrides in its own comment, so that what CI runs is what a
reader can paste. Only the generator's lag is forgiven: the machine of a test may be busy.
"""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.cli.command import Desk, Ran, read_report

SCENARIOS = Path(__file__).parents[2] / "scenarios"
LENIENT = ("--set", "generator.max_lag=1s")
FORGIVEN = 120.0  # seconds: a run of ten, on a machine where everything takes long


def chaotic() -> list[str]:
    """The names of all scenarios with faults."""
    return [path.stem for path in sorted(SCENARIOS.glob("*.yml")) if "chaos" in read(path.stem)]


@cache
def read(name: str) -> dict[str, Any]:
    """A scenario as it is written."""
    document: dict[str, Any] = yaml.safe_load(file_of(name).read_text())
    return document


def file_of(name: str) -> Path:
    return SCENARIOS / f"{name}.yml"


def short_form(name: str) -> list[str]:
    """The overrides in the comment at the top of a scenario, as words of a command."""
    return short_form_of(file_of(name))


def short_form_of(path: Path) -> list[str]:
    """The same of a file; none where it says nothing of a short form."""
    lines = re.findall(r"^#   (--set .+)$", path.read_text(), re.MULTILINE)
    return [word for line in lines for word in shlex.split(line)]


def run_in_short(desk: Desk, name: str, target: Path | str, *more: str) -> tuple[Ran, dict[str, Any]]:
    """Run it at a target; what was said, and its report."""
    desk.folder.mkdir(exist_ok=True)
    words = ["--target", target, "--results", desk.results, *short_form(name), *LENIENT, *more]
    ran = desk.battlectl_within(FORGIVEN, "run", file_of(name), *words)
    assert len(desk.runs) == 1, f"{ran.out}\n{ran.err}"
    return ran, read_report(desk.runs[0])
