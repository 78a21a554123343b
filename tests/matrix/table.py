"""Which scenario is to catch which defect, and which scenarios a sound gateway is to pass.

Rule: every defect that can be planted has a trial here or a reason why not, and every incident a defect that
it refutes; the kind of finding is what the defect itself declares. A scenario that cannot run on a lab is not
in the matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

import yaml

from battlectl.lab.gateway.defects.table import DEFECTS
from tests.matrix import trials_load, trials_routing, trials_streams, trials_views
from tests.matrix.incidents import INCIDENTS, OF_THE_TOOL
from tests.matrix.rows import Row, row_of_defect, row_of_sound
from tests.matrix.trial import OWN, ROOT, SCENARIOS, Trial, run_trial

Job = Callable[[Path], Row]

TRIALS: Mapping[str, Trial] = {
    **trials_load.TRIALS,
    **trials_routing.TRIALS,
    **trials_streams.TRIALS,
    **trials_views.TRIALS,
}
"""Defect -> what catches it."""

CANNOT_SHOW: Mapping[str, str] = {}
"""Defect -> why nothing that the lab can do shows it to anybody outside."""

NO_LAB = {"node-failure"}
"""Scenarios whose target is no lab."""


def detections() -> dict[str, Job]:
    """Name -> what runs it; an incident is named by its own name."""
    planted = {name: partial(detect, name, name, trial) for name, trial in TRIALS.items()}
    incidents = {
        incident: partial(detect, incident, defect, Trial(f"incidents/{incident}"))
        for incident, defect in INCIDENTS.items()
    }
    return planted | incidents | dict(OF_THE_TOOL)


def detect(subject: str, defect: str, trial: Trial, folder: Path) -> Row:
    """One defect under one scenario."""
    ran = run_trial(trial, folder, defects=[defect])
    return row_of_defect(subject, DEFECTS[defect].finding, trial.scenario, ran)


def soundness(seeds: Iterable[int]) -> dict[str, Job]:
    """Name -> what runs a sound gateway under one scenario with one seed."""
    return {
        f"{scenario}@{seed}": partial(endure, scenario, seed) for seed in seeds for scenario in on_the_lab()
    }


def endure(scenario: str, seed: int, folder: Path) -> Row:
    """A sound gateway under one scenario."""
    return row_of_sound(scenario, seed, run_trial(Trial(scenario), folder, seed=seed))


def on_the_lab() -> list[str]:
    """The scenarios whose target is a lab, by their path below scenarios/ or below the matrix's own."""
    found = []
    paths = [(home, path) for home in (SCENARIOS, OWN) for path in sorted(home.rglob("*.yml"))]
    for home, path in paths:
        name = path.relative_to(home).with_suffix("").as_posix()
        config = ROOT / "config" / f"{yaml.safe_load(path.read_text())['target']}.yml"
        known = yaml.safe_load(config.read_text()) if config.exists() else {}
        is_lab = known.get("kind") == "lab" and "relays" not in known.get("lab", {})
        if is_lab and name not in NO_LAB:
            found.append(name)
    return found
