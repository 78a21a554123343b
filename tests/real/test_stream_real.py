"""Subscribers of real nodes: behind the relay, and behind Envoy, neither of which makes good what it lost.

Rule: what battlectl found is held against the node itself, asked past all that is broken, and against clients
that are not ours. anvil mines a block a second; a look at its head may be one block old.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from web3 import AsyncWeb3, WebSocketProvider

from battlectl.observe.consistency import Book
from battlectl.observe.streams.cell import StreamCells
from battlectl.observe.streams.terms import Terms
from battlectl.observe.streams.truth import Truth
from battlectl.plan.streams import plan_streams
from battlectl.plan.workload import Window
from battlectl.run.listening import Listener, listen_to_heads
from battlectl.run.subscribers import Subscribers
from battlectl.scenario.streams import SubscribeWorkload
from battlectl.targets.control import Control
from battlectl.targets.truth import Witness
from battlectl.transport.base import parse_endpoint
from battlectl.transport.ws_socket import open_socket
from tests.cli.command import Desk, Ran, finish
from tests.real.envoy import running_envoy
from tests.real.relay_field import Field, listener, playing_field, until

pytestmark = pytest.mark.real
CUT = 3.0
DEPTH = 3
LOOKED = 0.5
"""Seconds after a block by which the other path has looked: what goes before that nobody can tell of."""
BEFORE = 3
"""Blocks that come before anything happens."""


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    with playing_field(tmp_path_factory.mktemp("field")) as field:
        yield field


class Fight:
    """A run of battlectl with one subscriber, and what is done meanwhile. Mutable: it has a process."""

    def __init__(self, folder: Path, field: Field, ws_url: str, seconds: int) -> None:
        self.desk = Desk(folder)
        target = self.desk.target(
            field.node.url, ws_url=ws_url, truth={"url": field.node.url, "every": "100ms"}
        )
        scenario = self.desk.scenario(
            phases={"steady": f"{seconds}s"},
            load={
                "heads": {
                    "subscribe": "newHeads",
                    "reconnect": {"first": "100ms", "most": "200ms"},
                    "stall_after": "5s",
                }
            },
            objectives=["subscription.gaps == 0"],
            generator={"max_lag": "1s", "max_stream_lag": "1s"},
        )
        self.process = self.desk.start("run", scenario, "--target", target, "--results", self.desk.results)

    def wait_for_load(self) -> None:
        """Until the journal has its header and the first second."""
        deadline = time.monotonic() + 30
        while not any(p.read_bytes().count(b"\n") >= 2 for p in self.desk.results.glob("*/*/journal.jsonl")):
            assert self.process.poll() is None
            assert time.monotonic() < deadline, "the load did not begin"
            time.sleep(0.05)

    def end(self) -> tuple[Ran, dict[str, Any], dict[str, Any]]:
        """How it ended, its streams, and their figures of the whole run."""
        ran = finish(self.process, 60)
        assert self.desk.runs, ran.err
        (streams,) = self.desk.report["streams"]
        (whole,) = [window for window in streams["windows"] if window["name"] == "run"]
        return ran, streams, whole


@contextmanager
def before_envoy(field: Field, folder: Path) -> Iterator[str]:
    """The URL of a WebSocket through Envoy to the relay."""
    upstream = field.relay.ws_url.replace("ws://", "http://")
    with running_envoy((upstream,), folder, retries=False, upgrades=("websocket",)) as gateway:
        yield gateway.url.replace("http://", "ws://")


@contextmanager
def before_nothing(field: Field, folder: Path) -> Iterator[str]:
    yield field.relay.ws_url


@pytest.mark.parametrize("before", [before_nothing, before_envoy])
def test_the_gap_that_a_dumb_proxy_leaves_is_told_with_its_blocks(field, tmp_path, before):
    with before(field, tmp_path) as ws_url:
        fight = Fight(tmp_path / "desk", field, ws_url, 12)
        fight.wait_for_load()
        field.wait_for_head(field.head_at_node() + BEFORE)
        was = field.head_at_node()
        with field.relays.faulty(field.relay, "kill"):
            time.sleep(CUT)
        is_now = field.head_at_node()
        ran, streams, whole = fight.end()
    assert ran.code == 99, ran.out + ran.err
    gap = streams["gaps"]["first"]
    assert gap == streams["gaps"]["worst"]
    first, last = gap["first_block"], gap["last_block"]
    assert was <= first <= was + 2
    assert is_now - 1 <= last <= is_now + 2
    assert whole["missing"] == last - first + 1
    assert whole["blocks"] + whole["missing"] == whole["blocks_expected"]
    assert whole["counts"].get("ends_visible") or whole["counts"].get("ends_silent")


def reorg(field: Field) -> None:
    """The three newest blocks are mined anew at once."""
    field.at_node("anvil_reorg", DEPTH, [])


def revert(field: Field) -> None:
    """Three blocks are gone, and the chain goes on from before them."""
    snapshot = field.at_node("evm_snapshot")
    field.wait_for_head(field.head_at_node() + DEPTH)
    time.sleep(LOOKED)
    assert field.at_node("evm_revert", snapshot) is True


@pytest.mark.parametrize("happens", [reorg, revert])
def test_a_reorg_of_a_real_node_is_followed_as_another_client_saw_it(field, tmp_path, happens):
    fight = Fight(tmp_path, field, field.relay.ws_url, 12)
    fight.wait_for_load()
    with listener(field.relay.ws_url) as client:
        client.subscribe("heads", "newHeads")
        client.listen("heads", BEFORE)
        time.sleep(LOOKED)
        happens(field)
        count = len(client.seen["heads"])
        client.listen("heads", count + DEPTH + 1)
        heads = client.seen["heads"]
    ran, _, whole = fight.end()
    numbers = [int(head["number"], 16) for head in heads]
    came_twice = [number for number in numbers if numbers.count(number) == 2]
    assert len(came_twice) >= 2, numbers
    assert ran.code == 0, ran.out + ran.err
    assert whole["missing"] == 0
    assert (whole["counts"].get("reorgs_followed"), whole["counts"].get("duplicates")) == (1, None)
    assert not {"reorgs_hidden", "reorgs_partial", "wrong_fork", "out_of_order"} & set(whole["counts"])
    assert whole["counts"]["reemitted"] >= len(came_twice) // 2


class Heard:
    """A listener that keeps what it hears. Mutable: it does."""

    def __init__(self, inner: Listener, kept: list[str]) -> None:
        self._inner = inner
        self._kept = kept

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def hear(self, t: float, result: Any) -> None:
        self._kept.append(result["hash"])
        self._inner.hear(t, result)


def test_web3_on_the_same_subscription_sees_the_same_blocks(field):
    """web3.py comes before us and leaves after us: what we heard is a stretch of what it heard, whole."""
    started, enough = threading.Event(), threading.Event()
    theirs: list[str] = []
    thread = threading.Thread(target=asyncio.run, args=[_web3(field.relay.ws_url, theirs, started, enough)])
    thread.start()
    try:
        assert started.wait(20)
        ours, cells = trio.run(partial(_subscribe, field, 8.0))
        until(lambda: ours[-1] in theirs)
    finally:
        enough.set()
        thread.join(20)
    assert not thread.is_alive()
    first = theirs.index(ours[0])
    assert ours == theirs[first : first + len(ours)]
    assert len(ours) >= 5
    assert cells.total().count("observed") == len(ours)
    assert (cells.total().missing, cells.total().count("streams")) == (0, 1)


async def _web3(url: str, theirs: list[str], started: threading.Event, enough: threading.Event) -> None:
    async with AsyncWeb3(WebSocketProvider(url)) as web3:
        await web3.eth.subscribe("newHeads")
        async for message in web3.socket.process_subscriptions():
            theirs.append("0x" + bytes(message["result"]["hash"]).hex())
            started.set()
            if enough.is_set():
                return


async def _subscribe(field: Field, seconds: float) -> tuple[list[str], StreamCells]:
    workload = SubscribeWorkload.model_validate({"subscribe": "newHeads"})
    planned = plan_streams("heads", workload, "1/heads", Window("heads", 0.0, seconds))
    truth, cells, ours = Truth(), StreamCells(), []
    ws = parse_endpoint(field.relay.ws_url.replace("ws://", "http://"))

    def listen(name: str, t: float) -> Any:
        return Heard(listen_to_heads(name, truth, cells, Terms(1.0, 10.0), t, time.time()), ours)

    async with Control(parse_endpoint(field.node.url)) as control, trio.open_nursery() as nursery:
        start = trio.current_time()
        nursery.start_soon(Witness(control, truth, 0.1).serve, start)
        await Subscribers(
            planned, partial(open_socket, ws, planned.max_body), listen, cells, Book(()), 1.0
        ).serve(start)
        nursery.cancel_scope.cancel()
    return ours, cells
