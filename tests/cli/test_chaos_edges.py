"""Faults at the edges of a run and of each other: windows are those of the plan, no verdict says too much.

Rule: each is a run of a few seconds on the lab, judged by report.json alone: where its windows lie, whether
its faults are proven and if not why, and what the verdict stands on.
"""

from pathlib import Path

import pytest

from tests.cli.command import crashed

pytestmark = pytest.mark.real
LAB = Path(__file__).parents[2] / "config" / "lab.yml"
HELD = ["success_rate == 100%"]
WARMUP = "1s"


def battle(desk, *chaos, last="5s", objectives=HELD, warmup=WARMUP, **more):
    """What came of a run with these faults: exit code, report, and what was said."""
    phases = {"warmup": warmup, "battle": last} if warmup else {"battle": last}
    scenario = desk.scenario(
        phases=phases,
        load={"reads": {"rate": "100/s", "timeout": "5s", "calls": ["eth_blockNumber", "eth_gasPrice"]}},
        chaos=list(chaos),
        objectives=objectives,
        **more,
    )
    ran = desk.run(scenario, target=LAB)
    assert not crashed(ran), ran.err
    return ran


def windows(report):
    """The windows of faults: where each begins and ends."""
    named = {window["name"]: window for window in report["windows"]}
    assert all(not window["gaps_s"] for window in named.values())
    return {
        name: (window["start_s"], window["end_s"])
        for name, window in named.items()
        if name == "baseline" or ":" in name
    }


def proofs(report):
    return {fault["name"]: fault["proof"] for fault in report["faults"]}


def reasons(report, name):
    """Why a fault is not confirmed, provider by provider."""
    (fault,) = (fault for fault in report["faults"] if fault["name"] == name)
    return [reason for provider in fault["providers"] for reason in provider["reasons"]]


def told(report, kind, verdict):
    """The findings of a kind with a verdict, by name."""
    return {
        f["name"]: f["summary"] for f in report["findings"] if (f["kind"], f["verdict"]) == (kind, verdict)
    }


def total(report, window):
    """All arrivals of a window by outcome."""
    (found,) = (one for one in report["windows"] if one["name"] == window)
    return found["workloads"]["reads"]["outcomes"]


def test_overlapping_faults_at_different_providers(desk):
    slow = {"degrade": {"provider": "provider_b", "latency": "200ms"}, "at": "3s", "for": "3s"}
    ran = battle(desk, {"kill": "provider_a", "at": "2s", "for": "2s"}, slow, last="6s")
    assert windows(desk.report) == {
        "baseline": (1.0, 2.0),
        "during:kill-provider_a": (2.0, 4.0),
        "recovery:kill-provider_a": (4.0, 7.0),
        "during:degrade-provider_b": (3.0, 6.0),
        "recovery:degrade-provider_b": (6.0, 7.0),
    }
    assert proofs(desk.report) == {"kill-provider_a": "confirmed", "degrade-provider_b": "confirmed"}
    assert (ran.code, desk.report["verdict"]) == (0, "pass")


def test_overlapping_faults_at_one_provider(desk):
    """The kill shows before the errors join it; after that nobody can say which kept calls away."""
    errors = {"http_5xx": "provider_a", "name": "errors", "at": "3500ms", "for": "2s"}
    ran = battle(desk, {"kill": "provider_a", "at": "2s", "for": "2500ms"}, errors, last="5500ms")
    assert windows(desk.report) == {
        "baseline": (1.0, 2.0),
        "during:kill-provider_a": (2.0, 4.5),
        "recovery:kill-provider_a": (4.5, 6.5),
        "during:errors": (3.5, 5.5),
        "recovery:errors": (5.5, 6.5),
    }
    assert proofs(desk.report) == {"kill-provider_a": "confirmed", "errors": "unproven"}
    assert "nothing of the load was" in reasons(desk.report, "errors")[0]
    assert (ran.code, desk.report["verdict"]) == (3, "inconclusive")
    assert told(desk.report, "objective", "pass").keys() == set(HELD)
    assert "errors at provider_a: unproven" in told(desk.report, "check", "inconclusive")["proof"]


def test_a_fault_that_begins_as_another_ends(desk):
    """What lies between the two has no length, so the first has no recovery."""
    hang = {"hang": "provider_b", "at": "4s", "for": "2s"}
    ran = battle(desk, {"kill": "provider_a", "at": "2s", "for": "2s"}, hang, last="6s")
    assert windows(desk.report) == {
        "baseline": (1.0, 2.0),
        "during:kill-provider_a": (2.0, 4.0),
        "during:hang-provider_b": (4.0, 6.0),
        "recovery:hang-provider_b": (6.0, 7.0),
    }
    assert proofs(desk.report) == {"kill-provider_a": "confirmed", "hang-provider_b": "confirmed"}
    assert (ran.code, desk.report["verdict"]) == (0, "pass")


