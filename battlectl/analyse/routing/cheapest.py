"""`cheapest`: of the eligible providers, those of tier `free` get all but a few requests.

Rule: the tier is what the target's config says; how the free ones share among themselves is their affair.
"""

from __future__ import annotations

from battlectl.analyse.routing.case import Case, Claims, claim_share

FREE = "free"


def claim_cheapest(case: Case) -> Claims:
    """See the rule."""
    config, eligible = case.config, case.eligible
    if missing := [name for name in eligible if name not in config]:
        return f"the target's config does not say the tier of {', '.join(missing)}"
    favourites = [name for name in eligible if config[name].tier == FREE]
    return claim_share(favourites, case, "the eligible providers are all free, or none is")
