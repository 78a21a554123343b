"""Any JSON-RPC endpoint over HTTP: addressed by its URL, nothing known about its inside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from battlectl.scenario.target import Provider, Target
from battlectl.targets.site import Site, endpoint_of, ws_endpoint_of


@asynccontextmanager
async def open_generic(target: Target) -> AsyncIterator[Site]:
    """The site of a config that names its URL; starts nothing."""
    assert target.url is not None, "the config of a generic target names its url"
    notes = () if target.tls.verify else ("TLS certificates were not verified",)
    providers = tuple(_describe(provider) for provider in target.providers)
    ws = ws_endpoint_of(target, target.ws_url)
    yield Site("generic", endpoint_of(target, target.url), ws, providers, notes)


def _describe(provider: Provider) -> dict[str, Any]:
    """With its address where the config has one: that is where it is asked itself."""
    address = {} if provider.url is None else {"url": provider.url}
    return {"id": provider.id, **address, "tier": provider.tier, "priority": provider.priority}
