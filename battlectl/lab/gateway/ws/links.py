"""The gateway's upstream WebSockets: one for each provider, opened when first needed.

Rule: a provider has at most one link at a time; it is cut when nobody has used it for IDLE_SECONDS, or when
a new configuration has dropped the provider. Calls over a link are attempts like those over HTTP.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from typing import Any

import msgspec
import trio

from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.ws.link import Link, LinkFailed, Subscription
from battlectl.lab.net.upstream import Reply, UpstreamError
from battlectl.lab.net.wire import Headers
from battlectl.lab.net.ws_client import HandshakeFailed, open_socket
from battlectl.lab.rpc import envelope
from battlectl.lab.rpc.envelope import RpcError

CONNECT_SECONDS = 2.0
IDLE_SECONDS = 60.0
SWEEP_SECONDS = 5.0


class Links:
    """Mutable: what is open. `run` must be running, for the links live in its nursery."""

    def __init__(self) -> None:
        self._nursery: trio.Nursery | None = None
        self._open: dict[Provider, Link] = {}
        self._idle_since: dict[Provider, float] = {}
        self._dialling: defaultdict[Provider, trio.Lock] = defaultdict(trio.Lock)

    async def run(self) -> None:
        """Carry the links until cancelled."""
        try:
            async with trio.open_nursery() as self._nursery:
                while True:
                    await trio.sleep(SWEEP_SECONDS)
                    self._sweep(trio.current_time())
        finally:
            self._nursery = None

    async def to(self, provider: Provider) -> Link:
        """The provider's link, opened if need be; raises LinkFailed."""
        async with self._dialling[provider]:
            link = self._open.get(provider)
            if link is not None and link.ended is None:
                return link
            if self._nursery is None or provider.ws_url is None:
                raise LinkFailed("the provider has no WebSocket")
            with trio.move_on_after(CONNECT_SECONDS):
                try:
                    opened: Link = await self._nursery.start(self._carry, provider)
                    return opened
                except HandshakeFailed as failure:
                    raise LinkFailed(str(failure)) from None
            raise LinkFailed(f"no handshake within {CONNECT_SECONDS:g} s")

    def leave(self, link: Link, subscription: Subscription) -> None:
        """End a subscription without waiting for the provider to agree."""

        async def unsubscribe() -> None:
            with trio.move_on_after(CONNECT_SECONDS), suppress(LinkFailed, RpcError):
                await link.unsubscribe(subscription)

        if self._nursery is not None and link.ended is None:
            self._nursery.start_soon(unsubscribe)

    async def post(self, provider: Provider, body: bytes, headers: Headers) -> Reply:
        """One HTTP body's worth of calls over the link; raises UpstreamError. Headers have no place there."""
        value = msgspec.json.decode(body)
        items = value if isinstance(value, list) else [value]
        try:
            link = await self.to(provider)
            replies = await link.exchange([item for item in items if _is_call(item)])
        except* LinkFailed as failures:
            raise UpstreamError(str(failures.exceptions[0])) from None
        replies += [_refusal(item) for item in items if not _is_call(item)]
        if not replies:
            return Reply(204, b"")
        return Reply(200, msgspec.json.encode(replies if isinstance(value, list) else replies[0]))

    async def _carry(self, provider: Provider, task_status: trio.TaskStatus[Link]) -> None:
        assert provider.ws_url is not None
        async with open_socket(provider.ws_url) as socket:
            self._open[provider] = provider.line = link = Link(socket)
            provider.lines += 1
            try:
                task_status.started(link)
                await link.run()
            finally:
                if self._open.get(provider) is link:
                    del self._open[provider]
                    provider.line = None

    def _sweep(self, now: float) -> None:
        for provider, link in list(self._open.items()):
            if not link.is_idle:
                self._idle_since.pop(provider, None)
            elif provider.is_retired or now - self._idle_since.setdefault(provider, now) > IDLE_SECONDS:
                link.cut()
        for provider in [p for p in self._dialling if p.is_retired and p not in self._open]:
            del self._dialling[provider]
            self._idle_since.pop(provider, None)


def _is_call(item: Any) -> bool:
    try:
        envelope.read_call(item)
    except RpcError:
        return False
    return True


def _refusal(item: Any) -> dict[str, Any]:
    error = RpcError(envelope.INVALID_REQUEST, "invalid request")
    return envelope.error_reply(envelope.readable_id(item), error)
