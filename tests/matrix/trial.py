"""One battle of the matrix: a scenario against the lab, whose gateway may have a defect, and what was found.

Rule: a trial is the command that a user would type, in a process of its own; what it found is read from its
report. The generator's lag is forgiven: several trials run at once.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.cli.command import COMMAND, environment, read_report
from tests.cli.in_short import LENIENT, short_form_of

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "scenarios"
OWN = Path(__file__).parent / "scenarios"
"""Scenarios that only the matrix has a use for."""
ENDS_WITHIN = 240.0  # seconds
FORGIVEN = "generator.max_stream_lag=1s"
"""Beside the lag of requests, because several trials run at once."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A scenario by its path below scenarios/ or OWN, without the suffix, and what is changed in it."""

    scenario: str
    sets: tuple[str, ...] = ()
    lab: tuple[tuple[str, Any], ...] = ()

    @property
    def path(self) -> Path:
        """Of the scenario's file."""
        ours = OWN / f"{self.scenario}.yml"
        return ours if ours.exists() else SCENARIOS / f"{self.scenario}.yml"

    @property
    def words(self) -> list[str]:
        """What is said on the command line besides, the short form first."""
        sets = (FORGIVEN, *self.sets)
        return [*short_form_of(self.path), *LENIENT, *(word for one in sets for word in ("--set", one))]


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a trial; the report is None where there is none."""

    code: int
    said: str
    report: dict[str, Any] | None = field(repr=False)


def run_trial(trial: Trial, folder: Path, defects: Sequence[str] = (), seed: int | None = None) -> Ran:
    """Run it in a folder of its own, in its short form where it has one."""
    folder.mkdir(parents=True)
    path = trial.path
    target = _target(path, folder, trial, defects, seed)
    words = [*trial.words, *([] if seed is None else ["--set", f"seed={seed}"])]
    results = folder / "results"
    ran = subprocess.run(
        [*COMMAND, "run", str(path), "--target", str(target), "--results", str(results), *words],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=ENDS_WITHIN,
        check=False,
    )
    runs = [path.parent for path in results.glob("*/*/report.json") if path.parts[-3] != "latest"]
    return Ran(ran.returncode, ran.stdout + ran.stderr, read_report(runs[0]) if len(runs) == 1 else None)


def _target(path: Path, folder: Path, trial: Trial, defects: Sequence[str], seed: int | None) -> Path:
    """The scenario's own target, which is a lab, with the defects planted."""
    named = yaml.safe_load(path.read_text())["target"]
    document = yaml.safe_load((ROOT / "config" / f"{named}.yml").read_text())
    assert document["kind"] == "lab", f"{path}: defects can be planted in the lab alone"
    document["lab"] |= dict(trial.lab)
    if defects:
        document["lab"]["defect"] = list(defects)
    if seed is not None:
        document["lab"]["seed"] = seed
    target = folder / "target.yml"
    target.write_text(yaml.safe_dump(document))
    return target
