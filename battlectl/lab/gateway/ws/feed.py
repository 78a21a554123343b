"""One walk along the chain, kept going: the streams of providers, one after the other, and looks at the rest.

Rule: every header, from whatever provider or question, goes through the walk, and only what the walk shows
is published, at once and in order. The stream is a hint that is nearly always right; the looks at the other
providers' heads make up for what it does not say, and are how its silence is noticed. Replacements,
back-fills and what could not be followed are in the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

import trio

from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.gateway.ws import inquiry
from battlectl.lab.gateway.ws.block import Block, Place
from battlectl.lab.gateway.ws.follower import Followed, Follower, record
from battlectl.lab.gateway.ws.horizon import Horizon
from battlectl.lab.gateway.ws.inquiry import Unanswered
from battlectl.lab.gateway.ws.links import Links
from battlectl.lab.gateway.ws.vigil import BlockTime, Patience, patience_for
from battlectl.lab.gateway.ws.walk import Fetch, Lost, Shown, Walk

PAUSE_SECONDS = 0.1  # before what failed is tried again
MOST_DOUBTS = 2  # heads of a provider in a row that most others do not have

Listener = Callable[[Shown], None]
"""Told of each block in order; must not wait."""


class Feed:
    """Mutable: the walk, the provider that is followed, and who listens. With `only`, no other is asked."""

    def __init__(
        self, gateway: Gateway, links: Links, only: Provider | None = None, stall_after: float | None = None
    ) -> None:
        self._gateway, self._only, self._stall_after = gateway, only, stall_after
        self._walk: Walk | None = None
        self._pace = BlockTime()
        self._horizon = Horizon()
        self.follower = Follower(gateway, links, only, self._hear)
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
                nursery.start_soon(self.follower.run)
                nursery.start_soon(self._look)
                nursery.start_soon(self._settle)
        except* Lost as losses:
            self.lost = str(losses.exceptions[0])
            record(self._gateway, "lost", reason=self.lost)

    async def _anchor(self) -> None:
        """Begin at a block that most providers have: what comes after it will be shown."""
        while self._walk is None:
            providers = self.askable()
            found = await inquiry.heads(self._gateway, providers, len(providers) // 2 + 1)
            for block in anchors(found.values()):
                with suppress(Unanswered):
                    if await inquiry.is_canonical(self._gateway, providers, block.place):
                        self._walk = self._gateway.seams.walk(block)
                        self._pace.saw(block)
                        self.anchored.set()
                        return
            await trio.sleep(PAUSE_SECONDS)

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

    def _hear(self, followed: Followed, block: Block | None) -> None:
        """A head from the stream, or None when a stream begins."""
        if block is None:
            followed.vigil.head = self._walk.tip.number if self._walk else None
            self._look_now.set()  # what was missed between two streams need not wait for the next block
        elif self._is_far_off(block):
            followed.replace("far ahead")
        elif self._offer(block, "stream"):
            followed.doubts = 0

    def _offer(self, block: Block, how: str) -> bool:
        """Let the walk have a head, unless it is further than any chain can have come; whether it shows."""
        assert self._walk is not None
        if self._is_far_off(block):
            return False
        shown = self._gateway.seams.offer(self._walk, block, how)
        self._publish(shown, how)
        return bool(shown)

    def _is_far_off(self, block: Block) -> bool:
        now, unix, pace = self._gateway.clock(), self._gateway.truth.clock(), self._pace.seconds
        return self._horizon.is_beyond(block, now, unix, pace, self._patience().stall)

    def _judge(self, best: int | None, patience: Patience) -> None:
        """What has been shown is what the provider should have sent by now."""
        followed = self.follower.followed
        if followed is None:
            return
        is_known = followed.provider in self._gateway.providers and not followed.provider.is_wrong_chain
        reason = followed.vigil.sees(best, self._gateway.clock(), patience) if is_known else "retired"
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
        followed = self.follower.followed
        if not is_canonical and followed is not None and followed.newest in heads:
            # Once may be the first to see a reorg; the others will have it by the next block.
            followed.doubts += 1
            if followed.doubts >= MOST_DOUBTS:
                followed.replace("forked")

    def _publish(self, walked: Sequence[Shown], how: str) -> None:
        shown = self._gateway.seams.publish(walked, how)
        for item in shown:
            self._pace.saw(item.block)
            self._gateway.show(item.block.number)  # what a client was told over WebSocket holds over HTTP too
            for listener in self.listeners.copy():
                listener(item)
        if shown and how != "stream":
            first, last = shown[0].block.number, shown[-1].block.number
            record(self._gateway, how, first=first, last=last, blocks=len(shown))
        self._unsettled.set()


def anchors(heads: Iterable[Block]) -> list[Block]:
    """Where to begin, the best first: the newest block that most have reached, then any."""
    falling = sorted(heads, key=lambda block: block.number, reverse=True)
    middle = len(falling) // 2
    return [*falling[middle:], *falling[:middle]]


def _doubt(provider: Provider) -> tuple[bool, bool]:
    return provider.breakers["http"].state == "open", provider.is_lagging or provider.is_forked
