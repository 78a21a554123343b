"""What looks into replies, and what asks beside the load, in one run.

Rule: looking into replies costs next to nothing and is always done; asking is done where the scenario raises
a check that needs it, or says `watch`. Then the chain is read too, on the path by which streams are judged;
a path through a provider that the scenario breaks is believed in nothing.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import trio

from battlectl.errors import NotReady
from battlectl.jsonrpc.error_shape import secrets_of
from battlectl.jsonrpc.same_json import first_difference
from battlectl.observe.chain_seen import ChainSeen
from battlectl.observe.consistency import PLANNED, WATCH, Book
from battlectl.observe.errors_told import ErrorsTold
from battlectl.observe.first_block import CHECK as CHAIN
from battlectl.observe.first_block import FirstBlock
from battlectl.observe.heads_told import CHECK as HEAD
from battlectl.observe.heads_told import HeadsTold, HeadTerms
from battlectl.observe.leniency import Leniency
from battlectl.observe.pairs import Pairs
from battlectl.observe.recorder import Recorder
from battlectl.plan.watch import PlannedWatch
from battlectl.plan.workload import PlannedWorkload
from battlectl.run.campaign import CampaignRun
from battlectl.run.flow import Inspect
from battlectl.run.inspection import Inspection, Privacy
from battlectl.targets.asking import Asker
from battlectl.targets.control import CallError, Control
from battlectl.targets.site import Site, http_endpoint_for
from battlectl.targets.truth import Witness
from battlectl.targets.watching import SUBJECT, Grounds, Watching

if TYPE_CHECKING:
    from battlectl.commands.engage import Engagement

SETTLE_EVERY = 0.1
LONGEST_SETTLE = 3.0
"""Seconds after the load in which the chain is still read, to settle what is open."""


@dataclass(frozen=True, slots=True)
class Lookout:
    """What a battle needs: see `run.battle.Forces`."""

    inspect: Callable[[PlannedWorkload, Recorder], Inspect]
    settle: Callable[[float], None]
    serves: tuple[Callable[[Recorder, float], Awaitable[None]], ...] = ()


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known before the run: of the target, and of what will be broken."""

    leniency: Leniency
    terms: HeadTerms
    privacy: Privacy
    first_block: str | None = None
    chain: ChainSeen | None = None


class _Judges:
    """The judges of one run, made when it begins. Mutable: workloads come one by one."""

    def __init__(self, known: _Known) -> None:
        self._known = known
        self._first_block: FirstBlock | None = None
        self._pairs: dict[str, Pairs] = {}
        self.settles: list[Callable[[float, bool], None]] = []

    def inspect(self, workload: PlannedWorkload, recorder: Recorder) -> Inspect:
        """What looks into the replies of a workload."""
        known, book, name = self._known, recorder.book, workload.name
        inspection = Inspection(
            workload,
            self.heads(book, name),
            self.first_block(book),
            ErrorsTold(book, name, known.leniency.is_quiet),
            known.privacy,
            self._pairs_of(book, workload),
        )
        self.settles.append(inspection.settle)
        return inspection.look

    def settle(self, t: float) -> None:
        """No reply comes any more: what is open stays open, and is said to."""
        for settle in self.settles:
            settle(t, True)

    def heads(self, book: Book, subject: str) -> HeadsTold:
        """The judge of one client's heads."""
        known = self._known
        return HeadsTold(book, subject, known.terms, known.chain, known.leniency.none_left)

    def first_block(self, book: Book) -> FirstBlock:
        """The one judge of the chain."""
        if self._first_block is None:
            self._first_block = FirstBlock(book, self._known.leniency.is_new, self._known.first_block)
        return self._first_block

    def _pairs_of(self, book: Book, workload: PlannedWorkload) -> Pairs | None:
        if not workload.is_compared:
            return None
        name = workload.twin_of or workload.name
        if name not in self._pairs:
            self._pairs[name] = Pairs(
                book, name, first_difference, self._known.chain, self._known.leniency.is_new
            )
        return self._pairs[name]


@asynccontextmanager
async def open_lookout(
    run: Engagement, site: Site, control: Control, campaign: CampaignRun | None
) -> AsyncIterator[Lookout]:
    """What looks into replies and, where the plan has a watch, what asks; raises `NotReady`."""
    planned, known = run.prepared.plan.watch, _known_of(run, site, campaign)
    if planned is None:
        judges = _Judges(known)
        yield Lookout(judges.inspect, judges.settle)
        return
    async with (
        _open_chain(run, site, control, known) as (known, witness),
        Asker(http_endpoint_for(site, planned.route), control) as asker,
    ):
        judges = _Judges(known)
        watch = _Watch(run, planned, known, judges, asker, witness)
        try:
            yield Lookout(judges.inspect, judges.settle, (watch.serve,))
        finally:
            told = {"rate_per_s": planned.rate, "asked": asker.asked, "unanswered": asker.unanswered}
            run.meta["watch"] = told | _route(planned) | _source(site, known)


def _known_of(run: Engagement, site: Site, campaign: CampaignRun | None) -> _Known:
    target = run.prepared.target
    watch = run.prepared.plan.watch
    notice = target.heads.notice if watch is None or watch.notice is None else watch.notice
    providers = [str(provider["id"]) for provider in site.providers]
    leniency = Leniency(lambda: () if campaign is None else campaign.deeds, providers, notice)
    return _Known(leniency, _terms(run), _privacy(site), first_block=target.genesis)


