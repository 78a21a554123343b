"""One relay before one anvil with a contract that emits logs, and what a WebSocket client sees of them.

The clients are httpx and the `websockets` package; each is used at the relay and at the node alike.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

from tests.real.anvil import Node, running_anvils
from tests.real.relays import Relayed, Relays, ask, deploy, emit_log, running_relays

WITHIN = 15.0


@dataclass(frozen=True, slots=True)
class Field:
    """The relay `relay`, the node behind it, and a client for both."""

    relays: Relays
    relay: Relayed
    node: Node
    client: httpx.Client
    contract: str

    def at_relay(self, method: str, *params: object) -> Any:
        """The result of one call through the relay."""
        return ask(self.client, self.relay.url, method, *params)

    def at_node(self, method: str, *params: object) -> Any:
        """The same of the node itself."""
        return ask(self.client, self.node.url, method, *params)

    def emit_log(self) -> dict[str, Any]:
        """A new log, sent and mined past the relay."""
        return emit_log(self.client, self.node.url, self.contract)

    def head_at_node(self) -> int:
        """The number of the newest block."""
        return int(self.at_node("eth_blockNumber"), 16)

    def wait_for_head(self, number: int) -> None:
        """Until the node itself has that block."""
        until(lambda: self.head_at_node() >= number)


@contextmanager
def playing_field(folder: Path) -> Iterator[Field]:
    """All of it, for the length of the block."""
    with (
        running_anvils(1, folder) as (node,),
        running_relays([node]) as relays,
        httpx.Client(trust_env=False, timeout=WITHIN) as client,
    ):
        yield Field(relays, relays.relays[0], node, client, deploy(client, node.url))


def until(holds: Callable[[], bool]) -> None:
    """Poll until it holds."""
    deadline = time.monotonic() + WITHIN
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.05)


class Listener:
    """A WebSocket with subscriptions; `seen` has the results of each, by the name that it was given."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.names: dict[str, str] = {}
        self.seen: dict[str, list[Any]] = {}

    def subscribe(self, name: str, *params: object) -> None:
        """eth_subscribe, which must succeed."""
        self.names[self.call("eth_subscribe", *params)["result"]] = name
        self.seen[name] = []

    def call(self, method: str, *params: object) -> Any:
        """The reply to one call; events that come before it are kept."""
        id_ = f"{method}-{time.monotonic_ns()}"
        self.socket.send(json.dumps({"jsonrpc": "2.0", "id": id_, "method": method, "params": list(params)}))
        deadline = time.monotonic() + WITHIN
        while (message := self._next(deadline)).get("id") != id_:
            self._keep(message)
        return message

    def listen(self, name: str, count: int) -> list[Any]:
        """The events of a subscription, once there are so many."""
        deadline = time.monotonic() + WITHIN
        while len(self.seen[name]) < count:
            self._keep(self._next(deadline))
        return self.seen[name]

    def listen_for(self, seconds: float) -> None:
        """Take what comes in that time."""
        deadline = time.monotonic() + seconds
        try:
            while True:
                self._keep(self._next(deadline))
        except TimeoutError:
            pass

    def _next(self, deadline: float) -> Any:
        return json.loads(self.socket.recv(timeout=max(0.0, deadline - time.monotonic())))

    def _keep(self, message: Any) -> None:
        assert message["method"] == "eth_subscription", message
        self.seen[self.names[message["params"]["subscription"]]].append(message["params"]["result"])


@contextmanager
def listener(url: str) -> Iterator[Listener]:
    """A WebSocket to a relay or to a node."""
    with connect(url, compression=None, proxy=None, close_timeout=1) as socket:
        yield Listener(socket)
