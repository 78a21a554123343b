"""`battlectl learn-breaker`: from a run to a line of config, which the same evidence then keeps."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from battlectl.analyse.breakers.learned import learn
from battlectl.analyse.checks.breaker import check_breaker
from battlectl.analyse.faults.known import know
from battlectl.commands.learn_breaker import render_breaker
from battlectl.plan.routing import BreakerFrame
from battlectl.scenario.parse_target import parse_target
from tests.analyse.breakers.test_breaker import GOING_ON, SOUND, under


def test_what_is_learnt_is_kept_by_what_it_was_learnt_from():
    evidence = under(SOUND, promised=None)
    learned = learn(know(evidence)).breaker
    assert learned == BreakerFrame(failures=5, recovery=learned.recovery, half_open=1)
    assert learned.recovery is not None
    assert 3.8 <= learned.recovery <= 4.0
    again = replace(evidence, frame=replace(evidence.frame, breaker=learned))
    assert check_breaker(again).verdict.value == "pass"


def test_what_is_written_can_be_read():
    text = render_breaker(BreakerFrame(failures=5, recovery=3.9, half_open=1))
    assert text == "breaker: {failures: 5, recovery: 3.9s, half_open: 1}"
    target = parse_target(f"version: 1\nurl: http://127.0.0.1:1\n{text}\n", "t.yml", {}).target
    assert target.breaker is not None
    assert (target.breaker.failures, target.breaker.recovery) == (5, 3.9)


def test_of_one_that_never_opens_nothing_is_learnt():
    learned = learn(know(under(GOING_ON, promised=None)))
    assert render_breaker(learned.breaker) == ""
    assert learned.words == ("it was never left alone while its provider failed",)


@pytest.mark.real
def test_the_breaker_of_the_lab_is_learnt(desk):
    ran = desk.battlectl("learn-breaker", "--target", "lab", "--for", "5s", "--results", desk.results)
    assert ran.code == 0, f"{ran.out}\n{ran.err}"
    learned = yaml.safe_load(ran.out)["breaker"]
    assert 3 <= learned["failures"] <= 4
    assert learned.get("half_open", 1) <= 2
