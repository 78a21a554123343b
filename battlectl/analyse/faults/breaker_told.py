"""What a target tells of a provider's breaker: in its replies first, then on its pages.

Rule: a reply tells the state of the breaker of the one who answered, so an open one shows itself by absence,
and only that it was half-open is new to what attempts tell. It is the target's word, named by its source,
and a least: what nobody asked meanwhile was told to nobody. Where replies and pages contradict each other
both are said, and neither is believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.figure import Figure, not_observable
from battlectl.analyse.telemetry.states import TRANSPORT, told_closed
from battlectl.analyse.telemetry.tracks import sources_of
from battlectl.observe.served import OVER_WS
from battlectl.observe.telemetry import Reading
from battlectl.plan.workload import Window
from battlectl.quantities import format_times

HALF_OPEN = "half_open"


def states_told(evidence: Evidence, provider: str, segments: Sequence[int]) -> dict[str, int]:
    """In how many replies each state was told; over WebSockets as a state of its own."""
    told: dict[str, int] = {}
    for (_, name, segment), cell in evidence.tally.by_provider.items():
        if name == provider and segment in segments:
            for state, number in cell.states.items():
                told[state] = told.get(state, 0) + number
    return told


def half_opens_told(evidence: Evidence, provider: str, window: Window, why_not: str) -> Figure:
    """Once at least, where anybody told it; `why_not` where nobody did."""
    states = states_told(evidence, provider, evidence.frame.segments(window))
    inside = [
        reading
        for reading in evidence.telemetry.readings
        if any(start <= reading.t and reading.until <= end for start, end in window.stretches)
    ]
    if number := states.get(HALF_OPEN, 0) + states.get(f"{OVER_WS}{HALF_OPEN}", 0):
        words = f"replies tell of it {format_times(number)}"
        if source := told_closed(inside, provider):
            return not_observable(f"{words}, and {source} that it was closed all along")
        return Figure(1.0, inf, number, "metadata", f"{words}, and not how often it came to that")
    readings = [
        reading
        for reading in inside
        if any(state.lower() == HALF_OPEN for state in _told_of(reading, provider).values())
    ]
    if readings:
        words = f"{readings[0].source} tells of it in {len(readings):,} readings, and not how often it came"
        return Figure(1.0, inf, len(readings), "telemetry", words)
    return not_observable(why_not)


def words_told(evidence: Evidence, provider: str) -> str:
    """What replies tell, and who says otherwise; nothing where they tell nothing."""
    states = states_told(evidence, provider, evidence.frame.all_segments)
    if not states:
        return ""
    told = ", ".join(f"{state} {number:,}" for state, number in sorted(states.items()))
    words = f"replies (metadata) tell of {provider}: {told}"
    for source, readings in sources_of(evidence.telemetry).items():
        if closed := _closed_while_open(provider, readings):
            words += f"; {source} tells that it was open where {closed:,} of them tell that it was closed"
    return words


def _closed_while_open(provider: str, readings: Sequence[Reading]) -> int:
    """Replies that were asked for after a reading, and came before the next, both of which tell it open."""
    number = 0
    for one, other in pairwise(readings):
        if all(
            _told_of(r, provider).get(f"{provider}:{TRANSPORT}", "").lower() == "open" for r in (one, other)
        ):
            gained = other.before.closed.get(provider, 0) - one.after.closed.get(provider, 0)
            number += max(0, gained - one.open)
    return number


def _told_of(reading: Reading, provider: str) -> dict[str, str]:
    return {
        name: state
        for name, state in reading.told.breakers.items()
        if name == provider or name.startswith(f"{provider}:")
    }
