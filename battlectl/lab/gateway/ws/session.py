"""One client's WebSocket: its calls, its subscriptions, and when it is closed.

Rule: calls are answered as their answers come, at most MOST_UNDER_WAY at a time, then the client waits; the
answer to eth_subscribe leaves before the first event. A message without id is carried out and not answered.
A client that would miss a block, or is too slow, is closed with 1013: it can come back and ask.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec
import trio

from battlectl.lab.gateway.meta import meta_document, new_request_id
from battlectl.lab.gateway.questions import Question, read_question
from battlectl.lab.gateway.routes import Route
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.gateway.ws.hub import Hub, NoFeed
from battlectl.lab.gateway.ws.outbox import TooSlow
from battlectl.lab.gateway.ws.subscribing import Heads, read_subscribe, read_unsubscribe
from battlectl.lab.net.ws_server import Ended, WebSocket, keep_pinging
from battlectl.lab.rpc import envelope
from battlectl.lab.rpc.envelope import INVALID_REQUEST, PARSE_ERROR, SERVER_ERROR, Call, RpcError

MOST_UNDER_WAY = 64
MOST_SUBSCRIPTIONS = 128
LIMIT_EXCEEDED = -32005
PING_SECONDS = 30.0
PING_MISSES = 2

GOING_AWAY, INTERNAL_ERROR, TRY_AGAIN_LATER = 1001, 1011, 1013


@dataclass(slots=True, eq=False)
class ClientSubscription:
    """One of a client's subscriptions; `leave` is set once somebody is listened to."""

    id: str
    session: Session
    leave: Callable[[], None] | None = None

    def hear(self, event: bytes) -> None:
        """A header or a log."""
        try:
            self.session.outbox.put_event(event, self.id)
        except TooSlow:
            self.session.drop()

    def give_up(self, reason: str) -> None:
        """Blocks would be missing from here on."""
        self.session.close_soon(TRY_AGAIN_LATER, reason)

    def end(self) -> None:
        """Listen to nobody any more."""
        leave, self.leave = self.leave, None
        if leave is not None:
            leave()


