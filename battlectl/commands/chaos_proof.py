"""Whether a fault by hand is in force, from the provider's side alone: there is no load to ask.

Rule: the questions are those of a run's proof. Where the driver tells the target to leave a provider alone,
or the provider has no address, what the driver itself sees stands in their place, and this is said.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import trio

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.expect import DRIVERS_AT_THE_TARGET
from battlectl.analyse.faults.known import Known, know
from battlectl.analyse.faults.provider_side import see_provider
from battlectl.analyse.faults.sight import see, tell
from battlectl.chaos.driver import Driver, DriverError, Undo
from battlectl.observe.faults import Campaign
from battlectl.observe.tally import Tally
from battlectl.plan.frame import RUN, Frame
from battlectl.plan.injection import Injection
from battlectl.plan.workload import Window

LOOK_WITHIN = 2.0


@dataclass(frozen=True, slots=True)
class Shown:
    """`words` say what was seen, `doubts` why that is no proof."""

    words: str
    doubts: tuple[str, ...]


def evidence_of(injection: Injection, campaign: Campaign, ended_at: float) -> Evidence:
    """A run of one fault and no load; its times are those that were, for by hand there is no plan."""
    times = {(deed.action, deed.stage): deed.t for deed in campaign.deeds}
    at = times.get(("inject", "done"), injection.at)
    end = times.get(("heal", "begin"), max(injection.until, at))
    injection = replace(injection, at=at, until=end)
    frame = Frame(
        name="by hand",
        description="",
        tags=(),
        seed=0,
        phases=(Window("battle", 0.0, end),),
        windows={RUN: Window(RUN, 0.0, end)},
        cuts=(0.0, end),
        slice_width=1,
        workloads=(),
        objectives=(),
        checks={},
        max_lag=1.0,
        safety="",
        injections=(injection,),
    )
    return Evidence(frame, Tally(), {}, ended_at, "completed", "", (), campaign=campaign)


def is_seen_by_driver(driver: str, has_address: bool) -> bool:
    """Whether the provider itself has nothing to show."""
    return driver in DRIVERS_AT_THE_TARGET or not has_address


async def is_listed(driver: Driver, provider: str) -> bool:
    """Whether the driver's own list of what is broken has that provider."""
    with trio.move_on_after(LOOK_WITHIN):
        try:
            return any(found.provider == provider for found in await driver.in_force())
        except DriverError:
            return False
    return False


async def is_gone(driver: Driver, undo: Undo) -> bool:
    """Whether the driver sees nothing of it any more; not to be told is not gone."""
    with trio.move_on_after(LOOK_WITHIN):
        try:
            return await driver.is_healed(undo)
        except DriverError:
            return False
    return False


def so_far(injection: Injection, campaign: Campaign, now: float) -> Shown:
    """What shows while it is in force."""
    known = know(evidence_of(injection, campaign, now))
    [strike] = known.strikes
    sight = see(strike, known)
    hits = "" if not sight.hits else f"; {sight.hits:,} hits by its own count"
    words = f"{tell(sight.during) if sight.during else 'no answer to a probe yet'}{hits}"
    is_shown = bool(sight.shown or sight.hits)
    return Shown(words, () if is_shown else (f"{words}: {strike.expected.what} was expected",))


def in_the_end(injection: Injection, campaign: Campaign, ended_at: float, driver_saw: bool | None) -> Shown:
    """What the whole of it shows; `driver_saw` is None where the provider itself was asked."""
    known = know(evidence_of(injection, campaign, ended_at))
    if driver_saw is not None:
        return _by_driver(known, driver_saw)
    [strike] = known.strikes
    side = see_provider(strike, known)
    return Shown(side.words, tuple(doubt.reason for doubt in side.doubts))


def _by_driver(known: Known, saw: bool) -> Shown:
    [strike] = known.strikes
    if strike.struck is None:
        side = see_provider(strike, known)
        return Shown(side.words, tuple(doubt.reason for doubt in side.doubts))
    driver = known.evidence.campaign.driver
    doubts = [] if saw else [f"nothing that {driver} tells shows it, and the provider itself cannot"]
    doubts += [] if strike.healed is not None else ["was never healed"]
    return Shown(
        f"seen by {driver} itself, and asked of nobody else" if saw else "seen by nobody", tuple(doubts)
    )
