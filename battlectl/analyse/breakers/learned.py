"""What the breaker of one provider did in a calibration run, as what a config may promise of it.

Rule: what is written holds for all of what was seen: the fewest failures that tripped it, its shortest rest,
the most that a trial let through. What was not seen is left out, with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass

from battlectl.analyse.breakers.seen import seen_under
from battlectl.analyse.faults.known import Known
from battlectl.plan.routing import BreakerFrame
from battlectl.quantities import format_duration

GRAIN = 10
"""Parts of a second that a recovery time is rounded down to."""


@dataclass(frozen=True, slots=True)
class Learned:
    """`words` say of each what was seen, or why nothing was."""

    breaker: BreakerFrame
    words: tuple[str, ...]


def learn(known: Known) -> Learned:
    """From the first fault of a run that nothing else disturbs."""
    seen = seen_under(known.strikes[0], known) if known.strikes else "there was no fault"
    if isinstance(seen, str):
        return Learned(BreakerFrame(), (seen,))
    spells = seen.spells
    if spells.tripped_after is None:
        return Learned(BreakerFrame(), ("it was never left alone while its provider failed",))
    least, most = spells.tripped_after
    words = [f"failures: {least:,.0f} to {most:,.0f} attempts failed before it was left alone"]
    rests = [rest.length for rest in spells.rests if rest.is_over]
    shortest = min(rests, default=None)
    told = ", ".join(f"{format_duration(round(a, 1))} to {format_duration(round(b, 1))}" for a, b in rests)
    words.append(f"recovery: {told or 'it was not asked again while the fault was in force'}")
    trials = [burst.count for burst in spells.bursts[1:] if burst.end <= spells.rests[-1].start]
    largest = max((most for _, most in trials), default=None)
    words.append(
        f"half_open: {len(trials):,} trials were seen" + (f", of at most {largest:,.0f}" if largest else "")
    )
    words.append("successes: cannot be seen from outside; write what the target's own configuration says")
    return Learned(
        BreakerFrame(
            failures=int(least) or None,
            recovery=None if shortest is None else int(shortest[0] * GRAIN) / GRAIN or None,
            half_open=None if largest is None else int(largest),
        ),
        tuple(words),
    )
