"""The client's side of a proof: did the load depend on the provider, and was it touched?

Rule: only load counts, requests and subscribers alike. Our own probes and the target's health probes are
taken off before a call or a hit counts for anything, and a change that another fault may have made counts for
nothing: of one that is joined by another at the same provider only the time before that tells.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from battlectl.analyse.faults.doubt import Doubt, unproven
from battlectl.analyse.faults.known import Known
from battlectl.analyse.faults.provider_side import ProviderSide
from battlectl.analyse.faults.served import served_by, told
from battlectl.analyse.faults.stream_side import StreamSide, may_count_hits, see_streams
from battlectl.analyse.faults.strike import Strike
from battlectl.analyse.faults.untouched import explain, is_unfelt
from battlectl.analyse.faults.usual import LEAST_CALLS, SIGMAS, Usual, calls_gone, usual_calls
from battlectl.observe import outcome
from battlectl.observe.served import ServedCell
from battlectl.observe.sketch import Sketch
from battlectl.observe.tally import CallCell
from battlectl.quantities import format_duration, format_ratio
from battlectl.scenario.chaos_times import BASELINE, DURING, RECOVERY

SLOWER = 2.0
SLOWER_BY = 0.01
"""Factor and seconds by which a quantile is clearly more than it was."""
LEAST_SAMPLES = 20


@dataclass(frozen=True, slots=True)
class ClientSide:
    """What the load was like there, in words, and what is missing.

    `of_streams` is why subscribers may not have depended on it, "" where they did or where there are none: a
    proof by requests leaves that open.
    """

    words: str
    doubts: tuple[Doubt, ...]
    of_streams: str = ""


def see_client(strike: Strike, side: ProviderSide, known: Known) -> ClientSide:
    """See the rule."""
    if strike.struck is None or strike.begun is None:
        return ClientSide("nothing was injected", ())
    usual, streams = usual_calls(strike, known), see_streams(strike, known)
    signs = (*_signs(strike, side, usual, known), *(() if streams is None else streams.signs))
    missing = [] if strike.expected.is_of_websockets else _no_load(strike, usual, streams, known)
    if not signs:
        missing.append(_untouched(side, explain(strike, known) or _joined(strike, known), streams))
    told = [_tell(usual)] if known.evidence.frame.workloads else []
    words = "; ".join((*told, *(signs or ("nothing of it was seen to be touched",))))
    of_streams = "" if streams is None else streams.doubt
    return ClientSide(words, tuple(unproven(reason) for reason in missing), of_streams)


def _no_load(strike: Strike, usual: Usual | None, streams: StreamSide | None, known: Known) -> list[str]:
    """Why neither requests nor subscribers are known to have depended on it; empty where either is."""
    calls = list(_no_traffic(strike, usual, known)) if known.evidence.frame.workloads else None
    feed = None if streams is None else [streams.doubt] if streams.doubt else []
    reasons = [found for found in (calls, feed) if found is not None]
    return [] if [] in reasons else [reason for found in reasons for reason in found]


def _no_traffic(strike: Strike, usual: Usual | None, known: Known) -> Iterator[str]:
    if usual is None:
        yield from _unnamed(strike, known)
        return
    when = f"in {usual.seconds:.1f}s {usual.when} the fault"
    if usual.calls == 0:
        yield f"got no traffic: no call of the load {when}"
        return
    allowed = known.own.plausible * usual.seconds
    if usual.calls <= allowed + SIGMAS * math.sqrt(allowed):
        yield f"got no more traffic than probes may be: {usual.calls:,} calls {when}"


def _unnamed(strike: Strike, known: Known) -> Iterator[str]:
    """That no reply before all faults names it, where nothing else tells who was asked."""
    part = _served_in(strike, known, BASELINE)
    if part is None:
        yield "nothing says whether the load used it: its calls were not counted without the fault"
    elif not part[0].requests:
        yield f"got no traffic that anybody saw: it served none of {part[1]:,} requests before the faults"


def _signs(strike: Strike, side: ProviderSide, usual: Usual | None, known: Known) -> Iterator[str]:
    """What shows that the load was touched."""
    touched = touched_by(strike, side, known)
    if touched > 0 and not is_unfelt(strike, side.sight):
        yield f"{touched:,} of its messages or connections were touched"
    others = known.others_at(strike)
    gone = calls_gone(strike, usual, known, strike.struck or 0.0, _alone_until(strike, others))
    if gone is not None:
        yield f"{gone[0]:,} calls reached it where about {gone[1]:,.0f} would have"
    if not _is_overlapped(strike, others):
        yield from _served_less(strike, known)
        yield from _slower_there(strike, known) if _delays(strike) else ()
    if not _is_overlapped(strike, known.strikes):
        yield from _changes(strike, known)
        yield from _failed_over(strike, known)


def _alone_until(strike: Strike, others: tuple[Strike, ...]) -> float:
    """Until when no other fault was in force at its provider; before it began where one was by then."""
    joined = (other.from_ for other in others if other.overlaps(strike.from_, strike.end))
    return min((*joined, strike.end))


def _is_overlapped(strike: Strike, others: tuple[Strike, ...]) -> bool:
    return any(other.overlaps(strike.from_, strike.end) for other in others if other is not strike)


def touched_by(strike: Strike, side: ProviderSide, known: Known) -> int:
    """Hits of the fault that are neither our probes nor, at most, the target's own."""
    sight = side.sight
    if not sight.hits or strike.struck is None:
        return 0
    if strike.expected.is_of_websockets:
        return sight.hits if may_count_hits(strike, known) else 0
    probes = known.probes_between(strike.provider, strike.from_, strike.to)
    ours = len(probes)
    if strike.expected.shows_in_probes:
        ours = sum(probe in sight.shown or probe.outcome != outcome.OK for probe in probes)
    theirs = known.own.plausible * (strike.end - strike.struck)
    return max(0, sight.hits - ours - math.ceil(theirs + SIGMAS * math.sqrt(theirs)))


