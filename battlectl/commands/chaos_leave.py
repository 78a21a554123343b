"""A fault that is left behind: its lease ends it, not we.

Rule: it is left only once it is written down and in force; whatever comes before that takes it back.
"""

from __future__ import annotations

import math

import trio

from battlectl.chaos.driver import DriverError, Undo
from battlectl.chaos.healing import heal_surely
from battlectl.chaos.toxiproxy import Toxiproxy
from battlectl.commands.chaos_arm import Armed
from battlectl.commands.chaos_proof import so_far
from battlectl.commands.chaos_text import Teller
from battlectl.errors import ExitCode, NotReady
from battlectl.observe.faults import Action, Deed, Stage
from battlectl.quantities import format_duration
from battlectl.run.campaign import ACT_WITHIN, HEAL_WITHIN
from battlectl.run.campaign_look import look_before, look_on
from battlectl.run.campaign_record import CampaignRecord

LOOK_FOR = 2.5
"""Seconds in which the provider is asked whether it shows."""


async def leave(armed: Armed, tell: Teller, scope: trio.CancelScope) -> ExitCode:
    """Inject, see that it shows, and go; `scope` is cancelled by who changes their mind."""
    leaving, failure = Leaving(armed, tell), ""
    with scope:
        try:
            await leaving.inject()
            await leaving.look()
        except DriverError as error:
            failure = str(error)
    if failure or scope.cancelled_caught:
        with trio.CancelScope(shield=True):
            code = await leaving.take_back()
        if failure and code == ExitCode.PASS:
            raise NotReady(f"it could not be injected: {failure}")
        return code
    return leaving.go()


class Leaving:
    """One fault on its way to be left. Mutable: `undo` is there from when it may be in force."""

    def __init__(self, armed: Armed, tell: Teller) -> None:
        self._armed = armed
        self._tell = tell
        self._seen = CampaignRecord(armed.driver, armed.prober)
        self._seen.begin(trio.current_time())
        self._undo: Undo | None = None

    async def inject(self) -> None:
        """Look, write down, do; DriverError when it could not be done."""
        armed = self._armed
        await look_before(self._seen, armed.injection, armed.order.provider, math.inf)
        try:
            with trio.fail_after(ACT_WITHIN):
                undo = await armed.driver.prepare(armed.order)
                await self._write("inject", "begin", undo=undo)
                self._undo = undo
                answer = await armed.driver.inject(armed.order, undo)
        except trio.TooSlowError:
            raise DriverError(f"no answer within {ACT_WITHIN:g}s") from None
        await self._write("inject", "done", answer)
        length = format_duration(armed.injection.until - armed.injection.at)
        self._tell(f"in force for {length}")

    async def look(self) -> None:
        """Ask the provider, for a while."""
        with trio.move_on_after(LOOK_FOR):
            await look_on(self._seen, self._armed.injection, self._armed.order.provider)
        self._seen.add_counts(await self._armed.driver.count())

    async def take_back(self) -> ExitCode:
        """Heal, verify, write it down."""
        if self._undo is None:
            return ExitCode.PASS
        healing = await heal_surely(self._armed.driver, self._undo, HEAL_WITHIN)
        await self._write("heal", "done" if healing.is_healed else "failed", healing.note)
        if healing.is_healed:
            self._tell("healed, and seen to be")
            return ExitCode.PASS
        order, hand = self._armed.order, self._armed.driver.by_hand(self._undo)
        what = f"{order.fault} may still be in force at {order.provider}: {healing.note}"
        self._tell.loudly([f"{what}. To end it: {hand}"])
        return ExitCode.UNHEALED

    def go(self) -> ExitCode:
        """Leave it to its lease."""
        armed = self._armed
        assert isinstance(armed.driver, Toxiproxy), "nothing else has leases"
        armed.driver.leave()
        shown = so_far(armed.injection, self._seen.campaign(), self._seen.now())
        self._tell(
            f"it shows: {shown.words}" if not shown.doubts else "NOT PROVEN: " + "; ".join(shown.doubts)
        )
        self._tell(f"it ends by itself; before that: battlectl chaos clear {armed.order.provider}")
        return ExitCode.INCONCLUSIVE if shown.doubts else ExitCode.PASS

    async def _write(self, action: Action, stage: Stage, note: str = "", undo: Undo | None = None) -> None:
        order = self._armed.order
        deed = Deed(round(self._seen.now(), 6), order.fault, order.provider, action, stage, undo or {}, note)
        self._seen.deeds.append(deed)
        await self._armed.journal.add(deed)
