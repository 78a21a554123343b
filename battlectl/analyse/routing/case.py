"""What a strategy may look at: one workload in one stretch in which nothing changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from battlectl.analyse.faults.known import Known
from battlectl.analyse.routing.claim import Claim
from battlectl.analyse.routing.eligible import Field
from battlectl.plan.frame import WorkloadFrame
from battlectl.plan.routing import Expectation, ProviderFrame

FAIR = 0.15
"""So much beyond what is tolerated, a share is clearly wrong: a parted 60/40 is further from 50/50."""


@dataclass(frozen=True, slots=True)
class Case:
    """`providers` are all that there are, `eligible` those that are not out, both sorted by name."""

    workload: WorkloadFrame
    expected: Expectation
    field: Field
    providers: tuple[str, ...]
    known: Known

    @property
    def eligible(self) -> tuple[str, ...]:
        """Whom the target may be expected to choose among."""
        return tuple(name for name in self.providers if name not in self.field.out)

    @property
    def config(self) -> Mapping[str, ProviderFrame]:
        """What the target's config says of each provider that it names."""
        return {provider.id: provider for provider in self.known.evidence.frame.providers}


Claims = tuple[Claim, ...] | str
"""What a strategy claims of a case; in words, why it claims nothing."""


def claim_share(favourites: Collection[str], case: Case, why_none: str) -> Claims:
    """The favourites get the share that is expected of what goes to anybody eligible."""
    if len(case.eligible) < 2:
        return "fewer than two providers are eligible"
    who = tuple(sorted(favourites))
    if not who or set(who) == set(case.eligible):
        return why_none
    least = case.expected.share
    return (Claim(who, case.eligible, least=least, clearly_low=min(least, 0.99)),)
