"""A node that is killed under its subscribers, behind Envoy and behind the relay: neither makes up for it.

Rule: the nodes are one chain, for each is told to mine the same block at the same height; so the blocks that
a client must miss are known by number. The chain is read at a node of its own, which nobody kills.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.cli.command import Desk, Ran, finish
from tests.real.anvil import WHEN_TOLD, Node, running_anvils
from tests.real.envoy import running_envoy
from tests.real.relay_field import until
from tests.real.relays import ask, running_relays

pytestmark = pytest.mark.real
EVERY = 0.25
BEFORE, MISSED, AFTER = 6, 3, 8
"""Blocks before the kill, while nobody can have come back, and after that."""
SECONDS = 18


class Chain:
    """Nodes that mine the same blocks. Mutable: it grows, and nodes die."""

    def __init__(self, nodes: tuple[Node, ...], client: httpx.Client) -> None:
        self._alive, self._client = list(nodes), client
        first = ask(client, nodes[0].url, "eth_getBlockByNumber", "0x0", False)
        self._genesis = int(first["timestamp"], 16)
        self.number = 0

    def mine(self, blocks: int, every: float = EVERY) -> None:
        """So many, each at all that are alive: the same block."""
        for _ in range(blocks):
            self.number += 1
            for node in self._alive:
                ask(self._client, node.url, "evm_mine", self._genesis + self.number)
            time.sleep(every)
        heads = {
            ask(self._client, node.url, "eth_getBlockByNumber", "latest", False)["hash"]
            for node in self._alive
        }
        assert len(heads) == 1

    def kill(self, node: Node) -> None:
        """SIGKILL."""
        self._alive.remove(node)
        node.kill()


def joined(pid: int, nodes: Sequence[Node]) -> list[Node]:
    """The nodes to which this process has a connection."""
    connections = psutil.Process(pid).net_connections("tcp")
    ports = {c.raddr.port for c in connections if c.raddr and c.status == "ESTABLISHED"}
    return [node for node in nodes if int(node.url.rpartition(":")[2]) in ports]


Fought = tuple[Ran, dict[str, Any], dict[str, Any], int, int]
"""(how it ended, its streams, their figures, the last block before the kill, the last of all)."""


def fight(
    folder: Path, ws_url: str, chain: Chain, truth: Node, fed_by: Callable[[], list[Node]], can_return: bool
) -> Fought:
    """A subscriber at `ws_url`; the node that feeds it is killed, and the next one waited for, if any."""
    desk = Desk(folder / "desk")
    target = desk.target(truth.url, ws_url=ws_url, truth={"url": truth.url, "every": "100ms"})
    scenario = desk.scenario(
        phases={"steady": f"{SECONDS}s"},
        load={
            "heads": {
                "subscribe": "newHeads",
                "reconnect": {"first": "2s", "most": "2s"},
                "stall_after": "10s",
            }
        },
        objectives=["subscription.gaps == 0"],
        generator={"max_lag": "1s", "max_stream_lag": "1s"},
    )
    process = desk.start("run", scenario, "--target", target, "--results", desk.results)
    until(lambda: process.poll() is not None or bool(fed_by()))
    assert process.poll() is None
    time.sleep(1.0)  # A connection is no subscription yet.
    chain.mine(BEFORE)
    (victim,) = fed_by()
    was = chain.number
    chain.kill(victim)
    chain.mine(MISSED, every=0.1)
    if can_return:
        until(lambda: fed_by() not in ([], [victim]))
        time.sleep(1.0)
    chain.mine(AFTER)
    ran = finish(process, 60)
    assert desk.runs, ran.err
    (streams,) = desk.report["streams"]
    (whole,) = [window for window in streams["windows"] if window["name"] == "run"]
    return ran, streams, whole, was, chain.number


@contextmanager
def nodes_of_one_chain(count: int, folder: Path) -> Iterator[tuple[Chain, tuple[Node, ...]]]:
    with running_anvils(count, folder, WHEN_TOLD) as nodes, httpx.Client(trust_env=False) as client:
        yield Chain(nodes, client), nodes


def test_behind_envoy_the_blocks_until_the_client_is_back_are_missing(tmp_path):
    with nodes_of_one_chain(3, tmp_path) as (chain, (truth, *nodes)):
        upstreams = tuple(node.url for node in nodes)
        with running_envoy(upstreams, tmp_path, retries=False, upgrades=("websocket",)) as envoy:
            ws_url = envoy.url.replace("http://", "ws://")
            fed_by = partial(joined, envoy.pid, nodes)
            ran, streams, whole, was, _ = fight(tmp_path, ws_url, chain, truth, fed_by, True)
    assert ran.code == 99, ran.out + ran.err
    gap = streams["gaps"]["first"]
    assert (gap["first_block"], gap["last_block"]) == (was + 1, was + MISSED)
    assert (whole["missing"], whole["counts"]["resumes"]) == (MISSED, 1)
    assert whole["blocks"] == BEFORE + AFTER


def test_behind_the_relay_of_the_one_node_all_from_then_on_are_missing(tmp_path):
    with nodes_of_one_chain(2, tmp_path) as (chain, (truth, node)), running_relays([node]) as relays:
        (relay,) = relays.relays

        def fed_by() -> list[Node]:
            return [node] if relays.counters(relay)["open_websockets"] else []

        ran, streams, whole, was, last = fight(tmp_path, relay.ws_url, chain, truth, fed_by, False)
    assert ran.code == 99, ran.out + ran.err
    gap = streams["gaps"]["first"]
    assert (gap["first_block"], gap["last_block"]) == (was + 1, last)
    assert (whole["missing"], whole["blocks"]) == (MISSED + AFTER, BEFORE)
    assert whole["counts"]["unresumed"] == 1
    assert whole["counts"].get("ends_visible") == 1
