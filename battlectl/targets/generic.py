"""Any JSON-RPC endpoint over HTTP: addressed by its URL, nothing known about its inside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from battlectl.scenario.target import Target
from battlectl.targets.site import Site, endpoint_of


@asynccontextmanager
async def open_generic(target: Target) -> AsyncIterator[Site]:
    """The site of a config that names its URL; starts nothing."""
    assert target.url is not None, "the config of a generic target names its url"
    notes = () if target.tls.verify else ("TLS certificates were not verified",)
    providers = tuple({"id": p.id, "tier": p.tier, "priority": p.priority} for p in target.providers)
    yield Site("generic", endpoint_of(target, target.url), providers, notes)
