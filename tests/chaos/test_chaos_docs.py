"""docs/chaos.md says what is so: its config files are right, its options exist, its commands work."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from battlectl import cli_chaos
from battlectl.chaos.drivers import DRIVERS
from battlectl.cli import app
from battlectl.scenario.parse_target import parse_target
from tests.cli.command import Desk
from tests.lab.test_lab_verbs import lab

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "chaos.md").read_text()
CONFIGS = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^\$ battlectl (.*)$", TEXT, re.MULTILINE)
SECRETS = {"LAB_TOKEN": "letmein", "ADMIN_TOKEN": "letmein"}
VERBS = {
    "heal": typer.main.get_command(app).commands["heal"],
    **typer.main.get_command(cli_chaos.app).commands,
}


def test_every_driver_has_a_config_file_that_can_be_read():
    chaos = [parse_target(text, "docs/chaos.md", SECRETS).target.chaos for text in CONFIGS]
    assert sorted(one.driver for one in chaos if one is not None) == sorted(DRIVERS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_is_in_it(verb):
    options = {name for option in VERBS[verb].params for name in option.opts if name.startswith("--")}
    assert [name for name in sorted(options - {"--help"}) if f"`{name}" not in TEXT] == []


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\]\(([a-z-]+\.md)\)", TEXT))))
def test_what_it_points_to_is_there(name):
    assert (ROOT / "docs" / name).is_file()


@pytest.mark.real
def test_its_commands_work_in_their_order(tmp_path):
    desk = Desk(tmp_path)
    with lab(desk, "up", "--admin-port", "0") as ready:
        for command in COMMANDS:
            words = shlex.split(re.sub(r"--for \S+", "--for 2s", command))
            there = ["--admin", ready["admin_url"]] if words[0] == "chaos" else []
            ran = desk.battlectl(*words, *there)
            assert (ran.code, ran.err) == (0, ""), (command, ran)
    assert len(COMMANDS) >= 7
