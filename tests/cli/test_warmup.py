"""A ranking that the warm-up gave the target holds when it is over; what no load met is not proven."""

from __future__ import annotations

import pytest

from tests.cli.command import Desk, read_report

pytestmark = pytest.mark.real
CALLS = {"timeout": "2s", "calls": ["eth_gasPrice"]}


def fought(desk: Desk, warmup: str, **load):
    """The code and the report of a run in which `provider_a` is the one that is not late."""
    scenario = desk.scenario(
        target="lab",
        phases={"warmup": warmup, "steady": "3s"},
        load={name: {**CALLS, **workload} for name, workload in load.items()},
        warmup_latencies={"provider_b": "150ms", "provider_c": "300ms"},
        objectives=["success_rate >= 99%"],
    )
    ran = desk.battlectl("run", scenario, "--results", desk.results, "--quiet")
    return ran.code, read_report(desk.runs[-1])


def test_who_was_fastest_in_the_warmup_gets_the_load_after_it(tmp_path):
    reads = {"http": {"strategy": "fastest"}, "rate": "40/s"}
    prime = {"http": {"strategy": "round-robin"}, "rate": "40/s", "phases": ["warmup"]}
    code, report = fought(Desk(tmp_path), "6s", reads=reads, prime=prime)
    assert [(one["name"], one["proof"]) for one in report["faults"]] == [
        ("warmup-provider_b", "confirmed"),
        ("warmup-provider_c", "confirmed"),
    ]
    assert (code, report["verdict"]) == (0, "pass")
    (after,) = (one for one in report["distribution"] if one["window"] == "recovery:warmup-provider_b")
    shares = {one["provider"]: one["share_ratio"] for one in after["providers"]}
    assert shares["provider_a"] > 0.8


def test_a_latency_that_no_load_met_is_not_proven_and_the_run_inconclusive(tmp_path):
    reads = {"http": {"provider": "provider_a"}, "rate": "40/s"}
    code, report = fought(Desk(tmp_path), "4s", reads=reads)
    assert {one["proof"] for one in report["faults"]} == {"unproven"}
    assert (code, report["verdict"]) == (3, "inconclusive")
