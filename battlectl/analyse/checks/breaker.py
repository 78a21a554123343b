"""Did the target's circuit breakers keep what its config promises of them?

Rule: adverse is a promise that all of what was seen contradicts, under any fault of the run. It holds where
every promise was seen to be kept at least once; those that no fault of the run can show are named.
"""

from __future__ import annotations

from collections.abc import Sequence

from battlectl.analyse.breakers.promises import Point, points_of
from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.known import know
from battlectl.analyse.verdict import Finding, Verdict


def check_breaker(evidence: Evidence) -> Finding:
    """See the rule."""
    points = points_of(know(evidence))
    bad = [point for point in points if point.holds is False]
    if bad:
        more = f"; and {len(bad) - 1} more" if len(bad) > 1 else ""
        return _finding(Verdict.FAIL, f"{tell_point(bad[0])}{more}", points)
    kept = {point.promise for point in points if point.holds}
    untested = {point.promise for point in points if not point.can_be_known} - kept
    open_ = [point for point in points if point.promise not in kept | untested]
    if open_ or not kept:
        told = "; ".join(dict.fromkeys(map(tell_point, open_))) or "no fault showed anything of a breaker"
        return _finding(Verdict.INCONCLUSIVE, told, points)
    told = "; ".join(tell_point(point) for point in points if point.holds)
    unknown = f"; not shown by any fault here: {', '.join(sorted(untested))}" if untested else ""
    return _finding(Verdict.PASS, f"{told}{unknown}", points)


def tell_point(point: Point) -> str:
    """Whose breaker, under which fault, and what was seen."""
    return f"{point.provider} under {point.fault}: {point.promise}: {point.words}"


def _finding(verdict: Verdict, words: str, points: Sequence[Point]) -> Finding:
    return Finding("check", "breaker", verdict, words, samples=len(points))
