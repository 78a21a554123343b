"""Each verb works in an interpreter that has imported nothing: other tests fork one that has: warm.py."""

import pytest
import typer.main

from battlectl.cli import app
from tests.cli.command import crashed, finish
from tests.cli.in_short import file_of

pytestmark = pytest.mark.real
NOWHERE = ("--admin", "http://127.0.0.1:1")
VERBS = {
    "run": (("run", "reads.yml"), 0),
    "validate": (("validate", "reads.yml"), 0),
    "plan": (("plan", file_of("provider-failover")), 0),
    "report": (("report", "results/latest"), 0),
    "schema": (("schema", "scenario"), 0),
    "init": (("init", "new"), 0),
    "faults": (("faults", "kill"), 0),
    "heal": (("heal",), 0),
    "learn-breaker": (("learn-breaker", "--target", "target.yml"), 2),
    "lab": (("lab", "status", *NOWHERE), 4),
    "chaos": (("chaos", "status", *NOWHERE), 4),
}
"""Verb -> words, and the exit code of these."""


def test_each_verb_works_from_cold(desk, echo):
    desk.target(echo.url)
    desk.scenario()
    for words, code in VERBS.values():
        ran = finish(desk.start(*words))
        assert (ran.code, crashed(ran)) == (code, False), (words, ran)


def test_none_is_left_out():
    assert set(typer.main.get_command(app).commands) == set(VERBS)
