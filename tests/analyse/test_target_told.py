"""Faults that are an order to the target: the provider lives, and the target itself counts what it sends."""

from __future__ import annotations

import pytest

from battlectl.analyse.faults.breaker import timelines
from battlectl.analyse.objectives import judge_objective
from tests.analyse.faulted import faulted, injection

KILL = injection(name="kill")
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
