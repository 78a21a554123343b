"""What a driver can never do is told with the other mistakes of a scenario, before anybody is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from battlectl.chaos.beforehand import refusals
from battlectl.chaos.driver import Order
from battlectl.scenario.chaos_kinds import FAULTS
from battlectl.scenario.target_chaos import read_again
from tests.cli.command import Desk

HAPROXY = {"driver": "haproxy", "socket": "/run/none.sock", "backend": "nodes"}
HTTP = {
    "driver": "http",
    "url": "http://127.0.0.1:9",
    "faults": {"kill": {"inject": {"path": "/cordon/{provider}"}, "heal": {"path": "/uncordon/{provider}"}}},
}
PROCESS = {"driver": "process", "processes": {"a": {"pid_file": "a.pid"}}}
TOXIPROXY = {"driver": "toxiproxy", "url": "http://127.0.0.1:9"}


def order(kind: str, provider: str = "a", **attributes: object) -> Order:
    return Order(f"{kind}-{provider}", kind, FAULTS[kind].toxic, provider, attributes)


@pytest.mark.parametrize(
    ("config", "asked", "why"),
    [
        (HAPROXY, order("http_5xx"), "HAProxy can take a server out (kill), nothing else"),
        (HAPROXY, order("kill", probability=0.5), "HAProxy cannot do probability=0.5"),
        (HTTP, order("hang"), "the config file has no templates for it, only for kill"),
        (HTTP, order("kill", mode="reset"), "would do nothing, no template of this fault uses {mode}"),
        (PROCESS, order("kill"), "nobody would start it again"),
        (PROCESS, order("http_5xx"), "a signal cannot do that"),
        (PROCESS, order("hang", "b"), "no process of b is known"),
    ],
)
def test_it_is_refused_and_each_reason_told_once(config, asked, why):
    (told,) = refusals(read_again(config, {})[0], [asked, asked])
    assert why in told


@pytest.mark.parametrize(
    ("config", "asked"),
    [
        (HAPROXY, order("kill")),
        (HTTP, order("kill")),
        (PROCESS, order("hang")),
        (TOXIPROXY, order("http_5xx")),
    ],
)
def test_what_can_be_done_is_not_refused(config, asked):
    assert list(refusals(read_again(config, {})[0], [asked])) == []


@pytest.mark.real
def test_validate_and_plan_tell_it(tmp_path: Path):
    desk = Desk(tmp_path)
    desk.target("http://127.0.0.1:9/", providers=[{"id": "a"}, {"id": "b"}], chaos=HAPROXY)
    desk.write(
        "scenario.yml",
        {
            "version": 1,
            "name": "x",
            "target": "target.yml",
            "phases": {"steady": "5s"},
            "load": {"reads": {"rate": "1/s", "calls": ["eth_blockNumber"]}},
            "chaos": [{"http_5xx": "a", "at": "1s", "for": "2s"}],
            "objectives": ["success_rate >= 90%"],
        },
    )
    for verb in ("validate", "plan"):
        ran = desk.battlectl(verb, "scenario.yml")
        assert ran.code == 2
        assert "chaos: http_5xx at a: HAProxy can take a server out (kill), nothing else" in ran.err
