"""What a target's config says of its providers, and of the breakers before them."""

from __future__ import annotations

from battlectl.commands.chaos_plan import provider_ids
from battlectl.plan.routing import BreakerFrame, ProviderFrame
from battlectl.scenario.target import Target

FREE = "free"


def promised_breaker(target: Target) -> BreakerFrame | None:
    """None where the config promises nothing."""
    return None if target.breaker is None else BreakerFrame(**target.breaker.model_dump())


def ranked_providers(target: Target) -> tuple[ProviderFrame, ...]:
    """By order of the config; those of the embedded lab are ranked by their letters."""
    if target.kind != "lab":
        return tuple(ProviderFrame(one.id, one.priority, one.tier) for one in target.providers)
    tiers = (*target.lab.tiers, *[FREE] * target.lab.providers)
    ranked = enumerate(provider_ids(target), 1)
    return tuple(ProviderFrame(id_, rank, tiers[rank - 1]) for rank, id_ in ranked)
