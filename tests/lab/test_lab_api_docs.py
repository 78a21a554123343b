"""docs/lab-api.md says what is so: its examples are answered, and every field of a provider is in it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.cli.command import Desk
from tests.lab.test_lab_verbs import lab

pytestmark = pytest.mark.real

TEXT = (Path(__file__).parents[2] / "docs" / "lab-api.md").read_text()
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_its_examples_are_answered_in_their_order(tmp_path):
    blocks = SHELL.findall(TEXT)
    assert len(blocks) >= 6
    with lab(Desk(tmp_path), "up", "--admin-port", "0") as ready:
        script = "\n".join(blocks).replace("http://127.0.0.1:8474", ready["admin_url"])
        script = re.sub(r"^(curl .*)$", r"\1; echo", script, flags=re.MULTILINE)
        done = subprocess.run(
            ["bash", "-euc", script], env={"LAB_TOKEN": "x"}, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done
        answers = [json.loads(line) for line in done.stdout.splitlines() if line]
        left = httpx.get(f"{ready['admin_url']}/providers").json()
    assert len(answers) >= 8
    assert [answer for answer in answers if "error" in answer] == []
    fields = [name for name in left["provider_a"] if f"`{name}`" not in TEXT]
    assert fields == []