def _terms(run: Engagement) -> HeadTerms:
    heads = run.prepared.target.heads
    return HeadTerms(heads.back, heads.behind, heads.ahead, heads.within)


def _privacy(site: Site) -> Privacy:
    addresses = [
        (str(provider["id"]), str(provider[key]))
        for provider in site.providers
        for key in ("url", "ws_url")
        if provider.get(key)
    ]
    secrets = dict.fromkeys(secret for id_, url in addresses for secret in secrets_of(id_, url))
    own = [end.authority for end in (site.endpoint, site.ws_endpoint) if end is not None]
    kept = [secret for secret in secrets if not any(secret.text in host for host in own)]
    return Privacy(tuple(kept), tuple(own))


def _route(planned: PlannedWatch) -> dict[str, Any]:
    """Where the questions went, where the scenario says so; headers may be secrets, and so may a path."""
    path = {} if planned.route.path is None else {"path": "of its own"}
    route = {**planned.route.words, **path}
    return {"route": route} if route else {}


def _source(site: Site, known: _Known) -> dict[str, Any]:
    seen = site.witness
    if seen is None or known.chain is None:
        return {"chain": "not read"}
    return {"chain": seen.what, "looked_until_s": round(known.chain.looked, 3) if known.chain.head else None}


def _is_believed(run: Engagement, site: Site) -> bool:
    """Whether the chain is read where the scenario breaks nothing."""
    source = run.prepared.target.truth
    broken = {provider for i in run.prepared.frame.injections for provider in i.providers}
    return site.witness is not None and not (source is not None and source.provider in broken)


@asynccontextmanager
async def _open_chain(
    run: Engagement, site: Site, own: Control, known: _Known
) -> AsyncIterator[tuple[_Known, Witness | None]]:
    seen = site.witness
    if seen is None or not _is_believed(run, site):
        yield known, None
        return
    chain = ChainSeen()
    is_own = seen.endpoint.authority == site.endpoint.authority
    async with Control(seen.endpoint) as other:
        control = own if is_own else other
        try:
            await control.wait_ready("eth_blockNumber", run.prepared.target.ready.within)
        except NotReady as error:
            raise NotReady(f"the chain cannot be read ({seen.what}): {error}") from error
        first = known.first_block or (None if is_own else await _read_first_block(control))
        found = _Known(known.leniency, known.terms, known.privacy, first, chain)
        yield found, Witness(control, chain, seen.every)


async def _read_first_block(control: Control) -> str | None:
    try:
        block = await control.call("eth_getBlockByNumber", ["0x0", False])
        return str(block["hash"]).lower()
    except (CallError, TypeError, KeyError):
        return None


class _Watch:
    """The questions of one run. Mutable: nothing but what it was given is."""

    def __init__(
        self,
        run: Engagement,
        planned: PlannedWatch,
        known: _Known,
        judges: _Judges,
        asker: Asker,
        witness: Witness | None,
    ) -> None:
        self._end = run.prepared.frame.duration
        self._planned = planned
        self._known = known
        self._judges = judges
        self._asker = asker
        self._witness = witness

    async def serve(self, recorder: Recorder, start: float) -> None:
        """From the start to the end of the load, and until what is open can be settled."""
        known, judges, book = self._known, self._judges, recorder.book
        heads = judges.heads(book, SUBJECT)
        grounds = Grounds(book, heads, judges.first_block(book), known.leniency, known.terms, known.chain)
        watching = Watching(self._asker, grounds, start)
        settles = [*judges.settles, heads.settle, watching.settle]
        for check, is_known in ((HEAD, known.chain is not None), (CHAIN, known.first_block is not None)):
            if is_known:
                book.add(0.0, check, "watched" if check == HEAD else "known", SUBJECT)
        book.add(0.0, WATCH, PLANNED, SUBJECT, number=math.ceil(self._end * self._planned.rate))
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._settle, settles, start)
                if self._witness is not None:
                    nursery.start_soon(self._witness.serve, start)
                await self._ask(watching, start)
                await self._see_the_end(start)
                nursery.cancel_scope.cancel()
        finally:
            for settle in (heads.settle, watching.settle):  # Replies of the load may come in the drain yet.
                settle(trio.current_time() - start, True)

    async def _ask(self, watching: Watching, start: float) -> None:
        for due in self._dues(start):
            await trio.sleep_until(due)
            await watching.round()
        await watching.ask_first_block()

    def _dues(self, start: float) -> Iterator[float]:
        """One round follows another, late ones at once; the last is due before the end."""
        number = 0
        while (due := start + number / self._planned.rate) < start + self._end:
            if trio.current_time() >= start + self._end:
                return
            yield due
            number = max(number + 1, int((trio.current_time() - start) * self._planned.rate))

    async def _see_the_end(self, start: float) -> None:
        """Until the chain was read so late that everything before can be settled."""
        chain, end = self._known.chain, trio.current_time() - start
        with trio.move_on_after(LONGEST_SETTLE):
            while chain is not None and chain.looked < end + self._known.terms.settle:  # noqa: ASYNC110
                await trio.sleep(SETTLE_EVERY)

    async def _settle(self, settles: list[Callable[[float, bool], None]], start: float) -> None:
        while True:
            await trio.sleep(SETTLE_EVERY)
            for settle in settles:
                settle(trio.current_time() - start, False)