def _changes(strike: Strike, known: Known) -> Iterator[str]:
    """What changed for the clients from before the fault, or after it, to the fault."""
    during = _cell(known, DURING + strike.injection.name)
    usual, when = _cell(known, BASELINE), "in the baseline"
    if usual is None or not usual.total:
        usual, when = _cell(known, RECOVERY + strike.injection.name), "after it"
    if during is None or usual is None or not during.total or not usual.total:
        return
    failed, failed_before = _failed(during), _failed(usual)
    chance = (failed_before + 1) / usual.total * during.total  # One more may have failed, and did not.
    if failed - chance >= max(LEAST_CALLS, SIGMAS * math.sqrt(chance)):
        share = format_ratio(failed_before / usual.total)
        yield f"{failed:,} of {during.total:,} arrivals failed, {when} {share} did"
    slower = _slower(usual.latency, during.latency, 0.95)
    if slower is not None and _delays(strike):
        yield f"latency p95 was {format_duration(slower[1])}, {when} {format_duration(slower[0])}"


def _failed(cell: CallCell) -> int:
    """Arrivals that failed, but for those that we never sent or gave up ourselves."""
    ours = sum(cell.outcomes.get(label, 0) for label in (outcome.DROPPED, outcome.ABANDONED))
    return cell.total - cell.ok - ours


def _failed_over(strike: Strike, known: Known) -> Iterator[str]:
    """Requests that needed another provider, as replies tell, against what was usual."""
    during, usual = _told_in(strike, known, DURING), _told_in(strike, known, BASELINE)
    when = "in the baseline"
    if usual is None:
        usual, when = _told_in(strike, known, RECOVERY), "after it"
    if during is None or usual is None:
        return
    expected = usual.failovers / usual.told * during.told
    if during.failovers - expected >= max(LEAST_CALLS, SIGMAS * math.sqrt(expected)):
        seen = f"{during.failovers:,} of {during.told:,} requests needed another provider"
        yield f"{seen}, {usual.failovers:,} of {usual.told:,} {when}"


