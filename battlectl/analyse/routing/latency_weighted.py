"""`latency-weighted`: of any two eligible providers the one that is so many times faster gets about so many
times as many requests.

Rule: what a target takes for the latency of a provider, and the power of it that it weighs by, are its own;
so the odds between two may be off by `SLACK` either way, and the paces are the ranges that were seen.
"""

from __future__ import annotations

from itertools import combinations
from math import inf

from battlectl.analyse.routing.case import FAIR, Case, Claims
from battlectl.analyse.routing.claim import Claim
from battlectl.analyse.routing.eligible import Range
from battlectl.analyse.routing.pace import paces

SLACK = 2.0


def claim_weights(case: Case) -> Claims:
    """A claim for each pair of which the faster is surely so; their order is by who is faster."""
    if len(case.eligible) < 2:
        return "fewer than two providers are eligible"
    ranges = paces(case.workload.name, case.eligible, case.field, case.known)
    claims = []
    for one, other in combinations(case.eligible, 2):
        quick, slow = (one, other) if ranges[one][1] < ranges[other][1] else (other, one)
        if ranges[quick][1] * SLACK < ranges[slow][0]:
            claims.append(_claim(quick, slow, ranges[quick], ranges[slow]))
    return tuple(claims) or "no eligible provider is surely much slower than another"


def _claim(quick: str, slow: str, pace: Range, other: Range) -> Claim:
    least = _share(other[0] / pace[1] / SLACK)
    most = _share(other[1] / pace[0] * SLACK) if pace[0] and other[1] < inf else None
    return Claim(
        who=(quick,),
        among=tuple(sorted((quick, slow))),
        least=least,
        clearly_low=least * (1 - FAIR),
        most=most,
        clearly_high=None if most is None else 1 - (1 - most) * (1 - FAIR),
        is_drawn=True,
    )


def _share(odds: float) -> float:
    return odds / (1 + odds)
