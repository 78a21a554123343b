"""One walk along the chain, kept going: the streams of providers, one after the other, and looks at the rest.

Rule: every header, from whatever provider or question, goes through the walk, and only what the walk shows
is published, at once and in order. The stream is a hint that is nearly always right; the looks at the other
providers' heads make up for what it does not say, and are how its silence is noticed. Replacements,
back-fills and what could not be followed are in the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import trio

from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.selection import choose_candidates
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.gateway.ws import inquiry
from battlectl.lab.gateway.ws.block import Block, Place, read_block
from battlectl.lab.gateway.ws.horizon import Horizon
from battlectl.lab.gateway.ws.inquiry import Unanswered
from battlectl.lab.gateway.ws.link import Link, LinkFailed, Subscription
from battlectl.lab.gateway.ws.links import Links
from battlectl.lab.gateway.ws.vigil import BlockTime, Patience, Vigil, patience_for
from battlectl.lab.gateway.ws.walk import Fetch, Lost, Shown, Walk
from battlectl.lab.rpc.envelope import RpcError

SUBSCRIBE_SECONDS = 2.0
PAUSE_SECONDS = 0.1  # before what failed is tried again
BLAME_SECONDS = 5.0  # how long a provider that was replaced is tried after all others
MOST_DOUBTS = 2  # heads of a provider in a row that most others do not have

THE_LINK_ENDED = "the link ended"
UNBROKEN = frozenset({"retired", "lagging", "forked", "far ahead"})
"""Reasons that say nothing of the provider's WebSocket: no matter for its breaker."""

Listener = Callable[[Shown], None]
"""Told of each block in order; must not wait."""


@dataclass(slots=True, eq=False)
class Followed:
    """The provider whose stream is listened to, and the scope that ends the listening."""

    provider: Provider
    vigil: Vigil
    scope: trio.CancelScope
    newest: str = ""
    is_far_off: bool = False
    doubts: int = 0
    reason: str = ""

    def replace(self, reason: str) -> None:
        """Stop listening to it."""
        self.reason = self.reason or reason
        self.scope.cancel()


