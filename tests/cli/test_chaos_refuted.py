"""The same scenarios refute an aggregator that is worse: what always passes would prove nothing.

Rule: the short form is that of the lab, and what fails is the objective that was written for the defect.
"""

import pytest

from tests.cli.in_short import run_in_short
from tests.cli.lesser import NO_BREAKER, dishonest_front, lesser_gateway

pytestmark = pytest.mark.real


def failed(report):
    """The objectives that did not hold."""
    return {f["name"] for f in report["findings"] if f["kind"] == "objective" and f["verdict"] == "fail"}


def proofs(report):
    return {fault["proof"] for fault in report["faults"]}


def refute(desk, name, is_expected, proven=None, **worse):
    """Such a gateway fails as expected, and the fault `proven` (or every one) is proven there as well."""

    with lesser_gateway(desk, **worse) as target:
        ran, report = run_in_short(desk, name, target)
    assert (ran.code, report["verdict"]) == (99, "fail"), f"{ran.out}\n{ran.err}"
    found = {f["proof"] for f in report["faults"] if proven in (None, f["name"])}
    assert found == {"confirmed"}, ran.out
    assert is_expected(failed(report)), failed(report)


def test_failover_refutes_one_that_asks_only_once(desk):
    refute(desk, "provider-failover", {"success_rate == 100%"}.issubset, attempts=1)


def test_flapping_refutes_one_that_neither_asks_again_nor_leaves_the_dead_alone(desk):
    broken = {"success_rate >= 99.5%", "success_rate >= 99.5% in during:kill-any"}
    hammering = {"breaker": NO_BREAKER, "strategy": "round-robin"}
    refute(desk, "flapping-under-load", broken.issubset, attempts=1, **hammering)


def test_degraded_refutes_one_that_hands_out_in_turn(desk):
    broken = {"latency.p90 < 250ms in during:degrade-provider_b"}
    refute(desk, "degraded-provider", broken.__eq__, strategy="round-robin")


def test_cold_start_refutes_one_that_never_converges(desk):
    """The kill before any load has little of it to show itself in; the slow provider is what matters."""
    broken = {"latency.p90 < 250ms in settled"}
    refute(desk, "cold-start", broken.__eq__, proven="degrade-provider_b", strategy="round-robin")


def test_a_rate_limit_storm_refutes_one_that_keeps_asking_who_asked_for_rest(desk):
    hasty = {"rate_limit_s": 0.001, "longest_rate_limit_s": 0.001, "strategy": "round-robin"}
    broken = {"amplification < 1.2 in during:hidden", "amplification < 1.2 in during:storm"}
    refute(desk, "rate-limit-storm", broken.__eq__, **hasty)


def test_a_correlated_outage_refutes_one_that_asks_only_twice(desk):
    broken = {"success_rate == 100%"}
    refute(desk, "correlated-outage", broken.issubset, attempts=2, strategy="round-robin")


def test_a_total_outage_refutes_one_that_answers_from_nowhere(desk, echo):
    with dishonest_front(desk, echo.url) as target:
        ran, report = run_in_short(desk, "total-outage", target)
    assert (ran.code, report["verdict"]) == (99, "fail"), f"{ran.out}\n{ran.err}"
    assert failed(report) == {"success_rate < 20% in during:blackout"}
    assert proofs(report) == {"unproven"}  # The load never depended on any of these providers.
