"""One open WebSocket of a client, what is under way on it, and what a message on it answers.

Rule: an answer is matched by its id alone, exactly as it was sent. Ids are matched here and not by
`jsonrpc.session`: that would read every reply whole where the id is enough, for what a reply is worth is
judged later, once, as those of HTTP are; and a transport knows no more of JSON-RPC than ids.
"""

from __future__ import annotations

import math

import msgspec
import trio

from battlectl.observe import unasked
from battlectl.transport.base import Exchange
from battlectl.transport.ws_socket import Socket

MOST_USED = 4096
"""Ids of requests that have ended and are remembered."""


class _Named(msgspec.Struct):
    """Of a request or a reply, its id."""

    id: int | str | float | None = None


class _Other(msgspec.Struct):
    """Of a message without an id, what it is."""

    method: str | msgspec.UnsetType = msgspec.UNSET
    error: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_ONE = msgspec.json.Decoder(_Named)
_MANY = msgspec.json.Decoder(list[_Named])
_OTHER = msgspec.json.Decoder(_Other)


class Line:
    """One open socket and what is under way on it. Mutable: it is that."""

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self._by_id: dict[object, Exchange] = {}
        self._used: dict[object, str] = {}
        self._outbox, self._inbox = trio.open_memory_channel[Exchange](math.inf)

    def take(self, exchange: Exchange) -> None:
        """Send it as soon as those before it are sent."""
        exchange.carrier = self
        for name in _ids(exchange.body):
            self._by_id[name] = exchange
        self._outbox.send_nowait(exchange)

    async def write(self) -> None:
        """Send what is taken; until cancelled."""
        async for exchange in self._inbox:
            if exchange.done is None:
                exchange.sent = trio.current_time()
                await self.socket.send(exchange.body)

    def match(self, message: bytes) -> Exchange | None:
        """What a message answers, None where it answers nothing that is under way.

        An error that names no id is about the only request under way, or about nobody knows which.
        """
        names = _ids(message)
        if not names and len(self._by_id) == 1 and _is_nameless_error(message):
            return next(iter(self._by_id.values()))
        return next((self._by_id[name] for name in names if name in self._by_id), None)

    def under_way(self) -> list[Exchange]:
        """Everything that was taken and has not ended."""
        return list(dict.fromkeys(self._by_id.values()))

    def kind_of(self, message: bytes) -> str | None:
        """What a message is that answers nothing; None for metadata about a reply."""
        names = _ids(message)
        if names:
            kinds = {self._used.get(name, unasked.TO_NOTHING) for name in names}
            self._used.update((name, unasked.SECOND) for name in names if name in self._used)
            return next(kind for kind in (unasked.TO_NOTHING, unasked.SECOND, unasked.LATE) if kind in kinds)
        return _kind_without_id(message)

    def forget(self, exchange: Exchange, kind: str) -> None:
        """It has ended: another answer to it would be of this kind."""
        for name in _ids(exchange.body):
            if self._by_id.get(name) is exchange:
                del self._by_id[name]
                self._used[name] = kind
        while len(self._used) > MOST_USED:
            del self._used[next(iter(self._used))]


def _kind_without_id(message: bytes) -> str | None:
    other = _read_other(message)
    if other is None:
        return unasked.NO_MESSAGE
    if other.method is not msgspec.UNSET:
        known = {"lasso_meta": None, "eth_subscription": unasked.NOT_SUBSCRIBED}
        return known.get(other.method, unasked.FOREIGN)
    return unasked.NAMELESS if other.error is not msgspec.UNSET else unasked.NO_MESSAGE


def _is_nameless_error(message: bytes) -> bool:
    other = _read_other(message)
    return other is not None and other.error is not msgspec.UNSET and other.method is msgspec.UNSET


def _read_other(message: bytes) -> _Other | None:
    try:
        return _OTHER.decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _ids(message: bytes) -> list[object]:
    """The ids of a message or a batch; none of what is no JSON-RPC."""
    try:
        if message.lstrip()[:1] == b"[":
            return [one.id for one in _MANY.decode(message) if one.id is not None]
        name = _ONE.decode(message).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    return [] if name is None else [name]
