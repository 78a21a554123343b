"""`fastest`: the fastest eligible provider gets at least the wanted share.

Rule: favourites are all who are not surely slower than another, so that a tie is nobody's fault. Where all
are as fast as each other, any spread is right.
"""

from __future__ import annotations

from battlectl.analyse.routing.case import Case, Claims, claim_share
from battlectl.analyse.routing.pace import fastest_of, paces


def claim_fastest(case: Case) -> Claims:
    """See the rule."""
    ranges = paces(case.workload.name, case.eligible, case.field, case.known)
    return claim_share(fastest_of(ranges), case, "no eligible provider is surely slower than the others")
