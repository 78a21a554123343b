"""What a target's config says of its providers, as far as routing goes."""

from __future__ import annotations

from battlectl.commands.chaos_plan import provider_ids
from battlectl.plan.routing import ProviderFrame
from battlectl.scenario.target import Target

FREE = "free"


def ranked_providers(target: Target) -> tuple[ProviderFrame, ...]:
    """By order of the config; those of the embedded lab are ranked by their letters."""
    if target.kind != "lab":
        return tuple(ProviderFrame(one.id, one.priority, one.tier) for one in target.providers)
    tiers = (*target.lab.tiers, *[FREE] * target.lab.providers)
    ranked = enumerate(provider_ids(target), 1)
    return tuple(ProviderFrame(id_, rank, tiers[rank - 1]) for rank, id_ in ranked)
