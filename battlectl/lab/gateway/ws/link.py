"""One WebSocket to one provider, shared by everything that goes to it.

Rule: each call gets an id of the link's own, so that clients' ids never meet. A link that has ended fails
all that wait on it, and ends its subscriptions; it is not opened again, another takes its place. What the
provider sends that nobody asked for is dropped.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import trio

from battlectl.lab.net.ws_client import ClientSocket
from battlectl.lab.net.ws_server import Ended
from battlectl.lab.rpc.envelope import RpcError

MOST_HELD = 1_024  # notifications that a subscription holds for a slow reader


class LinkFailed(Exception):
    """The provider gave no answer over its WebSocket; the message says why."""


@dataclass(slots=True, eq=False)
class Subscription:
    """One upstream subscription: `events` ends when the link does."""

    id: str
    events: trio.MemoryReceiveChannel[Any]


@dataclass(slots=True, eq=False)
class _Waiting:
    """Who waits for an answer, whether it is to start a subscription, and the answer."""

    subscribes: bool
    is_here: trio.Event = field(default_factory=trio.Event)
    reply: dict[str, Any] | None = None
    events: trio.MemoryReceiveChannel[Any] | None = None


class Link:
    """Mutable: who waits for what on one open socket."""

    def __init__(self, socket: ClientSocket) -> None:
        self._socket = socket
        self._ids: Iterator[int] = itertools.count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._subscribers: dict[str, trio.MemorySendChannel[Any]] = {}
        self.ended: str | None = None
        self._cancel = trio.CancelScope()

    @property
    def subscriptions(self) -> int:
        """How many it carries."""
        return len(self._subscribers)

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits for anything."""
        return not self._waiting and not self._subscribers

    async def run(self) -> None:
        """Read until the socket ends or `cut` is called."""
        reason = "cut"
        try:
            with self._cancel:
                reason = await self._read()
        finally:
            self.ended = reason
            for waiting in self._waiting.values():
                waiting.is_here.set()
            for subscriber in self._subscribers.values():
                subscriber.close()
            self._subscribers.clear()

    def cut(self) -> None:
        """End it without ceremony: whoever is stalled would not notice any."""
        self._cancel.cancel()

    async def call(self, method: str, params: list[Any]) -> Any:
        """The result; raises RpcError for the provider's own error, LinkFailed when there is no answer."""
        return (await self._ask(method, params, subscribes=False)).get("result")

    async def exchange(self, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The replies to these calls, with their own ids, in the order in which they came together.

        They go one by one: what a provider makes of a batch on a WebSocket differs from node to node.
        """
        replies: list[dict[str, Any]] = []

        async def ask_one(call: dict[str, Any]) -> None:
            reply = await self._send(call, _Waiting(subscribes=False))
            if "id" in call:
                replies.append(reply | {"id": call["id"]})

        async with trio.open_nursery() as nursery:
            for call in calls:
                nursery.start_soon(ask_one, call)
        return replies

    async def subscribe(self, params: list[Any]) -> Subscription:
        """Start an upstream subscription; raises like `call`."""
        waiting = _Waiting(subscribes=True)
        reply = await self._ask("eth_subscribe", params, waiting=waiting)
        if waiting.events is None:
            raise LinkFailed("a subscription without an id")
        return Subscription(reply["result"], waiting.events)

    async def unsubscribe(self, subscription: Subscription) -> None:
        """End it; a link that fails over it has ended it too."""
        subscriber = self._subscribers.pop(subscription.id, None)
        if subscriber is not None:
            subscriber.close()
            await self.call("eth_unsubscribe", [subscription.id])

    async def _ask(
        self, method: str, params: list[Any], subscribes: bool = False, waiting: _Waiting | None = None
    ) -> dict[str, Any]:
        call = {"jsonrpc": "2.0", "method": method, "params": params}
        reply = await self._send(call, waiting or _Waiting(subscribes))
        error = reply.get("error")
        if isinstance(error, dict):
            raise RpcError(error.get("code", -32603), str(error.get("message", "")), error.get("data"))
        return reply

    async def _send(self, call: dict[str, Any], waiting: _Waiting) -> dict[str, Any]:
        if self.ended is not None:
            raise LinkFailed(self.ended)
        number = next(self._ids)
        self._waiting[number] = waiting
        try:
            await self._socket.send(msgspec.json.encode(call | {"id": number}))
            await waiting.is_here.wait()
        finally:
            del self._waiting[number]
        if waiting.reply is None:
            raise LinkFailed(self.ended or "no answer")
        return waiting.reply

    async def _read(self) -> str:
        while not isinstance(message := await self._socket.receive(), Ended):
            try:
                value = msgspec.json.decode(message)
            except (ValueError, RecursionError):
                return "not JSON"
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, dict):
                    self._take(item)
        return "ended without a close frame" if message.code is None else f"closed with {message.code}"

    def _take(self, item: dict[str, Any]) -> None:
        if item.get("method") == "eth_subscription" and isinstance(item.get("params"), dict):
            self._notify(item["params"])
            return
        id_ = item.get("id")
        waiting = self._waiting.get(id_) if isinstance(id_, int) else None
        if waiting is None:
            return
        waiting.reply = item
        if waiting.subscribes and isinstance(item.get("result"), str):
            # Here and not by the one who waits: the first event may be in the next message.
            send, waiting.events = trio.open_memory_channel[Any](MOST_HELD)
            self._subscribers[item["result"]] = send
        waiting.is_here.set()

    def _notify(self, params: dict[str, Any]) -> None:
        subscriber = self._subscribers.get(str(params.get("subscription")))
        if subscriber is None:
            return
        try:
            subscriber.send_nowait(params.get("result"))
        except (trio.WouldBlock, trio.BrokenResourceError):
            self.cut()