class Session:
    """Mutable: the subscriptions of one connection, and how it is to be closed."""

    def __init__(self, gateway: Gateway, hub: Hub, route: Route, socket: WebSocket) -> None:
        self._gateway, self._hub, self._route, self._socket = gateway, hub, route, socket
        self._only = gateway.find(route.provider) if route.provider else None
        self._subscriptions: dict[str, ClientSubscription] = {}
        self._room = trio.Semaphore(MOST_UNDER_WAY)
        self._scope = trio.CancelScope()
        self._closing: tuple[int, str] | None = None
        self.outbox = gateway.seams.outbox(socket)

    async def run(self) -> None:
        """Serve the client until either side ends it."""
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._send_all)
                    nursery.start_soon(self._ping)
                    await self._receive_all(nursery)
                    nursery.cancel_scope.cancel()
        finally:
            for subscription in self._subscriptions.values():
                subscription.end()
        if self._closing is not None:
            await self._socket.close(*self._closing)

    def close_soon(self, code: int, reason: str) -> None:
        """End the connection when what is queued has left."""
        self._closing = self._closing or (code, reason)
        self.outbox.end()

    def drop(self) -> None:
        """End it now: the client is too slow to be told anything in time."""
        self._closing = self._closing or (TRY_AGAIN_LATER, "too slow to keep up")
        self._scope.cancel()

    async def _send_all(self) -> None:
        # An end that is noticed here is not ours to act on: the receiver has yet to return the close frame.
        with suppress(trio.BrokenResourceError):
            await self.outbox.run()
            self._scope.cancel()

    async def _ping(self) -> None:
        await trio.sleep(PING_SECONDS)
        with suppress(trio.BrokenResourceError):
            await keep_pinging(self._socket, PING_SECONDS, PING_MISSES)
            self._closing = (GOING_AWAY, "no pong")
            self._scope.cancel()

    async def _receive_all(self, nursery: trio.Nursery) -> None:
        while not isinstance(text := await self._socket.receive(), Ended):
            await self._room.acquire()
            nursery.start_soon(self._take, text)

    async def _take(self, text: bytes) -> None:
        try:
            await self._answer(text)
        except TooSlow:
            self.drop()
        finally:
            self._room.release()

    async def _answer(self, text: bytes) -> None:
        try:
            value = envelope.decode(text)
        except RpcError:
            self._put(None, RpcError(PARSE_ERROR, "Parse error"))
            return
        if isinstance(value, list) and self._gateway.settings.revision == "2025-10":
            self.close_soon(INTERNAL_ERROR, "")
            return
        try:
            await self._answer_one(value, text)
        except RpcError as error:
            self._put(envelope.readable_id(value), error)

    async def _answer_one(self, value: Any, text: bytes) -> None:
        if not isinstance(value, dict) or "jsonrpc" not in value:
            raise RpcError(INVALID_REQUEST, "Invalid Request: missing jsonrpc field")
        call = envelope.read_call(value)
        if call.method == "eth_subscribe":
            await self._subscribe(call)
        elif call.method == "eth_unsubscribe":
            self._put_result(call, self._unsubscribe(read_unsubscribe(call.params)))
        else:
            await self._pass_on(call, value, text)

    async def _subscribe(self, call: Call) -> None:
        wanted = read_subscribe(call.params)
        if not call.wants_answer:
            return  # nobody would know the events by their id
        if len(self._subscriptions) >= MOST_SUBSCRIPTIONS:
            raise RpcError(LIMIT_EXCEEDED, f"at most {MOST_SUBSCRIPTIONS} subscriptions per connection")
        self._gateway.seams.admit(self)
        subscription = ClientSubscription(self._gateway.seams.subscription_id(), self)
        self._subscriptions[subscription.id] = subscription
        try:
            if isinstance(wanted, Heads):
                subscription.leave = await self._hub.listen_to_heads(self._only, subscription)
            else:
                subscription.leave = await self._hub.listen_to_logs(
                    self._only, wanted.wanted, wanted.query, subscription
                )
        except NoFeed:
            raise RpcError(SERVER_ERROR, "no provider to subscribe at") from None
        finally:
            if subscription.leave is None:
                del self._subscriptions[subscription.id]
        self._put_result(call, subscription.id)  # nothing was awaited since: no event is before it

    def _unsubscribe(self, id_: str) -> bool:
        subscription = self._subscriptions.get(id_)
        if subscription is None or subscription.leave is None:
            return False
        del self._subscriptions[id_]
        subscription.end()
        return True

    async def _pass_on(self, call: Call, value: dict[str, Any], text: bytes) -> None:
        gateway, route = self._gateway, self._route
        began = gateway.clock()
        wants_meta = value.pop("lasso_meta", None) == "notify"
        outcome = None
        if call.method == "eth_chainId" and not route.is_own:
            # As over HTTP: in upper case, and no proof of any provider.
            self._put_result(call, f"0x{gateway.settings.chain_id:X}")
        else:
            body = msgspec.json.encode(value) if wants_meta else text
            question: Question = read_question(value, body, (), gateway.settings.batch_limit)
            outcome = await gateway.seams.forward(
                gateway, question, route.strategy, route.transport, self._only
            )
            if outcome.body:
                self.outbox.put(outcome.body)
        if wants_meta and call.wants_answer:
            strategy = route.strategy or gateway.settings.default_strategy
            seconds = gateway.clock() - began
            meta = meta_document(gateway.settings, new_request_id(), strategy, "ws", outcome, seconds)
            note = {"jsonrpc": "2.0", "method": "lasso_meta", "params": meta}
            self.outbox.put(msgspec.json.encode(note))

    def _put_result(self, call: Call, result: Any) -> None:
        if call.wants_answer:
            self.outbox.put(msgspec.json.encode({"jsonrpc": "2.0", "id": call.id, "result": result}))

    def _put(self, id_: Any, error: RpcError) -> None:
        self.outbox.put(msgspec.json.encode(envelope.error_reply(id_, error)))
