"""`round-robin` and `load-balanced`: every eligible provider gets its part, and none gets much more.

Rule: with everybody eligible that is one n-th each. Of a rotation that skips who is out, the next in turn
takes the turns of those: so with k out, nobody gets less than one n-th, and nobody more than k + 1 of them.
"""

from __future__ import annotations

from battlectl.analyse.routing.case import FAIR, Case, Claims
from battlectl.analyse.routing.claim import Claim


def claim_even(case: Case) -> Claims:
    """See the rule; the tolerance is in parts of the even share."""
    eligible, count, out = case.eligible, len(case.providers), len(case.field.out)
    if len(eligible) < 2:
        return "fewer than two providers are eligible"
    tolerance = case.expected.tolerance
    least, most = 1 / count, (1 + out) / count
    return tuple(
        Claim(
            who=(provider,),
            among=eligible,
            least=least * (1 - tolerance),
            clearly_low=least * max(0.0, 1 - tolerance - FAIR),
            most=most * (1 + tolerance) if out and most < 1 else None,
            clearly_high=most * (1 + tolerance + FAIR) if out and most * (1 + tolerance + FAIR) < 1 else None,
            is_drawn=True,
        )
        for provider in eligible
    )