class Feed:
    """Mutable: the walk, the provider that is followed, and who listens. With `only`, no other is asked."""

    def __init__(
        self, gateway: Gateway, links: Links, only: Provider | None = None, stall_after: float | None = None
    ) -> None:
        self._gateway, self._links, self._only, self._stall_after = gateway, links, only, stall_after
        self._walk: Walk | None = None
        self._pace = BlockTime()
        self._horizon = Horizon()
        self._followed: Followed | None = None
        self._blamed: dict[str, float] = {}
        self._unsettled, self._look_now = trio.Event(), trio.Event()
        self.listeners: list[Listener] = []
        self.anchored = trio.Event()
        self.lost: str | None = None

    @property
    def tip(self) -> Place | None:
        """The newest block published; None before the first is known."""
        return self._walk.tip if self._walk else None

    def has(self, place: Place) -> bool:
        """Whether the block is on the branch that was published."""
        return self._walk is not None and self._walk.branch.has(place.hash)

    def askable(self) -> list[Provider]:
        """Whom to ask over HTTP, those who are most likely to know first."""
        if self._only is not None:
            return [self._only]
        fit = [provider for provider in self._gateway.providers if not provider.is_wrong_chain]
        return sorted(fit, key=_doubt)

    def voters(self) -> list[Provider]:
        """Who has a say in which branch is the chain's: those that move with it."""
        moving = self._horizon.moving(self._gateway.clock(), self._patience().stall)
        asked = self.askable()
        return [provider for provider in asked if provider.id in moving] or asked

    async def run(self) -> None:
        """Follow the chain until cancelled, or until it is lost: `lost` then says why."""
        try:
            await self._anchor()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._follow)
                nursery.start_soon(self._look)
                nursery.start_soon(self._settle)
        except* Lost as losses:
            self.lost = str(losses.exceptions[0])
            self._record("lost", reason=self.lost)

    async def _anchor(self) -> None:
        """Begin at a block that most providers have: what comes after it will be shown."""
        while self._walk is None:
            providers = self.askable()
            found = await inquiry.heads(self._gateway, providers, len(providers) // 2 + 1)
            for block in anchors(found.values()):
                with suppress(Unanswered):
                    if await inquiry.is_canonical(self._gateway, providers, block.place):
                        self._walk = Walk(block)
                        self._pace.saw(block)
                        self.anchored.set()
                        return
            await trio.sleep(PAUSE_SECONDS)

    # The stream

    async def _follow(self) -> None:
        before: dict[str, str] = {}
        while True:
            provider = self._next_provider()
            if provider is not None:
                reason = await self._follow_one(provider, before)
                self._blamed[provider.id] = self._gateway.clock() + BLAME_SECONDS
                self._record("left", provider=provider.id, reason=reason)
                before = before if reason.startswith("not") else {"from": provider.id, "reason": reason}
            await trio.sleep(PAUSE_SECONDS)

    def _next_provider(self) -> Provider | None:
        now = self._gateway.clock()
        strategy = self._gateway.settings.default_strategy
        candidates = choose_candidates(self._gateway, "eth_subscribe", strategy, "ws", only=self._only)
        return min(candidates, key=lambda provider: self._blamed.get(provider.id, now) > now, default=None)

    async def _follow_one(self, provider: Provider, before: dict[str, str]) -> str:
        """Listen to one provider for as long as it is worth it; why it is not any more."""
        assert self._walk is not None
        gateway = self._gateway
        try:
            link, heads = await self._subscribe(provider)
        except (LinkFailed, RpcError) as error:
            provider.failed("ws", gateway.clock(), gateway.settings.breaker, gateway.truth, str(error))
            return f"not subscribed: {error}"
        self._record("subscribed", provider=provider.id)
        if before:
            gateway.truth.record("replacement", kind="newHeads", to=provider.id, **before)
        with trio.CancelScope() as scope:
            vigil = Vigil(gateway.clock(), self._walk.tip.number)
            self._followed = followed = Followed(provider, vigil, scope)
            self._look_now.set()  # what was missed between two streams need not wait for the next block
            try:
                await self._listen(followed, heads)
            finally:
                self._followed = None
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
            shown = self._offer(block, "stream")
            followed.doubts = 0 if shown else followed.doubts
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

    # The looks at the other providers, and what they are for

    async def _look(self) -> None:
        assert self._walk is not None
        while True:
            if self._only is not None and self._only.is_retired:
                raise Lost("the provider asked for is not there any more")
            patience = self._patience()
            with trio.move_on_after(patience.look):
                await self._look_now.wait()
            self._look_now = trio.Event()
            providers = self.askable()
            found = await inquiry.heads(self._gateway, providers, len(providers))
            self._horizon.saw({id_: block.number for id_, block in found.items()}, self._gateway.clock())
            for block in found.values():
                self._offer(block, "look")
            self._judge(self._walk.tip.number if found else None, patience)

    def _patience(self) -> Patience:
        return patience_for(self._pace.seconds, self._stall_after)

    def _offer(self, block: Block, how: str) -> list[Shown]:
        """Let the walk have a head, unless it is further than any chain can have come by now."""
        assert self._walk is not None
        if self._is_far_off(block.number):
            self._look_now.set()  # the others may have come as far
            return []
        shown = self._walk.offer(block)
        self._publish(shown, how)
        return shown

    def _is_far_off(self, number: int) -> bool:
        patience = self._patience()
        return self._horizon.is_beyond(number, self._gateway.clock(), self._pace.seconds, patience.stall)

    def _judge(self, best: int | None, patience: Patience) -> None:
        """What has been shown is what the provider should have sent by now."""
        followed = self._followed
        if followed is None:
            return
        is_known = followed.provider in self._gateway.providers and not followed.provider.is_wrong_chain
        reason = followed.vigil.sees(best, self._gateway.clock(), patience) if is_known else "retired"
        is_far_off = followed.vigil.head is not None and self._is_far_off(followed.vigil.head)
        if is_far_off and followed.is_far_off:
            reason = "far ahead"
        followed.is_far_off = is_far_off
        if reason is not None:
            followed.replace(reason)

    async def _settle(self) -> None:
        """Answer the walk's questions as they come up."""
        assert self._walk is not None
        while True:
            self._unsettled = trio.Event()
            want = self._walk.wanted()
            if want is None:
                await self._unsettled.wait()
                continue
            try:
                await self._answer(self._walk, want.hash, want.number, isinstance(want, Fetch))
            except Unanswered:
                await trio.sleep(PAUSE_SECONDS)

    async def _answer(self, walk: Walk, hash_: str, number: int, is_fetch: bool) -> None:
        if is_fetch:
            block = await inquiry.block_by_hash(self._gateway, self.askable(), hash_)
            self._publish(walk.found(block) if block else walk.unknown(hash_), "back-fill")
            return
        place = Place(number, hash_)
        is_canonical = await inquiry.is_canonical(self._gateway, self.voters(), place)
        heads = walk.heads_above(hash_)
        self._publish(walk.judged(hash_, is_canonical), "reorg")
        followed = self._followed
        if not is_canonical and followed is not None and followed.newest in heads:
            # Once may be the first to see a reorg; the others will have it by the next block.
            followed.doubts += 1
            if followed.doubts >= MOST_DOUBTS:
                followed.replace("forked")

    def _publish(self, shown: Sequence[Shown], how: str) -> None:
        for item in shown:
            self._pace.saw(item.block)
            self._gateway.show(item.block.number)  # what a client was told over WebSocket holds over HTTP too
            for listener in self.listeners.copy():
                listener(item)
        if shown and how != "stream":
            first, last = shown[0].block.number, shown[-1].block.number
            self._record(how, first=first, last=last, blocks=len(shown))
        self._unsettled.set()

    def _record(self, what: str, **fields: Any) -> None:
        self._gateway.truth.record("stream", kind="newHeads", what=what, **fields)


def anchors(heads: Iterable[Block]) -> list[Block]:
    """Where to begin, the best first: the newest block that most have reached, then any."""
    falling = sorted(heads, key=lambda block: block.number, reverse=True)
    middle = len(falling) // 2
    return [*falling[middle:], *falling[:middle]]


def _doubt(provider: Provider) -> tuple[bool, bool]:
    return provider.breakers["http"].state == "open", provider.is_lagging or provider.is_forked
