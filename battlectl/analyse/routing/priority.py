"""`priority`: of the eligible providers, the first in the config's order gets all but a few requests.

Rule: a lower number is asked earlier; those with the same number share the place.
"""

from __future__ import annotations

from battlectl.analyse.routing.case import Case, Claims, claim_share


def claim_priority(case: Case) -> Claims:
    """See the rule."""
    config, eligible = case.config, case.eligible
    if missing := [name for name in eligible if name not in config]:
        return f"the target's config does not rank {', '.join(missing)}"
    first = min((config[name].priority for name in eligible), default=0)
    favourites = [name for name in eligible if config[name].priority == first]
    return claim_share(favourites, case, "every eligible provider has the same priority")
