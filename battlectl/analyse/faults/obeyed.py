"""Whether a target left a provider alone, where the driver told the target to and the provider shows nothing.

Rule: calls that its counters no longer saw prove it; where nothing counts them, replies that no longer name
it do. Either way to the end: half of them overall could be half of the time.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from battlectl.analyse.faults.expect import DRIVERS_AT_THE_TARGET
from battlectl.analyse.faults.known import Known
from battlectl.analyse.faults.sight import Sight
from battlectl.analyse.faults.strike import Strike
from battlectl.analyse.faults.usual import LEAST_CALLS, SIGMAS, calls_gone, free_stretches, usual_calls
from battlectl.observe.served import OWN_NAMES

FIRST_PART, LAST_PART = 0.25, 0.75
"""In which it must have been left alone as well."""

WHOLE_SLICES = 2
"""So many slices of the series are sure to have a whole one among them."""

Gone = tuple[int, float]
"""(calls or replies that came, how many would have come)."""


def left_alone_until(strike: Strike, sight: Sight, known: Known) -> float | None:
    """Until when the target left the provider alone, None where it was not told to or nothing shows it.

    Replies are counted in slices: they never say more than the driver's own looks, and without these they
    say nothing of a fault of few slices.
    """
    if known.evidence.campaign.driver not in DRIVERS_AT_THE_TARGET:
        return None
    usual = usual_calls(strike, known)
    by_counters = _until(strike, lambda start, end: calls_gone(strike, usual, known, start, end))
    if by_counters is not None or usual is not None:
        return by_counters
    least = WHOLE_SLICES * known.evidence.frame.slice_width
    if not sight.listed and strike.end - (strike.struck or 0.0) < 2 * least:
        return None
    by_replies = _until(strike, lambda start, end: replies_gone(strike, known, start, end), least)
    return by_replies if by_replies is None else min(by_replies, *sight.listed[-1:], strike.end)


def _until(strike: Strike, gone: Callable[[float, float], Gone | None], least: float = 0.0) -> float | None:
    """`least` is how many seconds a part has to be long to tell anything."""
    start, end = strike.struck or 0.0, strike.end
    first = min(end, max(start + FIRST_PART * (end - start), start + least))
    if gone(start, first) is None or gone(start, end) is None:
        return None
    last = max(start, min(start + LAST_PART * (end - start), end - least))
    return last if gone(last, end) is None else end


def replies_gone(strike: Strike, known: Known, start: float, end: float) -> Gone | None:
    """(replies that name it, how many would have) when far fewer do than without the fault, else None."""
    usual = [_served(strike.provider, known, *stretch) for stretch in free_stretches(strike, known)]
    own_usual, all_usual = (sum(counts) for counts in zip(*usual, strict=True)) if usual else (0, 0)
    seen, in_all = _served(strike.provider, known, start, end)
    expected = own_usual / all_usual * in_all if all_usual else 0.0
    if expected < LEAST_CALLS or seen > expected / 2:
        return None
    return (seen, expected) if expected - seen >= SIGMAS * math.sqrt(expected) else None


def _served(provider: str, known: Known, start: float, end: float) -> tuple[int, int]:
    """Requests that it served, and that anybody who was named did, in the slices that lie between."""
    width = known.evidence.frame.slice_width
    own = total = 0
    for (_, name, slice_), row in known.evidence.tally.provider_rows.items():
        if start <= slice_ * width and (slice_ + 1) * width <= end and name not in OWN_NAMES:
            total += row.requests
            own += row.requests if name == provider else 0
    return own, total
