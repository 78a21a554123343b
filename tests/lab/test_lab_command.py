"""What `battlectl lab up` and `lab relay` print."""

import io
import json
import shlex
from dataclasses import replace

import pytest

from battlectl.commands.lab import run_lab
from battlectl.commands.lab_text import ready_json, ready_text
from battlectl.lab.control import Lab, LabProvider
from battlectl.lab.spec import LabError, LabSpec, read_upstreams

NODE = LabProvider("provider_a", "node", "http://127.0.0.1:9001", "ws://127.0.0.1:9001")
LAB = Lab("http://127.0.0.1:8545", "ws://127.0.0.1:8545", "http://127.0.0.1:8474", (NODE,), 41, 40)
ALONE = replace(LAB, url=None, ws_url=None, gateway_pid=None)
KEY = "0123456789abcdef0123456789abcdef"


def commands_in(text):
    """The lines to paste, as a shell would take them apart."""
    lines = text.partition("Try it")[2].partition("Ctrl-C")[0].splitlines()[1:]
    return [shlex.split(line) for line in lines if line.startswith("    ")]


def test_the_ready_line_is_one_line_of_json():
    line = ready_json(LAB)
    assert "\n" not in line
    provider = {"id": "provider_a", "kind": "node", "trouble": None}
    assert json.loads(line) == {
        "ready": True,
        "url": "http://127.0.0.1:8545",
        "ws_url": "ws://127.0.0.1:8545",
        "admin_url": "http://127.0.0.1:8474",
        "providers": [{**provider, "url": "http://127.0.0.1:9001", "ws_url": "ws://127.0.0.1:9001"}],
        "providers_pid": 41,
        "gateway_pid": 40,
    }


def test_the_text_names_every_address():
    text = ready_text(LAB, LabSpec())
    for address in (LAB.url, LAB.ws_url, LAB.admin_url, NODE.url, NODE.ws_url):
        assert f" {address}" in text
    assert "1 simulated provider behind a gateway" in text
    assert "Ctrl-C ends it." in text


def test_each_command_to_paste_is_whole_on_its_line():
    call, kill, by_hand, status, run, socket = commands_in(ready_text(LAB, LabSpec()))
    assert call[:3] == ["curl", "-s", LAB.url]
    assert json.loads(call[-1])["method"] == "eth_blockNumber"
    assert call[3:5] == ["-H", "content-type: application/json"]  # anvil and geth refuse a call without
    assert kill[:3] == ["curl", "-s", f"{LAB.admin_url}/proxies/provider_a/toxics"]
    assert json.loads(kill[-1]) == {"type": "kill", "ttl_ms": 30_000}
    assert by_hand[:4] == ["battlectl", "chaos", "kill", "provider_a"]
    assert by_hand[4:] == ["--for", "10s", "--admin", LAB.admin_url]
    assert status == ["battlectl", "lab", "status", "--admin", LAB.admin_url]
    assert run == ["battlectl", "run", "scenarios/", "--target", LAB.url]
    assert socket == ["python", "-m", "websockets", LAB.ws_url]


def test_a_token_is_named_by_its_variable_in_the_commands_that_need_it():
    spec = LabSpec(token="hush")
    text = ready_text(LAB, spec, "LAB_TOKEN")
    call, kill, by_hand, status, *_ = commands_in(text)
    assert "hush" not in text
    assert "Authorization: Bearer $LAB_TOKEN" in kill
    assert by_hand[-2:] == status[-2:] == ["--token-env", "LAB_TOKEN"]
    assert "LAB_TOKEN" not in " ".join(call)


def test_without_a_gateway_the_commands_go_to_the_first_provider():
    text = ready_text(ALONE, LabSpec(has_gateway=False))
    call, _, _, _, run, socket = commands_in(text)
    assert (call[2], run[-1], socket[-1]) == (NODE.url, NODE.url, NODE.ws_url)
    assert "gateway" not in text


def test_relays_say_their_node_without_its_key_and_what_is_wrong_with_it():
    provider = replace(NODE, kind="relay", trouble="connection refused")
    spec = LabSpec(relays=read_upstreams([f"http://127.0.0.1:1/v3/{KEY}"]), has_gateway=False)
    text = ready_text(replace(ALONE, providers=(provider,)), spec)
    assert "1 relayed provider." in text
    assert "-> http://127.0.0.1:1/v3/***" in text
    assert KEY not in text
    assert "Warning: the node behind provider_a did not answer: connection refused" in text


def test_another_admin_port_than_toxiproxy_s_is_said_when_that_is_taken_only():
    elsewhere = replace(LAB, admin_url="http://127.0.0.1:40123")
    taken = "(8474 is taken)"
    assert taken in ready_text(elsewhere, LabSpec(admin_ports=(8474, 0)))
    assert taken not in ready_text(LAB, LabSpec(admin_ports=(8474, 0)))
    assert taken not in ready_text(elsewhere, LabSpec(admin_ports=(40123,)))


def test_a_lab_that_anybody_can_break_is_warned_of():
    text = ready_text(LAB, LabSpec(host="0.0.0.0", allow_any_address=True))
    assert "whoever reaches 0.0.0.0 can break this lab: --token-env" in text
    assert "Warning" not in ready_text(LAB, LabSpec(host="0.0.0.0", token="x", allow_any_address=True))


def test_a_lab_that_cannot_be_is_an_error_by_itself_and_prints_nothing():
    out = io.StringIO()
    with pytest.raises(LabError, match="try 3"):
        run_lab(LabSpec(providers=0), out)
    assert out.getvalue() == ""
