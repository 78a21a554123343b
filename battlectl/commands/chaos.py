"""`battlectl chaos inject`: one fault at one provider, for a while, proven and healed.

Rule: it is a campaign like that of a run, with one fault and no load: the provider is asked before, all
through it and after, and whatever ends it (time, Ctrl-C, SIGTERM, a terminal that closes) it is healed first.
Only where the driver has leases can it be left behind: then the lease ends it.
"""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import trio

from battlectl.chaos.driver import Undo
from battlectl.commands.campaign import tell_leftovers
from battlectl.commands.chaos_arm import Armed, Wish, arm, plan_wish
from battlectl.commands.chaos_ground import Ground
from battlectl.commands.chaos_leave import leave
from battlectl.commands.chaos_proof import Shown, in_the_end, is_gone, is_listed, so_far
from battlectl.commands.chaos_text import Teller
from battlectl.errors import ExitCode, UserError, worst_exit
from battlectl.observe.faults import Campaign
from battlectl.plan.injection import Injection
from battlectl.quantities import format_duration
from battlectl.run.campaign import CampaignRun, Weapons

LOOK_EVERY = 0.25
"""Seconds between two looks at what the campaign has seen."""
ASK_EVERY = 4
"""Looks for each question to the driver."""
SIGNALS = {
    signal.SIGINT: ExitCode.INTERRUPTED,
    signal.SIGTERM: ExitCode.TERMINATED,
    signal.SIGHUP: ExitCode.TERMINATED,
}


@dataclass
class Stopping:
    """A wish to stop. Mutable: it is a flag, and the scope that it cancels now."""

    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    code: ExitCode | None = None
    error: UserError | None = None

    def next_scope(self) -> trio.CancelScope:
        """The scope of what follows; a wish that came in between is not lost."""
        self.scope = trio.CancelScope()
        if self.code is not None:
            self.scope.cancel()
        return self.scope


def inject(wish: Wish, ground: Ground, results: Path, out: TextIO) -> ExitCode:
    """Do it; raises `UserError` for what cannot be meant, `NotReady` when nothing could be done."""
    injection = plan_wish(wish)
    return trio.run(_inject, wish, injection, ground, results, Teller(out, ground.secrets))


async def _inject(wish: Wish, injection: Injection, ground: Ground, results: Path, tell: Teller) -> ExitCode:
    stopping, code = Stopping(), ExitCode.PASS
    with trio.open_signal_receiver(*SIGNALS) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_obey, signals, stopping)
            try:
                code = await _strike(wish, injection, ground, results, tell, stopping)
            except UserError as error:  # Out of a nursery it would come in a group.
                stopping.error = error
            nursery.cancel_scope.cancel()
    if stopping.error is not None:
        raise stopping.error
    return code if stopping.code is None else worst_exit([code, stopping.code])


async def _obey(signals: AsyncIterator[int], stopping: Stopping) -> None:
    """Every signal is taken: an impatient second one must not keep us from healing."""
    async for number in signals:
        stopping.code = stopping.code or SIGNALS[signal.Signals(number)]
        stopping.scope.cancel()


async def _strike(
    wish: Wish, injection: Injection, ground: Ground, results: Path, tell: Teller, stopping: Stopping
) -> ExitCode:
    armed: Armed | None = None
    async with AsyncExitStack() as stack:
        with stopping.scope:
            armed = await arm(stack, wish, injection, ground, results)
        if armed is None:
            return ExitCode.PASS  # Stopped before anything was done.
        tell(f"{injection.kind} at {wish.provider} of {ground.name}, journal {armed.journal_path}")
        if wish.detach:
            return await leave(armed, tell, stopping.next_scope())
        return await _hold(armed, ground, tell, stopping)


