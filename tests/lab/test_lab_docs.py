"""docs/lab.md says what is so: every option is in it, and its examples do what they say."""

import json
import re
import subprocess
from pathlib import Path

import httpx
import pytest
import typer.main

from battlectl import cli_lab
from battlectl.commands.lab_text import ready_json
from tests.cli.command import Desk
from tests.lab.test_lab_command import LAB
from tests.lab.test_lab_verbs import lab

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "lab.md").read_text()
VERBS = typer.main.get_command(cli_lab.app).commands
CURL = re.compile(r"^\$ (curl (?:[^\n']|'[^']*')*)$", re.MULTILINE)


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_is_in_it(verb):
    options = {name for option in VERBS[verb].params for name in option.opts if name.startswith("--")}
    assert [name for name in sorted(options - {"--help"}) if f"`{name}" not in TEXT] == []


def test_every_field_of_the_ready_line_is_in_it():
    ready = json.loads(ready_json(LAB))
    assert [name for name in [*ready, *ready["providers"][0]] if f'"{name}"' not in TEXT] == []


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\]\(([a-z-]+\.md)\)", TEXT))))
def test_what_it_points_to_is_there(name):
    assert (ROOT / "docs" / name).is_file()


@pytest.mark.real
def test_its_examples_work_in_their_order(tmp_path):
    commands = CURL.findall(TEXT)
    assert len(commands) >= 10
    lease = "LEASE"
    with lab(Desk(tmp_path), "up", "--admin-port", "0") as ready:
        for command in commands:
            pasted = command.replace("127.0.0.1:8474", ready["admin_url"]).replace("LEASE", lease)
            done = subprocess.run(["bash", "-c", pasted], capture_output=True, text=True, timeout=30)
            assert done.returncode == 0, (pasted, done)
            answer = json.loads(done.stdout) if done.stdout.strip() else {}
            assert "error" not in answer, (pasted, answer)
            lease = answer["id"] if command.startswith("curl -s 127.0.0.1:8474/leases -d") else lease
        left = [proxy["toxics"] for proxy in httpx.get(f"{ready['admin_url']}/proxies").json().values()]
    assert left == [[], [], []]
