"""Did the target spread the requests over its providers as its strategy says?

Rule: adverse is a share that chance does not explain, among providers that were eligible, in any stretch of
the run in which nothing changed. It holds only where every different claim of the strategies was judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.known import know
from battlectl.analyse.routing.claim import Ruling
from battlectl.analyse.routing.verdicts import Stretch, routing_of
from battlectl.analyse.verdict import Finding, Verdict
from battlectl.quantities import format_duration, format_ratio


def check_routing(evidence: Evidence) -> Finding:
    """See the rule."""
    stretches = routing_of(know(evidence))
    requests = sum(max((r.requests for r in one.rulings), default=0) for one in stretches)
    bad = [(one, ruling) for one in stretches for ruling in one.rulings if ruling.holds is False]
    if bad:
        return _failed(bad, requests)
    kept = [one for one in stretches if one.holds]
    if doubts := list(_doubts(stretches)):
        summary = "; ".join(dict.fromkeys(doubts))
        return Finding("check", "routing", Verdict.INCONCLUSIVE, summary, samples=requests)
    told = "; ".join(dict.fromkeys(_kept(one) for one in kept))
    return Finding("check", "routing", Verdict.PASS, told, samples=requests)


def _failed(bad: Sequence[tuple[Stretch, Ruling]], requests: int) -> Finding:
    first, ruling = bad[0]
    others = len(bad) - 1
    more = f"; and {others} more" if others else ""
    return Finding(
        "check",
        "routing",
        Verdict.FAIL,
        f"{where(first)}: {tell_ruling(ruling)}{more}",
        unit="ratio",
        measured=ruling.share,
        expected=wanted(ruling),
        samples=requests,
    )


def where(stretch: Stretch) -> str:
    """Whose requests, by which strategy, and when."""
    since = stretch.field.start if stretch.judged_from is None else stretch.judged_from
    times = f"from {format_duration(round(since, 1))} to {format_duration(round(stretch.field.end, 1))}"
    return f"{stretch.workload} ({stretch.strategy}) {times}"


def tell_ruling(ruling: Ruling) -> str:
    """Who got how much of what, and what was wanted."""
    who = " and ".join(ruling.claim.who)
    got = "nothing" if ruling.share is None else format_ratio(round(ruling.share, 4))
    others = [name for name in ruling.claim.among if name not in ruling.claim.who]
    among = f" among {', '.join([*ruling.claim.who, *others])}" if others else ""
    return f"{who} got {got} of {ruling.requests:,} requests{among}, wanted {wanted(ruling)}"


def wanted(ruling: Ruling) -> str:
    """`at least 80%`, or a range."""
    least, most = ruling.claim.least, ruling.claim.most
    ends = (
        "" if least is None else f"at least {format_ratio(round(least, 4))}",
        "" if most is None else f"at most {format_ratio(round(most, 4))}",
    )
    return " and ".join(end for end in ends if end)


def _doubts(stretches: Sequence[Stretch]) -> Iterator[str]:
    """What was claimed and never judged; everything, where nothing could be."""
    judged = {(one.workload, one.claims, one.field.beside) for one in stretches if one.holds}
    for workload in dict.fromkeys(one.workload for one in stretches):
        own = [one for one in stretches if one.workload == workload]
        if not any(one.holds for one in own):
            yield f"{where(own[0])}: {own[0].words or _too_few(own[0])}"
        for one in own:
            if one.claims and (one.workload, one.claims, one.field.beside) not in judged:
                yield f"{where(one)}: {one.words or _too_few(one)}"
    if not stretches:
        yield "no load went on for a second"


def _too_few(stretch: Stretch) -> str:
    open_ = next((ruling for ruling in stretch.rulings if ruling.holds is None), None)
    return "nothing was claimed" if open_ is None else f"{tell_ruling(open_)}: too few, or too near, to tell"


def _kept(stretch: Stretch) -> str:
    """The claim that was kept most narrowly stands for all of a stretch."""
    ruling = min(stretch.rulings, key=lambda r: (r.share or 0.0) - (r.claim.least or 0.0))
    return f"{where(stretch)}: {tell_ruling(ruling)}"
