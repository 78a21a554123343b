"""What a fault did to subscribers, as they saw it and as the counters of events tell it.

Rule: only more than is usual counts: ends, refusals, silences, losses and disorder against the time without
the fault. What subscribers felt shows that they depended on the provider; what they did not feel is known
only by whose events they were. A change that another fault may have made counts for nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from battlectl.analyse.faults.feed import Feed, events_gone, usual_feed
from battlectl.analyse.faults.known import Known
from battlectl.analyse.faults.strike import Strike
from battlectl.analyse.faults.usual import LEAST_CALLS, SIGMAS
from battlectl.observe.streams.cell import REFUSED, StreamCell
from battlectl.plan.workload import WS
from battlectl.scenario.chaos_times import BASELINE, DURING, RECOVERY

FELT: Mapping[str, Callable[[StreamCell], int]] = {
    "subscriptions ended": lambda cell: cell.count("ends_visible") + cell.count("ends_silent"),
    "subscriptions refused": lambda cell: sum(n for why, n in cell.ends.items() if why.startswith(REFUSED)),
    "stalls": lambda cell: cell.count("stalls"),
    "blocks missing": lambda cell: cell.missing,
    "blocks late": lambda cell: cell.count("caught_up") + cell.count("back_filled"),
    "blocks doubled": lambda cell: cell.count("duplicates"),
    "blocks out of order": lambda cell: cell.count("out_of_order"),
    "blocks never on the chain": lambda cell: cell.never_on_chain,
}
"""What subscribers feel -> how much of it there is."""


@dataclass(frozen=True, slots=True)
class StreamSide:
    """What showed that subscribers were touched, and why they may not have depended on the provider at all.

    `doubt` is "" where it is known that they did.
    """

    signs: tuple[str, ...]
    doubt: str


def see_streams(strike: Strike, known: Known) -> StreamSide | None:
    """See the rule; None where nobody subscribed."""
    if not known.evidence.frame.streams:
        return None
    usual = usual_feed(strike, known)
    felt, moved = tuple(_felt(strike, known)), tuple(_moved(strike, usual, known))
    return StreamSide((*felt, *moved), "" if felt or moved else _doubt(usual))


def may_count_hits(strike: Strike, known: Known) -> bool:
    """Whether hits of a fault on WebSockets are those of the load: else they may be the target's own."""
    frame = known.evidence.frame
    if any(workload.client == WS for workload in frame.workloads):
        return True
    if not frame.streams:
        return False
    usual = usual_feed(strike, known)
    return usual is None or usual.role == "alone"


def _doubt(usual: Feed | None) -> str:
    if usual is None:
        return "nothing says whether it fed the subscribers: its events were not counted without the fault"
    if usual.role == "none":
        return f"fed no subscriber: no event came from it {usual.when} the fault"
    if usual.role == "shared":
        return "nothing says whether it fed the subscribers: others sent events as well"
    return ""


def _moved(strike: Strike, usual: Feed | None, known: Known) -> Iterator[str]:
    others = known.others_at(strike)
    if any(other.overlaps(strike.from_, strike.end) for other in others):
        return
    gone = events_gone(strike, usual, known)
    if gone is not None:
        more = f", and {gone[2]:,.0f} more came from others" if gone[2] > 0 else ""
        yield f"{gone[0]:,} events came from it where about {gone[1]:,.0f} would have{more}"


def _felt(strike: Strike, known: Known) -> Iterator[str]:
    if any(o.overlaps(strike.from_, strike.end) for o in known.strikes if o is not strike):
        return
    name = strike.injection.name
    during = _seen(known, DURING + name)
    for window, when in ((BASELINE, "in the baseline"), (RECOVERY + name, "after it")):
        usual = _seen(known, window)
        if during is not None and usual is not None:
            yield from _more(during, usual, when)
            return


def _more(during: StreamCell, usual: StreamCell, when: str) -> Iterator[str]:
    """What there was clearly more of, for as much time in which somebody wanted to hear."""
    share = during.count("wanted_ns") / usual.count("wanted_ns")
    for what, count in FELT.items():
        seen, before = count(during), count(usual)
        chance = (before + 1) * share  # One more may have been, and was not.
        if seen - chance >= max(LEAST_CALLS, SIGMAS * math.sqrt(chance)):
            yield f"{seen:,} {what}, {when} {before:,}"


def _seen(known: Known, name: str) -> StreamCell | None:
    """A window of which subscribers saw anything."""
    window = known.evidence.frame.windows.get(name)
    if window is None:
        return None
    cell = known.evidence.tally.streams(known.evidence.frame.segments(window))
    return cell if cell.count("wanted_ns") else None
