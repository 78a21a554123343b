"""What a fault can do to a provider: the hooks, in the order in which a request meets them.

Rule: an effect that leaves a hook alone changes nothing there, so a fault's file holds only what it breaks.
Hooks are asked on every request while the fault is in force and never after it was healed; what waits
inside a hook is released by the healing. A fault draws its chances from its own seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import trio

from battlectl.lab.chain.chain import View
from battlectl.lab.net.wire import Response
from battlectl.lab.rpc.envelope import Call

Transport = Literal["http", "ws"]
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One HTTP body or WebSocket text: its calls in order, none of them when it cannot be read.

    `connection` counts the connections of a provider from 1, in the order in which they were accepted.
    """

    transport: Transport
    connection: int
    calls: tuple[Call, ...] = ()
    is_batch: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """The bytes of one HTTP answer on their way out.

    From byte `slow_from` on they leave at `bytes_per_s`; None is at once. After `cut_after` bytes (None: all)
    the connection is kept, closed (FIN) or reset (RST), whatever the answer's headers say.
    """

    data: bytes
    bytes_per_s: float | None = None
    slow_from: int = 0
    cut_after: int | None = None
    ending: Literal["keep", "close", "reset"] = "keep"

    def with_changes(self, **changes: Any) -> Delivery:
        """The same delivery with some fields replaced."""
        return replace(self, **changes)


class Place(Protocol):
    """What an effect may do to its provider beyond answering hooks; the provider implements it."""

    @property
    def is_simulated(self) -> bool:
        """Whether `view` is asked: a relay has no view; faults of state change calls and replies there."""

    async def head(self) -> int:
        """The number of the newest block that the provider knows, faults apart."""

    async def fork_start(self, depth: int, salt: int) -> int:
        """The first block of a branch that replaces the newest `depth`; one for all who ask at about once."""

    def refresh(self) -> None:
        """Look again whether the provider listens: to be called when `listens` has changed."""

    def reset_connections(self, which: Callable[[int], bool]) -> int:
        """Reset (RST) the open connections whose number passes; returns how many."""

    def close_websockets(self, code: int | None, which: Callable[[int], bool]) -> int:
        """Close those WebSockets with this code, or cut them without a close frame when it is None."""

    def notify(self, connection: int, subscription: str, event: Document) -> None:
        """Send one event past the faults, as after healing what was kept back; the gone are forgotten."""

    def restart(self) -> None:
        """Begin anew as a fresh process would: connections reset, subscriptions gone, generation + 1."""

    def start_soon(self, task: Callable[[], Any]) -> None:
        """Run an async function beside the provider, until the fault is healed."""


class Effect:
    """One fault in force: the base does nothing. `healed` is set when it has been removed.

    `strikes(connection)` says whether a connection is meant, and counts it; an effect that goes at
    connections by itself asks it. Whoever makes the fault sets it.
    """

    def __init__(self) -> None:
        self.healed = trio.Event()
        self.strikes: Callable[[int], bool] = lambda connection: True

    # The connection

    @property
    def listens(self) -> bool:
        """Whether the provider's port is open: False refuses connections as a dead process does."""
        return True

    @property
    def accepts(self) -> bool:
        """Whether connections are taken from the kernel: False leaves clients connected and unheard."""
        return True

    def accepted(self, connection: int) -> bool:
        """Whether a new connection may live; False resets it at once."""
        return True

    def idle_seconds(self, connection: int) -> float | None:
        """How long a connection may wait for its next request before it is reset; None: as always.

        Infinity is that nothing ends it, the server's own patience included.
        """
        return None

    def handshake(self, connection: int) -> Response | None:
        """What refuses a WebSocket handshake, or None to let it pass."""
        return None

    def is_deaf(self, connection: int) -> bool:
        """Whether a WebSocket's frames are swallowed unread: no reply, no pong, no close handshake."""
        return False

    # A request

    async def hold(self, message: Message) -> None:
        """Return when the answer may be made: at once, late, or never (released when healed)."""

    def view(self, view: View) -> View:
        """What of the chain a simulated node shows."""
        return view

    def answer(self, message: Message, call: Call) -> Document | None:
        """A whole response object in place of the provider's own answer, or None."""
        return None

    async def ask(self, message: Message, call: Call) -> Call:
        """The call as it is passed on to the node, real or simulated."""
        return call

    def reply(self, message: Message, call: Call, reply: Document) -> Document:
        """The response object to one call, changed; the one given may be shared and stays as it is."""
        return reply

    def replies(self, message: Message, replies: list[Document]) -> list[Document]:
        """The response objects of a batch, in the order of the calls that want an answer."""
        return replies

    def body(self, message: Message, body: bytes) -> bytes:
        """The encoded answer: an HTTP body or a WebSocket text."""
        return body

    def response(self, message: Message, response: Response) -> Response:
        """The HTTP answer."""
        return response

    def delivery(self, message: Message, delivery: Delivery) -> Delivery:
        """How the HTTP answer's bytes leave."""
        return delivery

    # A subscription

    def events(self, connection: int, subscription: str, event: Document) -> list[Document]:
        """What is sent in place of one notification's `params.result`: nothing, it, or several."""
        return [event]

    # Its own life

    async def start(self, place: Place) -> None:
        """Called once, before the hooks are: what happens at the moment of injection."""

    async def stop(self, place: Place) -> None:
        """Called once, after the hooks: what has to be put back beyond their silence."""

    async def wait(self, seconds: float) -> None:
        """Sleep, but no longer than the fault lives."""
        with trio.move_on_after(seconds):
            await self.healed.wait()
