"""A real gateway in front of relayed real nodes: one relay is killed through the admin API under load.

The scenario is the one of test_envoy_battle.py, where a node itself is killed: to Envoy it is the same.
"""

import json
from dataclasses import dataclass

import httpx
import pytest

from tests.cli.in_short import LENIENT
from tests.real.anvil import running_anvils
from tests.real.demo import KILL_AFTER, LOWEST_BLOCK, Kill, Stage, battle, describe
from tests.real.envoy import running_envoy
from tests.real.relay_field import until
from tests.real.relays import Relayed, Relays, ask, running_relays

pytestmark = pytest.mark.real
REQUESTS = 15 * (120 + 30)


@dataclass(frozen=True, slots=True)
class Killable:
    """A relay in the place of a node: killed through the admin API, its node lives on."""

    relays: Relays
    relay: Relayed
    url: str

    def kill(self):
        self.relays.add(self.relay, "kill").raise_for_status()


def upstream_of(client, envoy):
    """The port of whoever answered one call through Envoy."""
    reply = client.post(envoy.url, json={"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"})
    assert reply.json()["result"] == "0x7a69"
    return int(reply.headers["x-upstream"].rpartition(":")[2])


def test_envoy_keeps_its_promises_over_relays_one_of_which_is_killed(tmp_path):
    """A battle that passes, in which Envoy met the dead relay, and finds it again when it is healed."""
    killed = Kill()
    with (
        running_anvils(3, tmp_path) as nodes,
        running_relays(nodes) as relays,
        running_envoy(tuple(relay.url for relay in relays.relays), tmp_path, retries=True) as envoy,
        httpx.Client(trust_env=False, timeout=10) as client,
    ):
        stand_ins = tuple(Killable(relays, relay, relay.url) for relay in relays.relays)
        config = tmp_path / "envoy.yml"
        config.write_text(describe(stand_ins, envoy, retries=True))
        until(
            lambda: all(int(ask(client, node.url, "eth_blockNumber"), 16) >= LOWEST_BLOCK for node in nodes)
        )
        code = battle(Stage(stand_ins, envoy, config), killed, tmp_path / "results", "--quiet", *LENIENT)
        report = json.loads((tmp_path / "results" / "latest" / "report.json").read_bytes())
        assert (code, report["verdict"]) == (0, "pass"), report["findings"]
        assert killed.forwarded is not None
        assert KILL_AFTER <= killed.forwarded <= REQUESTS - 1000
        check_who_served(relays, envoy)
        victim = relays.relays[1]
        assert int(ask(client, victim.node.url, "eth_blockNumber"), 16) > LOWEST_BLOCK, "its node lives"
        relays.heal(victim, "kill")
        port = httpx.URL(victim.url).port
        until(lambda: upstream_of(client, envoy) == port)


def check_who_served(relays, envoy):
    """Envoy met the dead relay and asked others; the relays' own counts say the same."""
    assert envoy.counter("cluster.nodes.upstream_cx_connect_fail") > 0
    assert envoy.counter("cluster.nodes.upstream_rq_retry_success") > 0
    served = [relays.counters(relay)["messages_http"] for relay in relays.relays]
    assert 0 < served[1] < min(served[0], served[2])
    assert sum(served) >= REQUESTS * 13 / 15
