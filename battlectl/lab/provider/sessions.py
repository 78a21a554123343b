"""One WebSocket of a simulated node: answers, and what its subscriptions announce.

Rule: a reply leaves before anything that its request brought about. An announcement is made when it can be
sent, never kept, and a client that does not read its replies is not read from either: memory is bounded.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import trio

from battlectl.lab.chain.chain import View
from battlectl.lab.provider.backend import Ended, See
from battlectl.lab.provider.shared_chain import SharedChain
from battlectl.lab.provider.subscriptions import Announcements, read_topic
from battlectl.lab.rpc import envelope
from battlectl.lab.rpc import params as p
from battlectl.lab.rpc.envelope import INVALID_PARAMS, SERVER_ERROR, Dispatch, RpcError

MOST_SUBSCRIPTIONS = 1_000
MOST_REPLY_BYTES = 16 * 1024 * 1024


@dataclass(slots=True, eq=False)
class Waiting:
    """A reply that leaves at `due`, and the subscriptions that begin with it."""

    due: float
    body: bytes
    opened: dict[str, Announcements] = field(default_factory=dict)


class NodeSession:
    """`dispatch` answers what is not about subscriptions; `latency` in seconds is added to every answer."""

    def __init__(
        self, shared: SharedChain, see: See, dispatch: Dispatch, ids: Iterator[str], latency: float
    ) -> None:
        self._shared, self._see, self._dispatch, self._ids = shared, see, dispatch, ids
        self._latency = latency
        self._replies: deque[Waiting] = deque()
        self._reply_bytes = 0
        self._opened: dict[str, Announcements] = {}
        self._subscriptions: dict[str, Announcements] = {}
        self._changed = trio.Event()
        self._room = trio.Event()

    async def send(self, text: bytes) -> None:
        """Answer one message, as soon as there is room for the answer."""
        while self._reply_bytes > MOST_REPLY_BYTES:
            self._room = trio.Event()
            await self._room.wait()
        self._opened = {}
        body = envelope.answer(text, self._call) or b""
        self._replies.append(Waiting(trio.current_time() + self._latency, body, self._opened))
        self._reply_bytes += len(body) + 1
        self.wake()

    async def receive(self) -> bytes | Ended:
        """Replies in the order of the messages; announcements in between. It never ends by itself."""
        while True:
            # Made anew before looking, so that what happens after the look is not missed.
            self._changed = trio.Event()
            text = self._due_reply() or self._announcement()
            if text:
                return text
            with trio.move_on_at(self._next_look()):
                await self._changed.wait()

    async def client_ended(self, how: Ended) -> None:
        """Nobody else has to be told."""

    def wake(self) -> None:
        """There may be something to receive."""
        self._changed.set()

    def _call(self, method: str, params: Any) -> Any:
        if method not in ("eth_subscribe", "eth_unsubscribe"):
            return self._dispatch(method, params)
        if isinstance(params, dict):
            raise RpcError(INVALID_PARAMS, "non-array args")
        return self._subscribe(params or []) if method == "eth_subscribe" else self._unsubscribe(params or [])

    def _subscribe(self, params: list[Any]) -> str:
        topic = read_topic(params)
        if len(self._subscriptions) + len(self._opened) >= MOST_SUBSCRIPTIONS:
            raise RpcError(SERVER_ERROR, f"a connection has at most {MOST_SUBSCRIPTIONS} subscriptions")
        id_ = next(self._ids)
        self._opened[id_] = Announcements(topic, self._view())
        return id_

    def _unsubscribe(self, params: list[Any]) -> bool:
        id_ = p.argument(params, 0)
        if not isinstance(id_, str):
            raise p.bad(0, "a subscription's id is a string")
        tables = [self._subscriptions, self._opened, *(waiting.opened for waiting in self._replies)]
        return any(table.pop(id_, None) is not None for table in tables)

    def _due_reply(self) -> bytes | None:
        """The next reply that is due; empty ones, which nobody wants, are passed over."""
        while self._replies and self._replies[0].due <= trio.current_time():
            waiting = self._replies.popleft()
            self._reply_bytes -= len(waiting.body) + 1
            self._room.set()
            self._subscriptions |= waiting.opened
            if waiting.body:
                return waiting.body
        return None

    def _announcement(self) -> bytes | None:
        if not self._subscriptions:
            return None
        view = self._view()
        for id_, announcements in self._subscriptions.items():
            event = announcements.next(view)
            if event is not None:
                return notification(id_, event)
        return None

    def _view(self) -> View:
        return self._see(self._shared.view())

    def _next_look(self) -> float:
        reply = self._replies[0].due if self._replies else math.inf
        return min(reply, self._shared.next_block_at()) if self._subscriptions else reply


def notification(subscription: str, event: Any) -> bytes:
    """The message that carries one event of a subscription."""
    params = {"subscription": subscription, "result": event}
    return msgspec.json.encode({"jsonrpc": "2.0", "method": "eth_subscription", "params": params})
