"""Defects of subscriptions: the way of a head to the clients, through failovers, gaps and reorgs."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

from battlectl.lab.gateway.defects.defect import Defect
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.gateway.ws.block import Block
from battlectl.lab.gateway.ws.vigil import Patience, Vigil
from battlectl.lab.gateway.ws.walk import Shown, Walk

REPEATED = 2  # blocks that are sent again
REMEMBERED = 256  # headers by number
FORGOTTEN = 40  # blocks, of which one is


class TrustingWalk(Walk):
    """Shows whatever is new as it comes: what does not link is not asked about."""

    def offer(self, block: Block) -> list[Shown]:
        """The block, whatever is missing before it."""
        if not self._is_news(block):
            return []
        dropped = self.branch.cut(block.parent) if self.branch.has(block.parent) else ()
        self.branch.grow(block.place)
        return [Shown(block, dropped)]


class TrustingVigil(Vigil):
    """Takes a provider that answers pings for one that is well."""

    __slots__ = ()

    def sees(self, best: int | None, now: float, patience: Patience) -> str | None:
        """Nothing, whatever others have."""
        return None


class ImpatientVigil(Vigil):
    """Judges a provider by its own silence: there is nobody to compare it with."""

    __slots__ = ()

    def sees(self, best: int | None, now: float, patience: Patience) -> str | None:
        """Why it should be replaced, if it should."""
        return "stalled" if now - self.heard > patience.stall else None


def replacements(gateway: Gateway) -> int:
    """How often the provider of the stream has been replaced."""
    return gateway.truth.totals["replacement"]


def _hear_the_stream_only(gateway: Gateway) -> None:
    """What the other providers show is no news: only the stream is."""
    sound = gateway.seams.offer

    def offer(walk: Walk, block: Block, how: str) -> list[Shown]:
        return sound(walk, block, how) if how == "stream" else []

    gateway.seams.offer = offer


def _start_anew(gateway: Gateway) -> None:
    _hear_the_stream_only(gateway)
    gateway.seams.walk, gateway.seams.vigil = TrustingWalk, ImpatientVigil
    sound, before = gateway.seams.offer, 0

    def offer(walk: Walk, block: Block, how: str) -> list[Shown]:
        nonlocal before
        if how == "stream" and replacements(gateway) != before:
            before = replacements(gateway)
            return []  # the first head of a new stream only says where it begins
        return sound(walk, block, how)

    gateway.seams.offer = offer


def _fill_late(gateway: Gateway) -> None:
    _hear_the_stream_only(gateway)
    gateway.seams.vigil = ImpatientVigil
    sound = gateway.seams.publish

    def publish(shown: Sequence[Shown], how: str) -> Sequence[Shown]:
        found = sound(shown, how)
        return found if len(found) < 2 or found[0].dropped else [found[-1], *found[:-1]]

    gateway.seams.publish = publish


def _say_again(gateway: Gateway) -> None:
    sound, before = gateway.seams.publish, 0
    newest: list[Shown] = []

    def publish(shown: Sequence[Shown], how: str) -> Sequence[Shown]:
        nonlocal before
        found = list(sound(shown, how))
        again = newest[-REPEATED:] if found and replacements(gateway) != before else []
        if found:
            before = replacements(gateway)
        newest.extend(replace(item, dropped=()) for item in found)
        del newest[:-REPEATED]
        return [*again, *found]

    gateway.seams.publish = publish


def _only_higher(gateway: Gateway) -> None:
    sound, highest = gateway.seams.publish, -1

    def publish(shown: Sequence[Shown], how: str) -> Sequence[Shown]:
        nonlocal highest
        news = [item for item in sound(shown, how) if item.block.number > highest]
        highest = max([highest, *(item.block.number for item in news)])
        return news

    gateway.seams.publish = publish


def _keep_headers_by_number(gateway: Gateway) -> None:
    sound = gateway.seams.publish
    kept: OrderedDict[int, Block] = OrderedDict()

    def cached(item: Shown) -> Shown:
        block = kept.setdefault(item.block.number, item.block)
        if len(kept) > REMEMBERED:
            kept.popitem(last=False)
        return replace(item, block=block)

    gateway.seams.publish = lambda shown, how: [cached(item) for item in sound(shown, how)]


def _forget_each_fortieth(gateway: Gateway) -> None:
    sound, turns = gateway.seams.publish, itertools.count(1)
    gateway.seams.publish = lambda shown, how: [
        item for item in sound(shown, how) if next(turns) % FORGOTTEN != FORGOTTEN // 2
    ]


def _trust_pings(gateway: Gateway) -> None:
    _hear_the_stream_only(gateway)
    gateway.seams.vigil = TrustingVigil


def _keep_what_was_removed(gateway: Gateway) -> None:
    gateway.seams.take_back = lambda logs: []


def _ask_one_for_logs(gateway: Gateway) -> None:
    gateway.seams.log_witnesses = 1


DEFECTS = (
    Defect(
        name="gap-not-filled",
        area="subscriptions",
        summary="what came between two providers' streams is never sent, nor is the new one's first block",
        when="whenever the provider of the stream is replaced: it dies, stalls or rejects",
        finding="continuity",
        plant=_start_anew,
    ),
    Defect(
        name="backfill-out-of-order",
        area="subscriptions",
        summary="blocks that were missed are sent after the newer one that showed that they were",
        when="whenever a gap is filled: the stream stalls for more than a block, or leaves one out",
        finding="continuity",
        plant=_fill_late,
    ),
    Defect(
        name="duplicates-after-resume",
        area="subscriptions",
        summary="the last two blocks are sent a second time",
        when="whenever the provider of the stream is replaced",
        finding="continuity",
        plant=_say_again,
    ),
    Defect(
        name="reorg-not-announced",
        area="subscriptions",
        summary="blocks of a new branch are never sent up to the height that was shown: they seem old",
        when="at each reorg, which must replace a block that was shown",
        finding="continuity",
        plant=_only_higher,
    ),
    Defect(
        name="reorg-announced-as-before",
        area="subscriptions",
        summary="what a reorg replaces is sent again as it was: headers are kept by number, not by hash",
        when="at each reorg, which must replace a block that was shown",
        finding="continuity",
        plant=_keep_headers_by_number,
    ),
    Defect(
        name="stream-loses-blocks",
        area="subscriptions",
        summary="a block is never sent to anybody, and the next one is",
        when="always; one block in 40",
        finding="continuity",
        plant=_forget_each_fortieth,
    ),
    Defect(
        name="stall-not-noticed",
        area="subscriptions",
        summary="no block comes for as long as the provider of the stream answers pings and sends nothing",
        when="while the provider of the stream stalls",
        finding="continuity",
        plant=_trust_pings,
    ),
    Defect(
        name="removed-logs-lost",
        area="subscriptions",
        summary="logs of a block that is gone are never taken back with `removed: true`",
        when="at a reorg, for subscribers of logs, if there are logs in the blocks it replaces",
        finding="continuity",
        plant=_keep_what_was_removed,
    ),
    Defect(
        name="logs-from-one-witness",
        area="subscriptions",
        summary="logs that the first provider leaves out are never sent",
        when="while the first provider that answers leaves logs out; subscribers of logs only",
        finding="continuity",
        plant=_ask_one_for_logs,
    ),
)
