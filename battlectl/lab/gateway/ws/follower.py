"""The provider whose stream of heads is listened to, and who comes after it.

Rule: one provider is followed until its link ends, it rejects, or whoever compares it with the others has it
replaced; then the next is tried, the one just left last. What happened is in the truth, and what speaks of
the provider's WebSocket counts for its breaker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import trio

from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.gateway.ws.block import Block, read_block
from battlectl.lab.gateway.ws.link import Link, LinkFailed, Subscription
from battlectl.lab.gateway.ws.links import Links
from battlectl.lab.gateway.ws.vigil import Vigil
from battlectl.lab.rpc.envelope import RpcError

SUBSCRIBE_SECONDS = 2.0
PAUSE_SECONDS = 0.1  # before what failed is tried again
BLAME_SECONDS = 5.0  # how long a provider that was replaced is tried after all others

THE_LINK_ENDED = "the link ended"
UNBROKEN = frozenset({"retired", "lagging", "forked", "far ahead"})
"""Reasons that say nothing of the provider's WebSocket: no matter for its breaker."""


@dataclass(slots=True, eq=False)
class Followed:
    """The provider whose stream is listened to, and the scope that ends the listening."""

    provider: Provider
    vigil: Vigil
    scope: trio.CancelScope
    newest: str = ""
    doubts: int = 0
    reason: str = ""

    def replace(self, reason: str) -> None:
        """Stop listening to it."""
        self.reason = self.reason or reason
        self.scope.cancel()


Hear = Callable[[Followed, Block | None], None]
"""Told of each head of the stream, and with None that a stream begins; must not wait."""


class Follower:
    """Mutable: whom it follows now, if anyone, and who was left when. With `only`, nobody else is tried."""

    def __init__(self, gateway: Gateway, links: Links, only: Provider | None, hear: Hear) -> None:
        self._gateway, self._links, self._only, self._hear = gateway, links, only, hear
        self._blamed: dict[str, float] = {}
        self.followed: Followed | None = None

    async def run(self) -> None:
        """Follow one provider after the other until cancelled."""
        before: dict[str, str] = {}
        while True:
            provider = self._next_provider()
            if provider is not None:
                reason = await self._follow_one(provider, before)
                self._blamed[provider.id] = self._gateway.clock() + BLAME_SECONDS
                record(self._gateway, "left", provider=provider.id, reason=reason)
                before = before if reason.startswith("not") else {"from": provider.id, "reason": reason}
            await trio.sleep(PAUSE_SECONDS)

    def _next_provider(self) -> Provider | None:
        now = self._gateway.clock()
        strategy = self._gateway.settings.default_strategy
        choose = self._gateway.seams.choose
        candidates = choose(self._gateway, "eth_subscribe", strategy, "ws", None, self._only)
        return min(candidates, key=lambda provider: self._blamed.get(provider.id, now) > now, default=None)

    async def _follow_one(self, provider: Provider, before: dict[str, str]) -> str:
        """Listen to one provider for as long as it is worth it; why it is not any more."""
        gateway = self._gateway
        try:
            link, heads = await self._subscribe(provider)
        except (LinkFailed, RpcError) as error:
            provider.failed("ws", gateway.clock(), gateway.settings.breaker, gateway.truth, str(error))
            return f"not subscribed: {error}"
        record(self._gateway, "subscribed", provider=provider.id)
        if before:
            gateway.truth.record("replacement", kind="newHeads", to=provider.id, **before)
        with trio.CancelScope() as scope:
            self.followed = followed = Followed(provider, gateway.seams.vigil(gateway.clock()), scope)
            self._hear(followed, None)
            try:
                await self._listen(followed, heads)
            finally:
                self.followed = None
                self._links.leave(link, heads)
        self._learn(followed, link)
        return followed.reason

    async def _subscribe(self, provider: Provider) -> tuple[Link, Subscription]:
        with trio.move_on_after(SUBSCRIBE_SECONDS):
            link = await self._links.to(provider)
            return link, await link.subscribe(["newHeads"])
        raise LinkFailed(f"no subscription within {SUBSCRIBE_SECONDS:g} s")

    async def _listen(self, followed: Followed, heads: Subscription) -> None:
        gateway, provider = self._gateway, followed.provider
        async for document in heads.events:
            block = read_block(document)
            if block is None:
                followed.replace("no header")
                return
            if not followed.newest:
                provider.succeeded("ws", gateway.settings.breaker, gateway.truth)
            followed.newest = block.hash
            followed.vigil.hears(block.number, gateway.clock())
            self._hear(followed, block)
        followed.reason = THE_LINK_ENDED

    def _learn(self, followed: Followed, link: Link) -> None:
        """What the end of a stream says of the provider's WebSocket."""
        gateway, provider = self._gateway, followed.provider
        if followed.reason == THE_LINK_ENDED:
            followed.reason = link.ended or THE_LINK_ENDED
        if followed.reason not in UNBROKEN:
            rules = gateway.settings.breaker
            provider.failed("ws", gateway.clock(), rules, gateway.truth, followed.reason)
            link.cut()


def record(gateway: Gateway, what: str, **fields: Any) -> None:
    """An event of the stream of heads, for the truth."""
    gateway.truth.record("stream", kind="newHeads", what=what, **fields)
