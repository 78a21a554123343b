"""The scenarios that break providers hold in their short form on the lab, with every fault proven."""

import pytest

from tests.cli.command import Desk
from tests.cli.in_short import chaotic, file_of, read, run_in_short, short_form

WANTED = {
    "burst-during-maintenance",
    "cold-start",
    "correlated-outage",
    "degraded-provider",
    "flapping-under-load",
    "provider-failover",
    "rate-limit-storm",
    "total-outage",
}
BY_CHANCE = {"subscription-reorg-of-all": "the truth can tell nothing about"}
"""What a run may honestly find in one of ten: a tip that went between two looks at the chain."""
TRIES = 4
LONGEST_SHORT_FORM = 13.0  # seconds of load: all of them have to fit into CI


def test_all_of_them_are_there():
    assert set(chaotic()) >= WANTED


@pytest.mark.parametrize("name", chaotic())
def test_it_says_why_it_exists_and_can_be_chosen(name):
    scenario = read(name)
    assert len(scenario["description"].split()) >= 40, "why it exists, and what a good aggregator does"
    assert "chaos" in scenario["tags"]
    assert len(scenario["tags"]) >= 3
    assert short_form(name)[0::2] == ["--set"] * (len(short_form(name)) // 2) != []


@pytest.mark.parametrize("name", chaotic())
def test_its_objectives_look_into_windows(name):
    objectives = [str(objective) for objective in read(name)["objectives"]]
    assert any(" in " in text or "time(" in text for text in objectives), objectives


@pytest.mark.real
def test_the_plan_shows_what_is_broken_and_when(desk):
    planned = desk.battlectl("plan", *map(file_of, chaotic()))
    assert (planned.code, planned.err) == (0, "")
    for fault in (fault for name in chaotic() for fault in read(name)["chaos"]):
        (kind,) = fault.keys() - {"at", "for", "times", "every", "name"}
        assert kind in planned.out
    flapping = desk.battlectl("plan", file_of("flapping-under-load"))
    assert flapping.out.count("kill-any#") == 3  # Drawn from the seed, and shown.


@pytest.mark.real
@pytest.mark.parametrize("name", chaotic())
def test_it_holds_on_the_lab_and_every_fault_is_proven(desk, name):
    target = file_of(name).parents[1] / "config" / f"{read(name)['target']}.yml"

    for again in range(TRIES):
        ran, report = run_in_short(Desk(desk.folder / f"{again}"), name, target)
        if report["verdict"] != "inconclusive" or BY_CHANCE.get(name, "\0") not in ran.out:
            break
    check_held(name, ran, report)


def check_held(name, ran, report):
    """Proven and passed, within the time that CI has for it, and judged by every objective."""
    told = f"{ran.out}\n{ran.err}"
    (whole,) = (window for window in report["windows"] if window["name"] == "run")
    assert whole["end_s"] <= LONGEST_SHORT_FORM
    proofs = {fault["name"]: fault["proof"] for fault in report["faults"]}
    assert proofs, told
    assert set(proofs.values()) == {"confirmed"}, told
    assert (ran.code, report["verdict"]) == (0, "pass"), told
    objectives = [finding for finding in report["findings"] if finding["kind"] == "objective"]
    assert len(objectives) == len(read(name)["objectives"])
    assert all(finding["samples"] for finding in objectives)
