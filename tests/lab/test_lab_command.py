"""`battlectl lab`: what it prints, and how it ends."""

import io
import json

import pytest

from battlectl.commands.lab import ready_json, ready_text, run_lab
from battlectl.lab.control import Lab, LabError, LabProvider, LabSpec

LAB = Lab("http://127.0.0.1:8545", (LabProvider("provider_a", "http://127.0.0.1:9001", 41),), 40)


def test_the_ready_line_is_one_line_of_json():
    line = ready_json(LAB)
    assert "\n" not in line
    assert json.loads(line) == {
        "ready": True,
        "url": "http://127.0.0.1:8545",
        "providers": [{"id": "provider_a", "url": "http://127.0.0.1:9001", "pid": 41}],
        "gateway_pid": 40,
    }


def test_the_text_names_every_address_and_what_to_try():
    text = ready_text(LAB)
    for part in (
        "gateway",
        "provider_a",
        LAB.url,
        "http://127.0.0.1:9001",
        "41",
        "curl",
        "battlectl run",
        "Ctrl-C",
    ):
        assert part in text


def test_a_lab_that_cannot_be_is_an_error_by_itself_and_prints_nothing():
    out = io.StringIO()
    with pytest.raises(LabError, match="try 3"):
        run_lab(LabSpec(providers=0), out)
    assert out.getvalue() == ""