async def _hold(armed: Armed, ground: Ground, tell: Teller, stopping: Stopping) -> ExitCode:
    """In force until its time is over or somebody ends it; healed when this returns, or told."""
    injection, start = armed.injection, trio.current_time()
    run = CampaignRun((injection,), injection.until, Weapons(armed.driver, armed.prober, armed.journal.add))
    watch = Watch(armed, run, start, tell)
    try:
        with stopping.next_scope():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(run.serve, start)
                await watch.look_on()
                nursery.cancel_scope.cancel()
    except Exception as error:
        tell_leftovers(run.campaign(), ground.secrets, error)
        raise
    campaign = run.campaign()
    if campaign.leftovers:
        tell.loudly(campaign.leftovers)
        return ExitCode.UNHEALED
    ended_at = watch.ended_at if watch.ended_at is not None else _healing_began(campaign)
    return tell_end(armed, campaign, ended_at, watch, tell)


def _healing_began(campaign: Campaign) -> float:
    """When a signal ended it."""
    return min((d.t for d in campaign.deeds if d.action == "heal"), default=0.0)


def tell_end(armed: Armed, campaign: Campaign, ended_at: float, watch: Watch, tell: Teller) -> ExitCode:
    """The whole of it, in words, and whether it is proven."""
    shown = in_the_end(armed.injection, campaign, ended_at, watch.driver_saw if armed.by_driver else None)
    doubts = (watch.gone,) if watch.gone else shown.doubts
    if any(deed.action == "heal" and deed.stage == "done" for deed in campaign.deeds):
        tell("healed, and seen to be")
    tell(shown.words)
    tell("NOT PROVEN: " + "; ".join(doubts) if doubts else "proven")
    return ExitCode.INCONCLUSIVE if doubts else ExitCode.PASS


class Watch:
    """Looks on while a fault is in force. Mutable: it remembers what it has told.

    `gone` says that somebody else ended it; `ended_at` is None while nothing but a signal may end it.
    """

    def __init__(self, armed: Armed, run: CampaignRun, start: float, tell: Teller) -> None:
        self._armed = armed
        self._run = run
        self._start = start
        self._tell = tell
        self.driver_saw = False
        self.gone = ""
        self.ended_at: float | None = None

    async def look_on(self) -> None:
        """Until it is being healed, could not be injected, or is gone."""
        number, is_proven = 0, False
        while True:
            await trio.sleep(LOOK_EVERY)
            campaign = self._run.campaign()
            stages = {(deed.action, deed.stage): deed for deed in campaign.deeds}
            if ("inject", "failed") in stages or ("heal", "begin") in stages:
                break
            if (done := stages.get(("inject", "done"))) is None:
                continue
            if number == 0:
                self._tell_begin()
            if number % ASK_EVERY == 0 and await self._is_gone(stages["inject", "begin"].undo):
                lasted = format_duration(self._now() - done.t)
                self.gone = f"somebody else ended it after {lasted}"
                break
            is_proven = is_proven or self._tell_proof(campaign)
            number += 1
        self.ended_at = self._now()

    def _now(self) -> float:
        return trio.current_time() - self._start

    def _tell_begin(self) -> None:
        length = format_duration(self._armed.injection.until - self._armed.injection.at)
        self._tell(f"in force for {length}; Ctrl-C ends it")

    async def _is_gone(self, undo: Undo) -> bool:
        """Asked of the driver, which may say as well that it sees the fault."""
        driver, provider = self._armed.driver, self._armed.order.provider
        if self._armed.by_driver and not self.driver_saw:
            self.driver_saw = await is_listed(driver, provider)
        return await is_gone(driver, undo)

    def _tell_proof(self, campaign: Campaign) -> bool:
        if self._armed.by_driver:
            if self.driver_saw:
                self._tell(f"{campaign.driver} says that it is in force")
            return self.driver_saw
        shown: Shown = so_far(self._armed.injection, campaign, self._now())
        if not shown.doubts:
            self._tell(f"it shows: {shown.words}")
        return not shown.doubts
