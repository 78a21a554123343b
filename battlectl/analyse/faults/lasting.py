"""Was the fault there from when it was planned until when it was planned, and is it gone since?

Rule: half a second, or a tenth of its length where that is more, is in time. Nobody else may have healed it;
that nobody looked is no proof that nobody did.
"""

from __future__ import annotations

from collections.abc import Iterator

from battlectl.analyse.evidence import KILLED
from battlectl.analyse.faults.doubt import Doubt, mismatch, unproven
from battlectl.analyse.faults.effect import cannot_miss, is_down_before
from battlectl.analyse.faults.known import Known
from battlectl.analyse.faults.looks import may_be_late
from battlectl.analyse.faults.sight import Sight, at, shows, tell
from battlectl.analyse.faults.strike import Strike
from battlectl.observe import outcome
from battlectl.quantities import format_duration

UNWATCHED = 1.0
UNWATCHED_SHARE = 0.2


def doubt_times(strike: Strike, known: Known) -> Iterator[Doubt]:
    """Reasons to think that its times were not the planned ones."""
    assert strike.struck is not None
    plan, evidence = strike.injection, known.evidence
    if strike.struck - plan.at > strike.tolerance:
        late = format_duration(strike.struck - plan.at)
        yield mismatch(f"was injected {late} late, at {at(strike.struck)}")
    if strike.healing is None:
        return
    if plan.until - strike.healing > strike.tolerance and strike.healing < evidence.ended_at:
        early = format_duration(plan.until - strike.healing)
        told = f"was healed {early} early, at {at(strike.healing)}"
        yield mismatch(told) if evidence.completed else unproven(f"{told}: the run was stopped")
    gone = strike.healing if strike.healed is None else strike.healed
    if gone - plan.until > strike.tolerance and plan.until < evidence.frame.duration:
        yield mismatch(f"was healed {format_duration(gone - plan.until)} late, at {at(gone)}")


def doubt_lease(strike: Strike, known: Known) -> Iterator[Doubt]:
    """That nobody held it any more: what was seen since is explained by that."""
    for lost in known.evidence.campaign.lost:
        if strike.struck is not None and strike.struck <= lost.t < strike.end:
            yield mismatch(f"the lease was lost at {at(lost.t)}: {lost.note}")


def doubt_lasting(strike: Strike, sight: Sight, known: Known, seen_until: float | None) -> Iterator[Doubt]:
    """Reasons to think that it was gone too early; `seen_until` as in `seen_elsewhere` of `effect`."""
    assert strike.struck is not None
    gone = _gone_at(strike, sight, known)
    if gone is not None:
        yield mismatch(f"was gone at {at(gone)}, it should have lasted until {at(strike.end)}")
        return
    seen = [probe.t + probe.seconds for probe in sight.shown]
    seen += [*sight.listed[-1:], *([] if seen_until is None else [seen_until])]
    unwatched = max(UNWATCHED, UNWATCHED_SHARE * (strike.end - strike.struck))
    if strike.expected.turns is not None:
        unwatched += strike.expected.turns[1]
    if seen and max(seen) < strike.end - unwatched:
        last = at(max(seen))
        yield unproven(f"nothing shows that it lasted until {at(strike.end)}: it was last seen at {last}")


def _gone_at(strike: Strike, sight: Sight, known: Known) -> float | None:
    """When it was first seen to be gone, after it had been seen and clearly before its end."""
    times = []
    if sight.listed:
        looks = known.track(strike.provider).within(sight.listed[-1], strike.end)
        times += [look.t for look in looks if look.t > sight.listed[-1]]
    if sight.shown and strike.expected.probability >= 1 and cannot_miss(strike.expected):
        for which in ("new", "kept"):
            own = [probe for probe in sight.during if probe.connection == which]
            first = min((probe.t for probe in own if probe in sight.shown), default=float("inf"))
            missed = [probe for probe in own if probe.t > first and probe not in sight.shown]
            times += [probe.t for probe in missed if not may_be_late(strike.expected, probe)]
    return min((t for t in times if t < strike.end - strike.tolerance), default=None)


def doubt_healing(strike: Strike, sight: Sight, known: Known) -> Iterator[Doubt]:
    """Reasons to think that it is not gone, or the provider not back."""
    if strike.healed is None:
        note = strike.unhealed
        if note is None and known.evidence.how == KILLED:
            yield unproven("nothing says that it was healed: the run was killed")
            return
        yield mismatch("was never healed" if note is None else f"could not be healed: {note}")
        return
    after = [probe for probe in sight.after if probe.connection == "new"]
    if not after:
        yield unproven("no probe says that it is up after it was healed")
    elif after[-1].outcome != outcome.OK:
        if is_down_before(sight):
            return  # It is as it was.
        yield mismatch(f"does not answer after it was healed: {tell(after)}")
    elif all(shows(strike, probe, sight.before) for probe in after):
        yield mismatch(f"is still there after it was healed: {tell(after)}")
