"""Subscribers from the command line: what proves nothing is no pass, and the soak is what it says it is."""

import pytest

from tests.cli.command import Desk, load_of, read_report
from tests.cli.in_short import file_of, read, short_form

WANTED = {
    "soak-failover",
    "subscription-churn",
    "subscription-failover",
    "subscription-flapping",
    "subscription-forward-gap",
    "subscription-mixed",
    "subscription-reorg",
    "subscription-silent-stall",
}
OBJECTIVES = [
    "subscription.gaps == 0",
    "subscription.duplicates == 0",
    "subscription.uptime >= 99%",
    "subscription.stall.max < 1s",
    "subscription.stalls == 0",
    "subscription.delivery_delay.p50 < 5s",
]


@pytest.mark.parametrize("name", sorted(WANTED))
def test_it_is_there_and_holds_subscribers_to_every_block(name):
    scenario = read(name)
    assert "subscriptions" in scenario["tags"]
    assert any("subscribe" in workload for workload in scenario["load"].values())
    assert {"subscription.gaps == 0", "subscription.duplicates == 0"} <= set(scenario["objectives"])
    assert short_form(name)


def test_the_soak_forces_a_failover_every_fifteen_seconds_for_half_an_hour():
    scenario = read("soak-failover")
    assert scenario["phases"]["battle"] == "30min"
    first, second = scenario["chaos"]
    assert {first["times"], second["times"]} == {60}
    assert {first["every"], second["every"]} == {"30s"}
    assert (first["at"]["after"], second["at"]["after"]) == ("5s", "20s")
    assert "--set phases.battle=2min" in file_of("soak-failover").read_text()


BY_PRIORITY = {"providers": 3, "strategy": "priority"}


def fought(desk: Desk, load, phase, lab, objectives=OBJECTIVES, chaos=()):
    """Exit code and report of a run on a lab like this."""
    desk.write("config/here.yml", {"version": 1, "kind": "lab", "lab": lab})
    scenario = desk.scenario(
        target="here",
        phases={"battle": phase},
        load={**load_of(), **load},
        objectives=objectives,
        **({"chaos": list(chaos)} if chaos else {}),
    )
    ran = desk.run(scenario)
    assert len(desk.runs) == 1, ran
    return ran, read_report(desk.runs[0])


def verdicts(report):
    return {finding["name"]: finding["verdict"] for finding in report["findings"]}


@pytest.mark.real
def test_a_run_shorter_than_a_block_proves_nothing(desk):
    ran, report = fought(desk, {"heads": {"subscribe": "newHeads"}}, "2s", {"block_time": "30s"})
    assert ran.code == 3, ran
    found = verdicts(report)
    assert {found[objective] for objective in OBJECTIVES} == {"inconclusive"}
    assert found["continuity"] == "inconclusive"


@pytest.mark.real
def test_subscribers_without_an_event_prove_nothing(desk):
    """No log of any block is at this address."""
    nowhere = {"subscribe": {"logs": {"address": f"0x{'ee' * 20}"}}}
    ran, report = fought(desk, {"logs": nowhere}, "3s", {"block_time": "200ms"})
    assert ran.code == 3, ran
    found = verdicts(report)
    assert {found[objective] for objective in OBJECTIVES} == {"inconclusive"}


@pytest.mark.real
def test_under_subscribers_alone_the_fault_of_who_feeds_them_is_proven_and_that_of_another_is_not(desk):
    """The gateway hides both; the lab counts whose events they were."""
    desk.write(
        "config/here.yml", {"version": 1, "kind": "lab", "lab": {**BY_PRIORITY, "block_time": "200ms"}}
    )
    scenario = desk.scenario(
        target="here",
        phases={"battle": "12s"},
        load={"heads": {"subscribe": "newHeads", "clients": 3, "stall_after": "3s"}},
        chaos=[
            {"kill": "provider_a", "at": "3s", "for": "3s"},
            {"kill": "provider_c", "at": "8s", "for": "3s"},
        ],
        objectives=["subscription.gaps == 0", "subscription.duplicates == 0"],
    )

    ran = desk.run(scenario)
    assert ran.code == 3, ran
    faults = {fault["name"]: fault for fault in desk.report["faults"]}
    assert faults["kill-provider_a"]["proof"] == "confirmed", ran
    spare = faults["kill-provider_c"]
    assert spare["proof"] == "unproven", ran
    assert any("fed no subscriber" in reason for reason in spare["providers"][0]["reasons"]), ran
