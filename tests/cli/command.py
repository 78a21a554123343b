"""battlectl as a child process: files to give it, and what it said.

Rule: every child has an end; one that is only waited for is forked from a warm process (warm.py); its results
go to the test's own folder; its environment is ours plus what the test adds, without what would change its
output (a terminal's width, NO_COLOR).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cli.warm import Hung, Warm, finish_warm, start_warm

COMMAND = (sys.executable, "-m", "battlectl")
ENDS_WITHIN = 60.0  # seconds; generous, because two cores may be busy with other things
STEERING = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "BATTLECTL_DEBUG", "TERM")


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a command: its exit code as a shell would show it, and what it printed."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Desk:
    """A folder to work in: scenario and config files go in, results come out."""

    folder: Path

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def scenario(self, file: str = "reads.yml", /, **fields: Any) -> Path:
        """A scenario file: 20 requests in half a second, unless `fields` say otherwise."""
        return self.write(file, {**READS, **fields})

    def target(self, url: str, file: str = "target.yml", /, **fields: Any) -> Path:
        """A config file of a generic target."""
        return self.write(file, {"version": 1, "kind": "generic", "url": url, **READY, **fields})

    def write(self, name: str, content: Mapping[str, Any] | str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False))
        return path

    def run(self, *paths: Path | str, target: Path | None = None, **more: Any) -> Ran:
        """`battlectl run`, with the results in this folder."""
        chosen = () if target is None else ("--target", target)
        return self.battlectl("run", *paths, *chosen, "--results", self.results, **more)

    def battlectl(self, *words: Any, **environ: str) -> Ran:
        """Any battlectl command in this folder, from start to end; `environ` is added to the environment."""
        return self.battlectl_within(ENDS_WITHIN, *words, **environ)

    def battlectl_within(self, seconds: float, *words: Any, **environ: str) -> Ran:
        """The same, of a command that may take longer."""
        if any(name.startswith("PYTHON") for name in environ):  # Python reads these when it starts.
            return finish(self.start(*words, **environ), seconds)
        return finish_started(self.start_warm(*words, **environ), seconds)

    def start_warm(self, *words: Any, **environ: str) -> Warm:
        """A command that is not waited for, and whose beginning does not matter."""
        return start_warm([*map(str, words)], self.folder, environment(**environ))

    def start(self, *words: Any, **environ: str) -> subprocess.Popen[str]:
        """The same, not waited for; in a session of its own, so that signals reach it alone."""
        return subprocess.Popen(
            [*COMMAND, *map(str, words)],
            cwd=self.folder,
            env=environment(**environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @property
    def runs(self) -> list[Path]:
        """The folder of each run, in the order of their making."""
        found = (path for path in self.results.glob("*/*") if path.parent.name != "latest")
        return sorted(found, key=lambda path: path.stat().st_ctime_ns)

    @property
    def report(self) -> dict[str, Any]:
        """report.json of the one run."""
        (run,) = self.runs
        return read_report(run)


READY = {"ready": {"within": "2s"}}
READS: dict[str, Any] = {
    "version": 1,
    "name": "reads",
    "target": "target.yml",
    "phases": {"steady": "500ms"},
    "load": {"reads": {"rate": "40/s", "timeout": "1s", "calls": ["eth_blockNumber"]}},
    "objectives": ["success_rate >= 99%"],
    "generator": {
        "max_lag": "1s"
    },  # the machine of a test may be busy; that is not what these tests are about
}


def load_of(**workload: Any) -> dict[str, Any]:
    """The `load` of `READS` with other fields."""
    return {"reads": {**READS["load"]["reads"], **workload}}


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in STEERING}
    return {**kept, **more}


def finish(process: subprocess.Popen[str], within: float = ENDS_WITHIN) -> Ran:
    """Wait for a command; one that does not end is killed and fails the test."""
    try:
        out, err = process.communicate(timeout=within)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"battlectl did not end within {within:g} s:\n{out}\n{err}") from None
    return Ran(shell_code(process.returncode), out, err)


def finish_started(warm: Warm, within: float = ENDS_WITHIN) -> Ran:
    """The same for one of `Desk.start_warm`."""
    try:
        code, out, err = finish_warm(warm, within)
    except Hung as hung:
        raise AssertionError(f"battlectl did not end within {within:g} s:\n{hung}") from None
    return Ran(shell_code(code), out, err)


def shell_code(returncode: int) -> int:
    """What a shell shows: 128 plus the number of the signal that ended a process."""
    return returncode if returncode >= 0 else 128 - returncode


def read_report(run: Path) -> dict[str, Any]:
    """A stored report whose sums agree."""
    document: dict[str, Any] = json.loads((run / "report.json").read_bytes())
    check_sums(document)
    return document


def check_sums(document: Mapping[str, Any]) -> None:
    """Every arrival that was issued has exactly one outcome, in each place that counts them."""
    calls = document["record"]["calls"]
    for workload in document["workloads"]:
        ended = sum(sum(call[3].values()) for call in calls if call[0] == workload["name"])
        assert ended == workload["issued"] == document["record"]["issued"].get(workload["name"], 0)
    for window in document["windows"]:
        for cell in window["workloads"].values():
            assert cell["total"] == sum(cell["outcomes"].values())
            assert cell["ok"] == cell["outcomes"].get("ok", 0)


def crashed(ran: Ran) -> bool:
    """Whether a traceback reached the screen, or battlectl says that it crashed."""
    return "Traceback" in ran.out + ran.err or "battlectl crashed" in ran.err


SIGNALLED = {signal.SIGINT: 130, signal.SIGTERM: 143}
