"""Faults that are an order to the target: the provider lives, and the target itself counts what it sends."""

from __future__ import annotations

import pytest

from battlectl.analyse.faults.breaker import timelines
from battlectl.analyse.faults.proof import prove_faults
from battlectl.analyse.objectives import judge_objective
from tests.analyse.faulted import faulted, injection

KILL = injection(name="kill")
UP = "new:ok@19 kept:ok@19 new:ok@20.2-30 kept:ok@20.2-30 new:ok@30.2"
USED = "a:10@0-20 a:0@20-30 a:10@30-40 b:10@0-20 b:20@20-30 b:10@30-40"


def test_a_provider_that_the_target_was_told_to_leave_alone_is_out_for_sure():
    line = timelines(faulted(KILL, counts=USED, driver="haproxy"))[0]
    assert [(c.state, c.earliest, c.latest, c.is_sure) for c in line.changes] == [
        ("opened", 19.75, 20.0, True),
        ("closed", 30.0, 30.25, True),
    ]
    assert line.dark == ()


@pytest.mark.parametrize("objective", ["opens == 1", "closes == 1", "time_open < 10.6s", "time_open > 9.4s"])
def test_its_figures_are_observable(objective):
    evidence = faulted(KILL, counts=USED, driver="haproxy", objectives=[f"breaker(a).{objective}"])
    assert judge_objective(evidence.frame.objectives[0], evidence, True).verdict == "pass"


def test_an_order_that_is_no_order_to_leave_it_alone_says_nothing():
    slow = injection("http_5xx", name="kill")
    line = timelines(faulted(slow, counts=USED, driver="http"))[0]
    assert [change.is_sure for change in line.changes] == [False, False]


@pytest.mark.parametrize("stopped_at", ["24", "24.6"])
def test_one_that_is_left_alone_from_the_middle_on_is_not_confirmed(stopped_at):
    counts = f"a:10@0-{stopped_at} a:0@{stopped_at}-30 a:10@30-40 b:10@0-40"
    [proof] = prove_faults(faulted(injection(), driver="haproxy", probes=UP, counts=counts))
    assert (proof.verdict, "nothing shows that the target left it alone" in proof.reasons[0]) == (
        "unproven",
        True,
    )


@pytest.mark.parametrize(
    ("served", "verdict"),
    [
        ("a:10@0-20 b:10@0-20 b:20@20-30 a:10@30-40 b:10@30-40", "confirmed"),
        ("a:10@0-20 b:10@0-20 a:10@20-25 b:10@20-25 b:20@25-30 a:10@30-40 b:10@30-40", "unproven"),
        ("a:10@0-20 b:10@0-20 b:20@20-25 a:10@25-30 b:10@25-30 a:10@30-40 b:10@30-40", "unproven"),
        ("a:10@0-40 b:10@0-40", "unproven"),
        ("b:20@0-40", "unproven"),
        ("", "unproven"),
    ],
    ids=["to the end", "from the middle on", "to the middle", "not at all", "never asked", "nobody named"],
)
def test_where_nothing_counts_calls_the_replies_say_whether_it_was_left_alone(served, verdict):
    (proof,) = prove_faults(faulted(injection(), driver="http", probes=UP, served=served))
    assert proof.verdict == verdict, proof
    assert ("left it alone" in " ".join(proof.reasons)) == (verdict != "confirmed")
