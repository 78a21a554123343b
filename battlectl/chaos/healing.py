"""Healing for certain: tried, tried again, looked at, within a bound.

Rule: a fault is healed when its driver says that nothing of it is left, not when it has accepted the wish.
Healing never raises: what went wrong is told, because there are others to heal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import tenacity
import trio

from battlectl.chaos.driver import Driver, DriverError, InForce, Undo
from battlectl.observe.faults import Deed

ONE_TRY = 2.0
"""Seconds that one answer of a driver is waited for while healing."""
TRY_EVERY = 0.25


@dataclass(frozen=True, slots=True)
class Healing:
    """What came of it; `note` is the last answer, or the last thing that went wrong."""

    is_healed: bool
    note: str
    tries: int


class _StillThere(Exception):
    """The driver sees the fault still."""


async def heal_surely(driver: Driver, undo: Undo, within: float) -> Healing:
    """Heal and look until nothing is left, for at most `within` seconds."""
    tries, note, is_healed = 0, "no answer in time", False

    async def attempt() -> None:
        nonlocal tries, note, is_healed
        tries += 1
        try:
            note = await _try_once(driver, undo)
            is_healed = True
        except Exception as error:
            note = str(error) if isinstance(error, DriverError | _StillThere) else repr(error)
            raise

    trying = tenacity.AsyncRetrying(
        sleep=trio.sleep,
        wait=tenacity.wait_fixed(TRY_EVERY),
        retry=tenacity.retry_if_exception_type(Exception),
        stop=tenacity.stop_never,
    )
    with trio.move_on_after(max(0.0, within)):
        await trying(attempt)
    return Healing(is_healed, note, tries)


async def _try_once(driver: Driver, undo: Undo) -> str:
    with trio.move_on_after(ONE_TRY):
        note = await driver.heal(undo)
        if not await driver.is_healed(undo):
            raise _StillThere(f"still in force after the driver answered: {note}")
        return note
    raise DriverError(f"no answer within {ONE_TRY:g}s")


async def still_in_force(driver: Driver, deeds: Sequence[Deed]) -> tuple[InForce, ...]:
    """Of deeds that a journal holds unhealed, those that the driver still sees; DriverError as it raises."""
    found = []
    for deed in deeds:
        if not await driver.is_healed(deed.undo):
            found.append(InForce(deed.provider, f"{deed.fault} at {deed.provider}", deed.undo))
    return tuple(found)
