"""The faults of a plan, put in force and taken back on trio's clock.

Rule: who injects, heals. From the moment a deed is written down until its fault is healed for certain it is
among the leftovers; healing is in `finally`, shielded, over `HEAL_WITHIN` after the stop at the latest. It
begins with the wish to stop, beside the drain, and what could not be healed is tried once more. What a driver
cannot do during a run is recorded, and the run goes on. Whatever raises beside that is our bug: it ends the
run, after the faults were healed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import trio

from battlectl.chaos.driver import Driver, DriverError, Order, Undo
from battlectl.chaos.healing import heal_surely
from battlectl.chaos.probe import Prober
from battlectl.observe import outcome
from battlectl.observe.faults import Action, Campaign, Deed, Stage
from battlectl.plan.injection import Injection
from battlectl.quantities import format_duration
from battlectl.run.campaign_look import look_before, look_on, look_until_well
from battlectl.run.campaign_ready import LEAD, make_ready, order_of, orders_of
from battlectl.run.campaign_record import CampaignRecord, Key, Record
from battlectl.run.campaign_watch import count_once, keep_counting, keep_lease
from battlectl.run.grace import see_through

HEAL_WITHIN = 7.0
"""Seconds that all healing may take: with the report after it, a stop takes less than ten."""
ACT_WITHIN = 5.0
"""Seconds that a driver may take to prepare, and to inject."""
WRITE_WITHIN = 1.0
"""Seconds that writing down may hold up healing."""
GIVEN_UP_AFTER = 1.0
"""Seconds after a stop that an injection which was begun may still take: one that is given up could come into
force when it was healed already."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Weapons:
    """What a campaign is fought with."""

    driver: Driver
    prober: Prober
    record: Record


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault that is being put in force; `was_well` when its provider answered before."""

    order: Order
    undo: Undo
    was_well: bool

    @property
    def key(self) -> Key:
        """The fault and the provider."""
        return self.order.fault, self.order.provider


class CampaignRun:
    """The campaign of one run: `make_ready`, then `serve` as long as the load goes on, then `campaign`.

    Mutable: it knows what is in force. `duration` is that of the run, in seconds; when `stopped` is set every
    fault ends at once, and what the providers do is looked at until the load is over, too.
    """

    def __init__(
        self,
        injections: Sequence[Injection],
        duration: float,
        weapons: Weapons,
        stopped: trio.Event | None = None,
    ) -> None:
        self._injections = injections
        self._duration = duration
        self._driver = weapons.driver
        self._write = weapons.record
        self._seen = CampaignRecord(weapons.driver, weapons.prober)
        self._claims: dict[str, trio.Lock] = defaultdict(trio.Lock)
        self._unhealed: dict[Key, Strike] = {}
        self._stopped = trio.Event() if stopped is None else stopped
        self._stopped_at: float | None = None
        self._bugs: list[Exception] = []

    async def make_ready(self) -> None:
        """Before any load; Impossible, DriverError or StaleFaults, see campaign_ready."""
        await make_ready(self._driver, self._injections, self._seen)

    async def serve(self, start: float) -> None:
        """Until cancelled; when this returns or raises everything is healed, or among the leftovers."""
        self._seen.begin(start)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._note_stop)
                nursery.start_soon(keep_lease, self._driver, self._seen)
                nursery.start_soon(keep_counting, self._driver, self._seen, self._duration)
                await self._strike_until_stopped()
                await self._heal_left()
        finally:
            with trio.CancelScope(shield=True):
                await self._finish()
            if self._bugs:
                raise self._bugs[0]

    @property
    def deeds(self) -> Sequence[Deed]:
        """What was done so far; it grows."""
        return self._seen.deeds

    def campaign(self) -> Campaign:
        """What was done and seen so far."""
        return self._seen.campaign()

    async def _note_stop(self) -> None:
        try:
            await self._stopped.wait()
        finally:
            self._stopped_at = trio.current_time()
        await trio.sleep_forever()

    async def _strike_until_stopped(self) -> None:
        async with trio.open_nursery() as strikes:
            for injection, order in orders_of(self._injections):
                strikes.start_soon(self._strike, injection, order.provider)
            await self._stopped.wait()
            strikes.cancel_scope.cancel()

    # One injection at one provider

    async def _strike(self, injection: Injection, provider: str) -> None:
        at = self._seen.start + injection.at
        order = order_of(injection, provider)
        try:
            if injection.at >= LEAD:
                await trio.sleep_until(at - LEAD)
                await look_before(self._seen, injection, provider, at)
            await trio.sleep_until(at)
            async with self._claims[self._driver.resource(order) or f"{injection.name} {provider}"]:
                if trio.current_time() < self._seen.start + injection.until:
                    await self._break(injection, order)
                else:
                    length = format_duration(round(injection.until - injection.at, 6))
                    note = f"its time was over before it could begin: it was to last {length}"
                    await self._tell(order, "inject", "failed", note)
        finally:
            with trio.CancelScope(shield=True):
                await self._seen.let_go(provider, injection.name)

    async def _break(self, injection: Injection, order: Order) -> None:
        """Inject, look on until the end, heal."""
        undo = await self._try(order, partial(self._driver.prepare, order))
        if undo is None:
            return
        strike = Strike(order, undo, self._seen.well.get(order.provider, False))
        try:
            is_written = await see_through(partial(self._write_begin, strike), GIVEN_UP_AFTER)
            if is_written and await see_through(partial(self._inject, strike), GIVEN_UP_AFTER):
                await look_on(self._seen, injection, order.provider)
        finally:
            if strike.key in self._unhealed:
                await self._heal(strike)

    async def _inject(self, strike: Strike) -> bool:
        """Whether the driver says that it is in force."""
        order = strike.order
        answer = await self._try(order, partial(self._driver.inject, order, strike.undo))
        if answer is not None:
            await self._tell(order, "inject", "done", answer)
        return answer is not None

    async def _try(self, order: Order, act: Callable[[], Awaitable[T]]) -> T | None:
        """What the driver answered; None when it failed, which is told."""
        note = f"no answer within {ACT_WITHIN:g}s"
        try:
            with trio.move_on_after(ACT_WITHIN):
                return await act()
        except DriverError as error:
            note = str(error)
        await self._tell(order, "inject", "failed", note)
        return None

    async def _write_begin(self, strike: Strike) -> bool:
        """Whether it is on the disk that this fault begins: if not, it does not begin."""
        order = strike.order
        deed = Deed(self._at(), order.fault, order.provider, "inject", "begin", strike.undo)
        self._unhealed[strike.key] = strike
        self._seen.in_force[strike.key] = order.toxic
        self._seen.deeds.append(deed)
        self._leave(strike, "it was not healed yet")
        try:
            await self._write(deed)
        except Exception as error:
            self._forget(strike)
            if not isinstance(error, OSError):
                raise
            await self._tell(order, "inject", "failed", f"it could not be written down: {error}")
            return False
        return True

    async def _tell(self, order: Order, action: Action, stage: Stage, note: str = "") -> None:
        """Write down what follows a beginning; nobody is kept from healing when this fails."""
        deed = Deed(self._at(), order.fault, order.provider, action, stage, note=note)
        self._seen.deeds.append(deed)
        with trio.move_on_after(WRITE_WITHIN):
            try:
                await self._write(deed)
            except OSError:
                return
            except Exception as bug:
                self._bugs.append(bug)

    # Healing

    async def _heal(self, strike: Strike) -> None:
        """Heal one fault and see that its provider is well again, within what is left of the time."""
        deadline = self._heal_by()
        with trio.CancelScope(shield=True, deadline=deadline):
            try:
                await self._heal_by_then(strike, deadline - WRITE_WITHIN)
            except Exception as bug:
                self._bugs.append(bug)

    def _heal_by(self) -> float:
        return (trio.current_time() if self._stopped_at is None else self._stopped_at) + HEAL_WITHIN

    async def _heal_by_then(self, strike: Strike, deadline: float) -> None:
        order = strike.order
        await self._tell(order, "heal", "begin")
        healing = await heal_surely(self._driver, strike.undo, deadline - trio.current_time())
        if not healing.is_healed:
            self._leave(strike, healing.note)
            await self._tell(order, "heal", "failed", healing.note)
            return
        await self._tell(order, "heal", "done", healing.note)
        self._seen.in_force.pop(strike.key, None)
        answer = await look_until_well(self._seen, order, deadline if strike.was_well else None)
        is_excused = not strike.was_well or self._seen.is_broken(order.provider)
        if is_excused or answer is None or answer.outcome == outcome.OK:
            self._forget(strike)
        else:
            said = f"the driver says that it is healed, yet {order.provider} does not answer as before"
            self._leave(strike, f"{said} ({answer.outcome})")

    def _leave(self, strike: Strike, why: str) -> None:
        """A fault that may be in force when the run is over: a line on what to do, and one on why."""
        order, hand = strike.order, self._driver.by_hand(strike.undo)
        what = f"{order.fault} ({order.kind}) may still be in force at {order.provider}"
        self._seen.leftovers[strike.key] = f"{what}. To end it: {hand}\n{why}"

    def _forget(self, strike: Strike) -> None:
        """It is healed for certain, or never began."""
        self._unhealed.pop(strike.key, None)
        self._seen.in_force.pop(strike.key, None)
        self._seen.leftovers.pop(strike.key, None)

    async def _heal_left(self) -> None:
        """Once more what could not be healed before."""
        async with trio.open_nursery() as nursery:
            for strike in list(self._unhealed.values()):
                nursery.start_soon(self._heal, strike)

    async def _finish(self) -> None:
        """Whatever is left, then what the providers have counted, while there is time."""
        await self._heal_left()
        with trio.CancelScope(deadline=self._heal_by()):
            await count_once(self._driver, self._seen)

    def _at(self) -> float:
        return round(self._seen.now(), 6)
