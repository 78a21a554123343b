"""The WebSocket side of a provider: texts of one client and events of its subscriptions, past the faults.

Rule: what no fault touches passes in order and unchanged. A text that a fault holds does not hold the next.
What waits is bounded (room.py): at the bound nothing more is read from the client. A bug in a fault cuts the
socket.
"""

from __future__ import annotations

import sys
import traceback
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import trio

from battlectl.lab.faults.effect import Message
from battlectl.lab.faults.scope import count_hit, has_no_hooks, means_event
from battlectl.lab.net.ws_server import Ended, WebSocket
from battlectl.lab.provider.apart import (
    Apart,
    assemble,
    numbered_ids,
    read_message,
    take_answer,
    take_apart,
)
from battlectl.lab.provider.backend import Session, Unreachable
from battlectl.lab.provider.connection import Connection
from battlectl.lab.provider.room import BYTES_A_TEXT, SocketRoom
from battlectl.lab.provider.sessions import notification
from battlectl.lab.provider.touches import Touches
from battlectl.lab.rpc.envelope import Call

if TYPE_CHECKING:
    from battlectl.lab.provider.provider import Provider

ON_REPLIES = ("answer", "ask", "reply", "replies", "body")
WAITING = ("hold", "ask")
SUBSCRIBE, UNSUBSCRIBE = "eth_subscribe", "eth_unsubscribe"
EVENT_MARK = b'"eth_subscription"'


