"""One WebSocket of a simulated node: answers, and what its subscriptions announce.

Rule: a reply leaves before anything that its request brought about. An announcement is made when it can be
sent, never kept, and a client that does not read its replies is not read from either: memory is bounded.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
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
from battlectl.lab.rpc.envelope import INVALID_PARAMS, SERVER_ERROR, RpcError

Answer = Callable[[View, str, Any], Any]
"""(view, method, params) -> result, or raise RpcError."""

MOST_SUBSCRIPTIONS = 1_000
MOST_REPLY_BYTES = 16 * 1024 * 1024


@dataclass(slots=True, eq=False)
class Waiting:
    """A reply that leaves at `due`, and the subscriptions that begin with it."""

    due: float
    body: bytes
    opened: dict[str, Announcements] = field(default_factory=dict)


class NodeSession:
    """`answer` knows what is not about subscriptions; `latency` in seconds is added to every answer.

    Each message is answered from one view, as an HTTP body is.
    """

    def __init__(
        self, shared: SharedChain, see: See, answer: Answer, ids: Iterator[str], latency: float
    ) -> None:
        self._shared, self._see, self._answer, self._ids = shared, see, answer, ids
        self._latency = latency
        self._replies: deque[Waiting] = deque()
        self._reply_bytes = 0
        self._opened: dict[str, Announcements] = {}
        self._subscriptions: dict[str, Announcements] = {}
        self._changed = trio.Event()
        self._room = trio.Event()

    async def send(self, text: bytes, see: See) -> None:
        """Answer one message, as soon as there is room for the answer."""
        while self._reply_bytes > MOST_REPLY_BYTES:
            self._room = trio.Event()
            await self._room.wait()
        self._opened = {}
        view = see(self._shared.view())
        body = envelope.answer(text, lambda method, params: self._call(view, method, params)) or b""
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

    def _call(self, view: View, method: str, params: Any) -> Any:
        if method not in ("eth_subscribe", "eth_unsubscribe"):
            return self._answer(view, method, params)
        if isinstance(params, dict):
            raise RpcError(INVALID_PARAMS, "non-array args")
        if method == "eth_unsubscribe":
            return self._unsubscribe(params or [])
        return self._subscribe(view, params or [])

    def _subscribe(self, view: View, params: list[Any]) -> str:
        topic = read_topic(params)
        if sum(map(len, self._all_subscriptions())) >= MOST_SUBSCRIPTIONS:
            raise RpcError(SERVER_ERROR, f"a connection has at most {MOST_SUBSCRIPTIONS} subscriptions")
        id_ = next(self._ids)
        self._opened[id_] = Announcements(topic, view)
        return id_

    def _unsubscribe(self, params: list[Any]) -> bool:
        id_ = p.argument(params, 0)
        if not isinstance(id_, str):
            raise p.bad(0, "a subscription's id is a string")
        return any(table.pop(id_, None) is not None for table in self._all_subscriptions())

    def _all_subscriptions(self) -> list[dict[str, Announcements]]:
        """Those that have begun, and those whose reply has not left yet."""
        return [self._subscriptions, self._opened, *(waiting.opened for waiting in self._replies)]

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
