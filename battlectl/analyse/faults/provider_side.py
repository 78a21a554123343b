"""The provider's side of a proof: was it up, did it break as asked, for the whole time, did it come back?

Rule: where the driver tells the target to leave a provider alone, the provider itself has nothing to show;
then its counters must say that the calls stopped, or the replies that others served, to the end.
"""

from __future__ import annotations

from dataclasses import dataclass

from battlectl.analyse.faults.doubt import Doubt, unproven
from battlectl.analyse.faults.effect import doubt_effect, doubt_start
from battlectl.analyse.faults.expect import DRIVERS_AT_THE_TARGET
from battlectl.analyse.faults.known import Known
from battlectl.analyse.faults.lasting import doubt_healing, doubt_lasting, doubt_lease, doubt_times
from battlectl.analyse.faults.obeyed import left_alone_until
from battlectl.analyse.faults.sight import Sight, at, see, tell
from battlectl.analyse.faults.strike import Strike
from battlectl.analyse.faults.untouched import explain
from battlectl.analyse.faults.usual import usual_calls
from battlectl.quantities import format_duration


@dataclass(frozen=True, slots=True)
class ProviderSide:
    """What the provider showed, in words, and what speaks against the fault there."""

    words: str
    doubts: tuple[Doubt, ...]
    sight: Sight


def see_provider(strike: Strike, known: Known) -> ProviderSide:
    """See the rule."""
    if strike.struck is None or strike.begun is None:
        return ProviderSide("nothing was injected", (_not_struck(strike, known),), Sight())
    sight = see(strike, known)
    stopped = left_alone_until(strike, sight, known)
    disobeyed = _disobeyed(strike, sight, stopped, known)
    doubts = (
        *doubt_start(sight),
        *doubt_lease(strike, known),
        *doubt_times(strike, known),
        *(disobeyed or doubt_effect(strike, sight, stopped is not None, explain(strike, known))),
        *doubt_lasting(strike, sight, known, stopped),
        *doubt_healing(strike, sight, known),
    )
    return ProviderSide(_words(strike, sight), doubts, sight)


def is_proven_there(strike: Strike, known: Known) -> bool:
    """Whether the provider alone shows all of it: nothing speaks against it, and nothing is missing."""
    return not see_provider(strike, known).doubts


def _not_struck(strike: Strike, known: Known) -> Doubt:
    if strike.refused is not None:
        return unproven(f"the driver could not inject it: {strike.refused or 'it did not say why'}")
    if strike.begun is not None:
        return unproven("the driver never answered when it was to inject it")
    if known.evidence.ended_at <= strike.injection.at:
        return unproven("the run ended before it was due")
    return unproven("nothing says that it was ever injected")


def _disobeyed(strike: Strike, sight: Sight, stopped: float | None, known: Known) -> tuple[Doubt, ...]:
    """That nothing shows that the target left the provider alone, where the driver told it to."""
    at_target = known.evidence.campaign.driver in DRIVERS_AT_THE_TARGET
    if not at_target or sight.shown or sight.hits or stopped is not None:
        return ()
    usual, moved = usual_calls(strike, known), known.track(strike.provider).inside(strike.from_, strike.end)
    if usual is None or moved is None:
        said = f'healing was answered "{strike.healing_note}"; ' if strike.healing_note else ""
        why = f"{said}{tell(sight.during)} while in force, and neither counters nor replies tell"
    elif not usual.calls:
        why = f"it had no calls {usual.when} the fault either"
    else:
        why = f"{moved.calls:,} calls came in {format_duration(moved.seconds)}"
    return (unproven(f"nothing shows that the target left it alone: {why}"),)


def _words(strike: Strike, sight: Sight) -> str:
    assert strike.struck is not None
    parts = [f"before: {tell(sight.before)}", f"injected at {at(strike.struck)}: {tell(sight.during)}"]
    if sight.shown:
        first = max(0.0, min(probe.t for probe in sight.shown) - strike.struck)
        parts.append(f"{strike.expected.what} first seen after {format_duration(first)}")
    if sight.hits is not None:
        parts.append(f"{sight.hits:,} hits by its own count")
    if sight.restarts:
        parts.append("restarted")
    if strike.healed is not None:
        parts.append(f"healed at {at(strike.healed)}: {tell(sight.after)}")
    return "; ".join(parts)