class Socket:
    """A client's WebSocket and the node's session: each side has a task, and each held text has one."""

    def __init__(
        self, provider: Provider, connection: Connection, websocket: WebSocket, session: Session
    ) -> None:
        self.websocket = websocket
        self._provider, self._connection, self._session = provider, connection, session
        self._ids = numbered_ids()
        self._asked: dict[str, Apart] = {}
        self._unreadable: deque[Apart] = deque()
        self._kept: deque[bytes] = deque()
        self._order = trio.Lock()
        self._counters = provider.counters  # of the generation in which it was opened
        self._subscriptions: set[str] = set()
        self._room = SocketRoom(provider.room)
        self._nursery: trio.Nursery | None = None

    async def serve(self) -> None:
        """Until either side has ended."""
        self._counters.open_websockets += 1
        self._connection.socket = self
        try:
            async with trio.open_nursery() as self._nursery:
                self._nursery.start_soon(self._loudly, self._pump)
                await self._loudly(self._read)
                self._nursery.cancel_scope.cancel()
        finally:
            self._counters.open_websockets -= 1
            self._counters.open_subscriptions -= len(self._subscriptions)
            self._room.give_back(self._room.taken)
            self._connection.socket = self._nursery = None

    def notify(self, subscription: str, event: Any) -> None:
        """Send one event past the faults, before any that comes now, unless the client has unsubscribed."""
        if subscription not in self._subscriptions:
            return
        self._kept.append(notification(subscription, event))
        if self._nursery is not None:
            self._nursery.start_soon(self._loudly, self._send_kept)

    async def _loudly(self, task: Any, *arguments: Any) -> None:
        """A client that left is nothing; a bug ends the socket, and is seen."""
        try:
            await task(*arguments)
        except (trio.BrokenResourceError, trio.ClosedResourceError, Unreachable):
            self.websocket.abort()
        except Exception:
            traceback.print_exc(file=sys.stderr)
            self.websocket.abort()

    # From the client to the node

    async def _read(self) -> None:
        while True:
            self._connection.begin_to_wait()
            text = await self.websocket.receive()
            self._connection.begin_to_work()
            if isinstance(text, Ended):
                await self._session.client_ended(text)
                return
            await self._take(text)

    async def _take(self, text: bytes) -> None:
        counters = self._provider.counters
        counters.messages_ws += 1
        message, elements = read_message("ws", self._connection.number, text)
        for call in message.calls:
            counters.count_call(call.method)
        touches = self._provider.touches(message)
        if not touches.faults and not _is_about_subscriptions(message):
            await self._session.send(text, self._provider.see)
            return
        await self._room.wait()
        if touches.have(*WAITING):
            assert self._nursery is not None
            self._room.take(_cost(text))
            self._nursery.start_soon(self._loudly, self._ask_held, text, elements, touches)
        else:
            await self._ask(text, elements, touches)

    async def _ask_held(self, text: bytes, elements: Sequence[Any], touches: Touches) -> None:
        try:
            await touches.hold()
            await self._ask(text, elements, touches)
        finally:
            self._room.give_back(_cost(text))

    async def _ask(self, text: bytes, elements: Sequence[Any], touches: Touches) -> None:
        if not touches.have(*ON_REPLIES) and not _is_about_subscriptions(touches.message):
            await self._session.send(text, self._provider.see_for(touches))
        elif not elements:
            self._unreadable.append(Apart(touches))
            await self._session.send(text, self._provider.see_for(touches))
        else:
            await self._ask_apart(await take_apart(elements, touches, self._ids))

    async def _ask_apart(self, apart: Apart) -> None:
        question = apart.question
        asked = [item.asked for item in apart.items if item.asked is not None]
        if not asked:
            await self._answer(apart)
        for id_ in asked:
            self._asked[id_] = apart
        if question is not None:
            self._room.take(len(asked) * BYTES_A_TEXT)
            await self._session.send(question, self._provider.see_for(apart.touches))

    # From the node to the client

    async def _pump(self) -> None:
        while True:
            said = await self._session.receive()
            if isinstance(said, Ended):
                await self._end(said)
                return
            async with self._order:
                await self._send_all_kept()
                await self._pass_on(said)

    async def _end(self, said: Ended) -> None:
        if said.code is None:
            self.websocket.abort()
        else:
            await self.websocket.close(said.code, said.reason)

    async def _pass_on(self, text: bytes) -> None:
        if not (self._asked or self._unreadable or EVENT_MARK in text):
            await self.websocket.send(text)
            return
        value = _decoded(text)
        if isinstance(value, dict) and value.get("method") == "eth_subscription":
            await self._send_events(text, value)
        elif (apart := self._answered(value)) is None:
            await self.websocket.send(text)
        elif apart.message.calls and take_answer(apart, value):
            await self._answer(apart)
        else:
            await self._send_reply(apart, text)

    def _answered(self, value: Any) -> Apart | None:
        """The message that this is the answer to, if it waits for one."""
        for reply in value if isinstance(value, list) else [value]:
            id_ = reply.get("id") if isinstance(reply, dict) else None
            if isinstance(id_, str) and id_ in self._asked:
                apart = self._asked[id_]
                self._forget(apart)
                return apart
            if id_ is None and self._unreadable:
                return self._unreadable.popleft()
        return None

    def _forget(self, apart: Apart) -> None:
        asked = [item.asked for item in apart.items if item.asked is not None]
        for id_ in asked:
            del self._asked[id_]
        self._room.give_back(len(asked) * BYTES_A_TEXT)

    async def _answer(self, apart: Apart) -> None:
        for item in apart.items:
            if item.call is not None and item.asked is not None and item.reply is not None:
                self._count_subscription(item.call, item.reply.get("result"))
        body = assemble(apart)
        if body is not None:
            await self._send_reply(apart, body)

    def _count_subscription(self, call: Call, result: Any) -> None:
        """What the node said to eth_subscribe and eth_unsubscribe."""
        before = len(self._subscriptions)
        if call.method == SUBSCRIBE and isinstance(result, str):
            self._counters.subscriptions += 1
            self._subscriptions.add(result)
        elif call.method == UNSUBSCRIBE and result is True:
            self._subscriptions -= {id_ for id_ in call.params or () if isinstance(id_, str)}
        self._counters.open_subscriptions += len(self._subscriptions) - before

    async def _send_reply(self, apart: Apart, body: bytes) -> None:
        await self.websocket.send(apart.touches.change_body(body))

    async def _send_events(self, text: bytes, value: dict[str, Any]) -> None:
        number, params = self._connection.number, value["params"]
        meant = [fault for fault in self._provider.faults if means_event(fault, number)]
        if not meant:
            await self._send_event(text)
            return
        events = [params["result"]]
        for fault in meant:
            id_ = params["subscription"]
            changed = [one for event in events for one in fault.effect.events(number, id_, event)]
            if changed != events or has_no_hooks(fault.effect):
                count_hit(fault, number)
            events = changed
        for event in events:
            await self._send_event(notification(params["subscription"], event))

    async def _send_event(self, text: bytes) -> None:
        await self.websocket.send(text)
        self._provider.counters.events += 1

    async def _send_kept(self) -> None:
        async with self._order:
            await self._send_all_kept()

    async def _send_all_kept(self) -> None:
        while self._kept:
            await self._send_event(self._kept.popleft())


def _is_about_subscriptions(message: Message) -> bool:
    return any(call.method in (SUBSCRIBE, UNSUBSCRIBE) for call in message.calls)


def _cost(text: bytes) -> int:
    return len(text) + BYTES_A_TEXT


def _decoded(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except ValueError:
        return None
