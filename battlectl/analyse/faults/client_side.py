"""The client's side of a proof: did the load depend on the provider, and was it touched?

Rule: only load counts. Our own probes and the target's health probes are taken off before a call or a hit
counts for anything, and a change that another fault may have made counts for nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from battlectl.analyse.faults.doubt import Doubt, unproven
from battlectl.analyse.faults.known import Known
from battlectl.analyse.faults.provider_side import ProviderSide
from battlectl.analyse.faults.served import served_by
from battlectl.analyse.faults.strike import Strike
from battlectl.analyse.faults.usual import SIGMAS, Usual, calls_gone, usual_calls
from battlectl.observe import outcome
from battlectl.observe.tally import CallCell
from battlectl.quantities import format_duration, format_ratio

SLOWER = 1.5
SLOWER_BY = 0.005
LEAST_SAMPLES = 20


@dataclass(frozen=True, slots=True)
class ClientSide:
    """What the load was like there, in words, and what is missing."""

    words: str
    doubts: tuple[Doubt, ...]


def see_client(strike: Strike, side: ProviderSide, known: Known) -> ClientSide:
    """See the rule."""
    if strike.struck is None or strike.begun is None:
        return ClientSide("nothing was injected", ())
    usual = usual_calls(strike, known)
    signs = tuple(_signs(strike, side, usual, known))
    missing = [] if strike.expected.is_of_websockets else list(_no_traffic(strike, usual, known))
    if not signs:
        missing.append(_untouched(side))
    words = "; ".join((_tell(usual), *(signs or ("nothing of it was seen to be touched",))))
    return ClientSide(words, tuple(unproven(reason) for reason in missing))


def _no_traffic(strike: Strike, usual: Usual | None, known: Known) -> Iterator[str]:
    if usual is None:
        if not _served_in_baseline(strike, known):
            yield "nothing says whether the load used it: its calls were not counted without the fault"
        return
    when = f"in {usual.seconds:.1f}s {usual.when} the fault"
    if usual.calls == 0:
        yield f"got no traffic: no call of the load {when}"
        return
    allowed = 0.0 if math.isinf(known.own.most) else known.own.most * usual.seconds
    if usual.calls <= allowed + SIGMAS * math.sqrt(allowed):
        yield f"got no more traffic than the target's own probes may be: {usual.calls:,} calls {when}"


def _served_in_baseline(strike: Strike, known: Known) -> bool:
    window = known.evidence.frame.windows.get("baseline")
    if window is None:
        return False
    served = served_by(known.evidence, known.evidence.frame.segments(window))
    return strike.provider in served and served[strike.provider].requests > 0


def _signs(strike: Strike, side: ProviderSide, usual: Usual | None, known: Known) -> Iterator[str]:
    """What shows that the load was touched."""
    touched = touched_by(strike, side, known)
    if touched > 0:
        yield f"{touched:,} of its messages or connections were touched"
    if not _is_overlapped(strike, known.others_at(strike)):
        gone = calls_gone(strike, usual, known, strike.struck or 0.0, strike.end)
        if gone is not None:
            yield f"{gone[0]:,} calls reached it where about {gone[1]:,.0f} would have"
    if not _is_overlapped(strike, known.strikes):
        yield from _changes(strike, known)


def _is_overlapped(strike: Strike, others: tuple[Strike, ...]) -> bool:
    return any(other.overlaps(strike.from_, strike.end) for other in others if other is not strike)


def touched_by(strike: Strike, side: ProviderSide, known: Known) -> int:
    """Hits of the fault that are neither our probes nor, at most, the target's own."""
    sight = side.sight
    if not sight.hits or strike.struck is None:
        return 0
    if strike.expected.is_of_websockets:
        return sight.hits
    probes = known.probes_between(strike.provider, strike.from_, strike.to)
    ours = len(probes)
    if strike.expected.shows_in_probes:
        ours = sum(probe in sight.shown or probe.outcome != outcome.OK for probe in probes)
    theirs = 0.0 if math.isinf(known.own.most) else known.own.most * (strike.end - strike.struck)
    return max(0, sight.hits - ours - math.ceil(theirs + SIGMAS * math.sqrt(theirs)))


def _changes(strike: Strike, known: Known) -> Iterator[str]:
    """What changed for the clients from the baseline to the fault."""
    during = _cell(known, f"during:{strike.injection.name}")
    baseline = _cell(known, "baseline")
    if during is None or baseline is None or not during.total or not baseline.total:
        return
    failed, usual = during.total - during.ok, (baseline.total - baseline.ok) / baseline.total
    if failed > usual * during.total + SIGMAS * math.sqrt(usual * during.total):
        shown = f"{failed:,} of {during.total:,} arrivals failed"
        yield f"{shown}, in the baseline {format_ratio(usual)} did"
    yield from _slower(baseline, during)


def _cell(known: Known, name: str) -> CallCell | None:
    frame = known.evidence.frame
    window = frame.windows.get(name)
    return None if window is None else known.evidence.tally.cell(frame.segments(window))


def _slower(baseline: CallCell, during: CallCell) -> Iterator[str]:
    before, now = baseline.latency, during.latency
    if min(before.count, now.count) < LEAST_SAMPLES:
        return
    usual, seen = before.quantile(0.95) or 0.0, now.quantile(0.95) or 0.0
    if seen >= SLOWER * usual and seen >= usual + SLOWER_BY:
        yield f"latency p95 was {format_duration(seen)}, in the baseline {format_duration(usual)}"


def _untouched(side: ProviderSide) -> str:
    if side.sight.hits:
        return f"nothing of the load was touched: its {side.sight.hits:,} hits may all be probes"
    return "nothing of the load was seen to be touched: no calls missing, none hit, none failed or slower"


def _tell(usual: Usual | None) -> str:
    if usual is None:
        return "its calls were not counted without the fault"
    return f"{usual.calls / usual.seconds:,.1f} calls/s {usual.when} the fault"
