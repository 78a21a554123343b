"""One run of battlectl with faults, in a process of its own, and what its report says.

Rule: battlectl knows the target by its config file alone, and `attribution: {}` lets no reply say who served
it: what it concludes comes from the providers' counters and from what its clients saw.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import yaml

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.amplification import amplification, requests_sent
from battlectl.analyse.faults.breaker import timelines
from battlectl.report.document import read_evidence

ENDS_WITHIN = 90.0


@dataclass(frozen=True, slots=True)
class Fought:
    """`document` is report.json, `evidence` the same as values."""

    code: int
    printed: str
    document: dict[str, Any]
    evidence: Evidence

    def fault(self, name: str) -> dict[str, Any]:
        """What the report says of a fault."""
        return next(fault for fault in self.document["faults"] if fault["name"] == name)

    def breaker(self, provider: str) -> dict[str, Any]:
        """And of a provider's breaker."""
        return next(one for one in self.document["breakers"] if one["provider"] == provider)

    def begun(self, name: str) -> float:
        """When a fault was injected, in seconds from the start of the run."""
        deeds = self.evidence.campaign.deeds
        return next(d.t for d in deeds if (d.fault, d.action, d.stage) == (name, "inject", "done"))

    def left_alone(self, provider: str) -> list[tuple[float, float]]:
        """From when to when no attempt of the load came: as a breaker's changes tell it, trials between."""
        line = next(line for line in timelines(self.evidence) if line.provider == provider)
        found: list[tuple[float, float]] = []
        since: float | None = None
        for change in line.changes:
            if since is not None and change.state in ("tried", "closed"):
                found.append((since, change.earliest))
                since = None
            if change.state in ("opened", "tried"):
                since = change.latest
        return found if since is None else [*found, (since, line.seen_until)]

    def more_calls(self) -> tuple[int, float]:
        """Attempts beyond one for each request of the run, at least and at most."""
        run = self.evidence.frame.run
        sent, attempts = requests_sent(self.evidence, run), amplification(self.evidence, run)
        assert attempts.least is not None, attempts.words
        most = inf if attempts.most == inf else round(attempts.most * sent) - sent
        return round(attempts.least * sent) - sent, most


def fight(scenario: dict[str, Any], target: dict[str, Any], folder: Path) -> Fought:
    """Run it with its files in `folder`."""
    (folder / "scenario.yml").write_text(yaml.safe_dump(scenario, sort_keys=False))
    (folder / "target.yml").write_text(yaml.safe_dump({"version": 1, "kind": "generic", **target}))
    command = [sys.executable, "-m", "battlectl", "run", "scenario.yml", "--target", "target.yml"]
    ended = subprocess.run(command, cwd=folder, timeout=ENDS_WITHIN, capture_output=True, text=True)
    printed = ended.stdout + ended.stderr
    report = folder / "results" / "latest" / "report.json"
    assert report.is_file(), f"no report ({ended.returncode}):\n{printed}"
    document = json.loads(report.read_bytes())
    return Fought(ended.returncode, printed, document, read_evidence(document))
