"""`battlectl lab`: what it prints, and how it ends."""

import io
import json

import pytest

from battlectl.commands.lab import ready_json, ready_text, run_lab
from battlectl.lab.control import Lab, LabProvider
from battlectl.lab.spec import LabError, LabSpec

NODE = LabProvider("provider_a", "node", "http://127.0.0.1:9001", "ws://127.0.0.1:9001")
LAB = Lab("http://127.0.0.1:8545", "ws://127.0.0.1:8545", "http://127.0.0.1:8474", (NODE,), 41, 40)


def test_the_ready_line_is_one_line_of_json():
    line = ready_json(LAB)
    assert "\n" not in line
    assert json.loads(line) == {
        "ready": True,
        "url": "http://127.0.0.1:8545",
        "ws_url": "ws://127.0.0.1:8545",
        "admin_url": "http://127.0.0.1:8474",
        "providers": [
            {
                "id": "provider_a",
                "kind": "node",
                "url": "http://127.0.0.1:9001",
                "ws_url": "ws://127.0.0.1:9001",
            }
        ],
        "providers_pid": 41,
        "gateway_pid": 40,
    }


def test_the_text_names_every_address_and_what_to_try():
    text = ready_text(LAB)
    for part in (
        "gateway",
        "provider_a",
        LAB.url,
        "http://127.0.0.1:9001",
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
