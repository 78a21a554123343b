"""`battlectl lab status`: a table, or blocks where that is too wide; whatever answers is shown inert."""

import io
import json

import pytest

from battlectl.commands import lab_status
from battlectl.commands.lab_status import show, status
from battlectl.errors import NotReady
from tests.servers import serving


def provider(url="http://127.0.0.1:9001", **changed):
    counted = {"generation": 1, "connections": 1_200, "requests": {"eth_call": 2, "eth_chainId": 40}}
    return {"url": url, "up": True, "enabled": True, **counted, **changed}


def answers(**toxics):
    """Two providers; `provider_a` has these toxics, as type -> lease."""
    listed = [{"name": type_, "type": type_, "lease": lease} for type_, lease in toxics.items()]
    return {
        "providers": {
            "provider_a": provider(up=not toxics),
            "provider_b": provider("http://127.0.0.1:9002", generation=3),
        },
        "proxies": {"provider_a": {"toxics": listed}, "provider_b": {"toxics": []}},
        "leases": [{"id": "7f", "remaining_ms": 23_400}],
    }


def test_a_row_for_each_provider():
    head, first, second = show(answers(), 200).splitlines()
    assert head.split() == [
        "provider",
        "address",
        "up",
        "generation",
        "connections",
        "requests",
        "faults",
        "in",
        "force",
    ]
    assert first.split() == ["provider_a", "http://127.0.0.1:9001", "yes", "1", "1,200", "42", "none"]
    assert second.split() == ["provider_b", "http://127.0.0.1:9002", "yes", "3", "1,200", "42", "none"]


def test_a_fault_says_how_long_its_lease_lasts():
    shown = show(answers(kill="7f", latency=None, hang="gone"), 200)
    assert [line.strip() for line in shown.splitlines()[2:4]] == ["latency", "hang (ending)"]
    assert shown.splitlines()[1].split()[2] == "no"
    assert shown.splitlines()[1].endswith("kill (23.4s left)")


def test_a_fault_with_a_name_of_its_own_says_both_and_a_disabled_provider_says_that():
    told = answers()
    told["proxies"]["provider_a"]["toxics"] = [{"name": "mine", "type": "kill"}]
    told["providers"]["provider_b"] |= {"enabled": False, "url": None}
    shown = show(told, 200)
    assert "kill as mine" in shown
    assert shown.splitlines()[2].split()[:2] == ["provider_b", "-"]
    assert shown.splitlines()[2].endswith("disabled")


@pytest.mark.parametrize("width", [20, 40, 80, 100, 120])
def test_no_line_of_the_table_is_wider_than_the_terminal(width):
    shown = show(answers(kill="7f"), width)
    assert "kill (23.4s left)" in shown
    if shown.startswith("provider "):
        assert max(map(len, shown.splitlines())) <= width
    else:
        assert "  address: http://127.0.0.1:9001\n" in shown


def test_a_provider_that_went_between_two_questions_is_left_out():
    told = answers()
    del told["proxies"]["provider_b"]
    assert "provider_b" not in show(told, 200)
    assert show({"providers": {}, "proxies": {}, "leases": []}, 200) == "The lab is up and has no providers."


def test_names_steer_no_terminal():
    told = answers()
    told["providers"]["a\x1b[2J"] = provider()
    told["proxies"]["a\x1b[2J"] = {"toxics": [{"name": "b\nc", "type": "kill"}]}
    shown = show(told, 200)
    assert "\x1b" not in shown
    assert r"kill as b\nc" in shown


@pytest.mark.real
@pytest.mark.parametrize("name", ["refuse", "html", "not_json", "close_each"])
def test_what_is_no_lab_is_not_ready(name):
    with serving(name) as server, pytest.raises(NotReady) as refused:
        status(server.url, None, False, io.StringIO())
    assert "lab" in str(refused.value)
    assert json.dumps(str(refused.value)).isascii()


@pytest.mark.parametrize("answer", [["x"], "text", None, {"provider_a": {}}])
def test_json_of_something_else_is_not_ready(answer, monkeypatch):
    monkeypatch.setattr(lab_status, "ask", lambda *_: dict.fromkeys(lab_status.QUESTIONS, answer))
    with pytest.raises(NotReady, match="not as a lab does"):
        status("http://127.0.0.1:1", None, False, io.StringIO())
