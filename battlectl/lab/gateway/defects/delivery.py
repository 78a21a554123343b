"""Defects of subscriptions: what leaves for one client, and what becomes of its connection."""

from __future__ import annotations

import itertools
from collections import deque
from weakref import WeakSet

import trio

from battlectl.lab.gateway.defects.backfill import replacements
from battlectl.lab.gateway.defects.defect import Defect
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.gateway.ws.outbox import Outbox
from battlectl.lab.gateway.ws.session import LIMIT_EXCEEDED, Session
from battlectl.lab.net.ws_server import WebSocket
from battlectl.lab.rpc.envelope import SERVER_ERROR, RpcError

LOOK_SECONDS = 0.05
ASTRAY = 15  # events, of which one goes to another client
MOST_EVER = 24  # subscriptions in the life of the gateway
SMALL_BUFFER = 4_096  # bytes: what is given to each of very many clients
HELD_BACK = 4  # events that one client has not taken yet


class Orphaned(Outbox):
    """Sends no event any more once the provider that it began with has been replaced."""

    def __init__(self, socket: WebSocket, gateway: Gateway) -> None:
        super().__init__(socket)
        self._gateway, self._begun = gateway, replacements(gateway)

    def put_event(self, event: bytes, subscription: str) -> None:
        """The event, as long as nothing has happened."""
        if replacements(self._gateway) == self._begun:
            super().put_event(event, subscription)


class Renumbered(Outbox):
    """Sends under the id of the subscription that the gateway has now: a new one after a failover."""

    def __init__(self, socket: WebSocket, gateway: Gateway) -> None:
        super().__init__(socket)
        self._gateway, self._begun = gateway, replacements(gateway)

    def put_event(self, event: bytes, subscription: str) -> None:
        """The event under an id that the client was told, or was not."""
        later = replacements(self._gateway) - self._begun
        super().put_event(event, f"{int(subscription, 16) + later:016x}"[-16:])


class Astray(Outbox):
    """Sends an event to another client now and then, in place of its own."""

    def __init__(self, socket: WebSocket, siblings: WeakSet[Astray], turns: itertools.count[int]) -> None:
        super().__init__(socket)
        self._siblings, self._turns = siblings, turns
        siblings.add(self)

    def put_event(self, event: bytes, subscription: str) -> None:
        """To the client, or to any of the others."""
        others = [other for other in self._siblings if other is not self]
        if others and next(self._turns) % ASTRAY == ASTRAY - 1:
            Outbox.put_event(others[0], event, subscription)
            return
        super().put_event(event, subscription)


class InStep(Outbox):
    """Waits with its events until the slowest of all clients has taken its own."""

    def __init__(self, socket: WebSocket, siblings: WeakSet[InStep]) -> None:
        super().__init__(socket)
        socket.shrink(SMALL_BUFFER)
        self._siblings = siblings
        self._held: deque[tuple[bytes, str]] = deque()
        siblings.add(self)

    def put_event(self, event: bytes, subscription: str) -> None:
        """The event after those that are held, if nobody is behind."""
        self._held.append((event, subscription))
        if any(other.waiting > HELD_BACK for other in self._siblings if other is not self):
            return
        while self._held:
            super().put_event(*self._held.popleft())


def _orphan(gateway: Gateway) -> None:
    gateway.seams.outbox = lambda socket: Orphaned(socket, gateway)


def _renumber(gateway: Gateway) -> None:
    gateway.seams.outbox = lambda socket: Renumbered(socket, gateway)


def _lead_astray(gateway: Gateway) -> None:
    siblings: WeakSet[Astray] = WeakSet()
    turns = itertools.count()
    gateway.seams.outbox = lambda socket: Astray(socket, siblings, turns)


def _keep_in_step(gateway: Gateway) -> None:
    siblings: WeakSet[InStep] = WeakSet()
    gateway.seams.outbox = lambda socket: InStep(socket, siblings)


def _cut(gateway: Gateway) -> None:
    sound = gateway.seams.serve_client

    async def serve(session: Session) -> None:
        begun = replacements(gateway)
        async with trio.open_nursery() as nursery:

            async def watch() -> None:
                while replacements(gateway) == begun:  # noqa: ASYNC110 - a counter tells nobody
                    await trio.sleep(LOOK_SECONDS)
                nursery.cancel_scope.cancel()

            nursery.start_soon(watch)
            await sound(session)
            nursery.cancel_scope.cancel()

    gateway.seams.serve_client = serve


def _refuse_after_failover(gateway: Gateway) -> None:
    def admit(session: Session) -> None:
        if replacements(gateway):
            raise RpcError(SERVER_ERROR, "subscription already exists")

    gateway.seams.admit = admit


def _never_release(gateway: Gateway) -> None:
    ever = itertools.count(1)

    def admit(session: Session) -> None:
        if next(ever) > MOST_EVER:
            raise RpcError(LIMIT_EXCEEDED, "too many subscriptions")

    gateway.seams.admit = admit


DEFECTS = (
    Defect(
        name="silent-after-failover",
        area="subscriptions",
        summary="no event ever again on a connection that stays open and answers pings; only a new one helps",
        when="from the first time that the provider of the stream is replaced after the client came",
        finding="continuity",
        plant=_orphan,
    ),
    Defect(
        name="cut-without-close",
        area="subscriptions",
        summary="the connection ends without a close frame, and the client must come back and subscribe anew",
        when="whenever the provider of the stream is replaced",
        finding="continuity",
        plant=_cut,
    ),
    Defect(
        name="new-subscription-id",
        area="subscriptions",
        summary="events go on under an id that the client was never told",
        when="from the first time that the provider of the stream is replaced after the client came",
        finding="continuity",
        plant=_renumber,
    ),
    Defect(
        name="events-to-another-client",
        area="subscriptions",
        summary="an event goes to another client, under an id that means nothing there, and is missing here",
        when="one event in 15, as soon as there are two clients",
        finding="continuity",
        plant=_lead_astray,
    ),
    Defect(
        name="slow-reader-blocks-others",
        area="subscriptions",
        summary="nobody gets an event while one client does not read its own",
        when="while a subscriber reads so slowly that its socket is full",
        finding="continuity",
        plant=_keep_in_step,
    ),
    Defect(
        name="subscribe-refused-after-failover",
        area="subscriptions",
        summary="whoever comes back, or comes new, is refused its subscription",
        when="from the first time that the provider of a stream is replaced",
        finding="continuity",
        plant=_refuse_after_failover,
    ),
    Defect(
        name="subscriptions-never-released",
        area="subscriptions",
        summary="those that have ended count for ever: in the end every subscription is refused with -32005",
        when="from the 25th subscription on: where clients come and go",
        finding="continuity",
        plant=_never_release,
    ),
)