def _told_in(strike: Strike, known: Known, which: str) -> ServedCell | None:
    """What replies of a window tell of attempts; None where they do not, or without any."""
    name = which if which == BASELINE else which + strike.injection.name
    window = known.evidence.frame.windows.get(name)
    replies = None if window is None else told(known.evidence, known.evidence.frame.segments(window))
    return replies.cell if replies is not None and replies.tells else None


def _delays(strike: Strike) -> bool:
    """Whether it makes anybody wait; what else is slower meanwhile is not its doing."""
    return strike.expected.is_late or outcome.TIMEOUT in strike.expected.labels


def _served_less(strike: Strike, known: Known) -> Iterator[str]:
    """Replies that name it, against what its share without the fault would have been."""
    during, usual = _served_during(strike, known)
    if during is None or usual is None or not usual[1]:
        return
    expected = usual[0].requests / usual[1] * during[1]
    seen = during[0].requests
    if expected >= LEAST_CALLS and seen <= expected / 2 and expected - seen >= SIGMAS * math.sqrt(expected):
        yield f"it served {seen:,} requests where about {expected:,.0f} would have been its part"


def _slower_there(strike: Strike, known: Known) -> Iterator[str]:
    """Replies of this provider alone: what others do does not change them."""
    during, usual = _served_during(strike, known)
    if during is None or usual is None or during[0].coarse or usual[0].coarse:
        return
    slower = _slower(usual[0].latency, during[0].latency, 0.5)
    if slower is not None:
        took, took_before = format_duration(slower[1]), format_duration(slower[0])
        yield f"replies by it took {took} at p50, {took_before} without the fault"


ServedPart = tuple[ServedCell, int]
"""(what the provider served, what all of them did)."""


def _served_during(strike: Strike, known: Known) -> tuple[ServedPart | None, ServedPart | None]:
    """During the fault and without it, None where no reply named any provider."""
    name = strike.injection.name
    during, *usual = (_served_in(strike, known, w) for w in (DURING + name, BASELINE, RECOVERY + name))
    return during, next((part for part in usual if part is not None and part[0].requests), None)


def _served_in(strike: Strike, known: Known, name: str) -> ServedPart | None:
    window = known.evidence.frame.windows.get(name)
    if window is None:
        return None
    served = served_by(known.evidence, known.evidence.frame.segments(window))
    total = sum(cell.requests for cell in served.values())
    return (served.get(strike.provider, ServedCell()), total) if served else None


def _cell(known: Known, name: str) -> CallCell | None:
    frame = known.evidence.frame
    window = frame.windows.get(name)
    return None if window is None else known.evidence.tally.cell(frame.segments(window))


def _slower(usual: Sketch, now: Sketch, q: float) -> tuple[float, float] | None:
    """(usual, now) of a quantile when it is clearly more now."""
    if min(usual.count, now.count) < LEAST_SAMPLES:
        return None
    before, after = usual.quantile(q) or 0.0, now.quantile(q) or 0.0
    return (before, after) if after >= SLOWER * before and after >= before + SLOWER_BY else None


def _untouched(side: ProviderSide, why: str, streams: StreamSide | None) -> str:
    if side.sight.hits:
        whose = "probes" if streams is None else "the target's own, or probes"
        return f"nothing of the load was touched: its {side.sight.hits:,} hits may all be {whose}{why}"
    why = why or ": no calls missing, none hit, none failed or slower"
    return f"nothing of the load was seen to be touched{why}"


def _joined(strike: Strike, known: Known) -> str:
    others = (other for other in known.others_at(strike) if other.overlaps(strike.from_, strike.end))
    names = ", ".join(dict.fromkeys(other.injection.name for other in others))
    return f": what went missing may be the doing of {names}, in force there as well" if names else ""


def _tell(usual: Usual | None) -> str:
    if usual is None:
        return "its calls were not counted without the fault"
    return f"{usual.calls / usual.seconds:,.1f} calls/s {usual.when} the fault"