def test_a_fault_longer_than_the_run(desk):
    objectives = [*HELD, "recovery_time(kill-provider_a) < 3s"]
    ran = battle(desk, {"kill": "provider_a", "at": "2s", "for": "10min"}, last="4s", objectives=objectives)
    assert windows(desk.report) == {"baseline": (1.0, 2.0), "during:kill-provider_a": (2.0, 5.0)}
    (fault,) = desk.report["faults"]
    assert (fault["until_s"], fault["proof"]) == (5.0, "confirmed")
    assert fault["providers"][0]["healed_s"] >= 5.0
    assert (ran.code, desk.report["verdict"]) == (0, "pass")


def test_a_fault_that_begins_when_the_run_is_nearly_over(desk):
    ran = battle(desk, {"kill": "provider_a", "at": "4900ms", "for": "10s"}, last="4s")
    assert windows(desk.report) == {"baseline": (1.0, 4.9), "during:kill-provider_a": (4.9, 5.0)}
    assert proofs(desk.report) == {"kill-provider_a": "unproven"}
    assert (ran.code, desk.report["verdict"]) == (3, "inconclusive")
    assert "kill-provider_a at provider_a" in told(desk.report, "check", "inconclusive")["proof"]


@pytest.mark.parametrize("warmup", [None, WARMUP], ids=["without warm-up", "in the warm-up"])
def test_a_fault_at_time_zero(desk, warmup):
    """There is no baseline then: what the load usually does at the provider is told from what came after."""
    ran = battle(desk, {"kill": "provider_a", "at": "0s", "for": "2s"}, last="6s", warmup=warmup)
    end = 7.0 if warmup else 6.0
    assert windows(desk.report) == {
        "during:kill-provider_a": (0.0, 2.0),
        "recovery:kill-provider_a": (2.0, end),
    }
    assert total(desk.report, "during:kill-provider_a") == {"ok": 200}
    assert proofs(desk.report) == {"kill-provider_a": "confirmed"}
    assert (ran.code, desk.report["verdict"]) == (0, "pass")


def test_a_flap_faster_than_it_can_be_detected(desk):
    """Clients see none of it, and no figure is made up of what is between two looks."""
    flap = {"flap": {"provider": "provider_a", "down": "400ms", "up": "300ms"}, "at": "2s", "for": "4s"}
    objectives = [*HELD, "detection_time(flap-provider_a) < 50ms"]
    ran = battle(desk, flap, last="6s", objectives=objectives)
    assert windows(desk.report) == {
        "baseline": (1.0, 2.0),
        "during:flap-provider_a": (2.0, 6.0),
        "recovery:flap-provider_a": (6.0, 7.0),
    }
    assert proofs(desk.report) == {"flap-provider_a": "confirmed"}
    assert told(desk.report, "objective", "pass").keys() == set(HELD)
    assert set(told(desk.report, "objective", "inconclusive")) == {"detection_time(flap-provider_a) < 50ms"}
    assert (ran.code, desk.report["verdict"]) == (3, "inconclusive")


ALL = {"kill": "all", "at": "2s", "for": "2s"}


def test_all_providers_down_at_once_is_refused_unless_the_scenario_wants_it(desk):
    ran = battle(desk, ALL)
    assert ran.code == 2
    assert "3 of 3 providers are down at 2s (kill-all), safety allows 2" in ran.err
    assert desk.runs == []


def test_all_providers_down_at_once(desk):
    """Each of them is proven dead; clients are told so at once, and well served before and after."""
    objectives = [
        "success_rate == 100% in baseline",
        "success_rate < 50% in during:kill-all",
        "success_rate >= 50% in recovery:kill-all",
        "outcomes.timeout == 0",
        "success_rate >= 99%",
    ]
    ran = battle(desk, ALL, last="6s", objectives=objectives, safety={"max_providers_down": 3})
    assert windows(desk.report) == {
        "baseline": (1.0, 2.0),
        "during:kill-all": (2.0, 4.0),
        "recovery:kill-all": (4.0, 7.0),
    }
    assert proofs(desk.report) == {"kill-all": "confirmed"}
    assert [one["proof"] for one in desk.report["faults"][0]["providers"]] == ["confirmed"] * 3
    assert total(desk.report, "during:kill-all").keys() == {"ok", "rpc_error(-32000)"}
    assert (ran.code, desk.report["verdict"]) == (99, "fail")
    assert told(desk.report, "objective", "fail").keys() == {"success_rate >= 99%"}
