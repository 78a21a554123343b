"""The matrix in short: eight defects are named, three sound gateways are not; all of it can be planned."""

from __future__ import annotations

import pytest

from battlectl.commands.prepare import prepare
from battlectl.lab.gateway.defects.table import DEFECTS
from tests.matrix.__main__ import fight
from tests.matrix.incidents import INCIDENTS, OF_THE_TOOL
from tests.matrix.rows import FAILURES
from tests.matrix.table import CANNOT_SHOW, TRIALS, detections, on_the_lab, soundness
from tests.matrix.trial import OWN, SCENARIOS, Trial

NAMED = (
    "gives-up-after-one",
    "batch-fails-whole",
    "error-code-changed",
    "writes-repeated",
    "gap-not-filled",
    "breaker-never-opens",
    "head-goes-back",
    "sticky-to-first",
)
SOUND = ("provider-failover", "subscription-failover", "error-normalisation")
PUBLIC = {path.stem for path in (SCENARIOS / "incidents").glob("*.yml")}


def test_every_defect_has_a_trial_or_a_reason_why_not():
    assert set(TRIALS) | set(CANNOT_SHOW) == set(DEFECTS)
    assert not set(TRIALS) & set(CANNOT_SHOW)
    assert all(len(reason.split()) > 5 for reason in CANNOT_SHOW.values())


def test_every_incident_has_a_defect_that_it_refutes_or_is_about_the_tool():
    assert set(INCIDENTS) | set(OF_THE_TOOL) == PUBLIC
    assert set(INCIDENTS.values()) <= set(DEFECTS)


def test_every_scenario_of_the_matrix_alone_is_used():
    used = {trial.scenario for trial in TRIALS.values()}
    assert {path.stem for path in OWN.glob("*.yml")} <= used


@pytest.mark.parametrize("trial", sorted(set(TRIALS.values()), key=str), ids=lambda trial: trial.scenario)
def test_a_trial_is_valid_and_can_be_planned(trial: Trial):
    sets = trial.words[1::2]
    assert trial.words[0::2] == ["--set"] * len(sets)
    prepared = prepare(trial.path, sets, None)
    assert prepared.target.kind == "lab"
    assert prepared.plan.frame.duration <= 20, "all of them have to be fought in three quarters of an hour"


@pytest.mark.real
@pytest.mark.parametrize("name", [*NAMED, *(f"{name}@1" for name in SOUND)])
def test_in_short_defects_are_named_and_sound_gateways_are_not(name: str):
    jobs = detections() | soundness([1])
    (row,) = fight({name: jobs[name]}, at_once=1)
    assert row.fate not in FAILURES, row


def test_the_short_form_names_what_there_is():
    assert set(NAMED) <= set(TRIALS)
    assert set(SOUND) <= set(on_the_lab())
    assert len({DEFECTS[name].area for name in NAMED}) >= 7
