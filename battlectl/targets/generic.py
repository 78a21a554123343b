"""Any JSON-RPC endpoint over HTTP: addressed by its URL, nothing known about its inside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from battlectl.scenario.target import Provider, Target, TruthSource
from battlectl.targets import ADAPTERS
from battlectl.targets.site import Site, Witnessed, endpoint_of, ws_endpoint_of


@asynccontextmanager
async def open_generic(target: Target) -> AsyncIterator[Site]:
    """The site of a config that names its URL; starts nothing."""
    assert target.url is not None, "the config of a generic target names its url"
    notes = () if target.tls.verify else ("TLS certificates were not verified",)
    providers = tuple(_describe(provider) for provider in target.providers)
    yield Site(
        kind=target.kind,
        endpoint=endpoint_of(target, target.url),
        ws_endpoint=ws_endpoint_of(target, target.ws_url),
        witness=_witness(target),
        providers=providers,
        notes=notes,
        address=partial(ADAPTERS[target.kind].address, target),
    )


def _witness(target: Target) -> Witnessed:
    """As the config says; else the aggregator's own answers over HTTP."""
    assert target.url is not None, "the config of a generic target names its url"
    source = target.truth or TruthSource()
    if source.url is not None:
        return Witnessed(endpoint_of(target, source.url), source.every, "the endpoint that `truth` names")
    if source.provider is None:
        what = "the target's own answers over HTTP: what it gets wrong on both paths is not seen"
        return Witnessed(endpoint_of(target, target.url), source.every, what)
    url = next(provider.url for provider in target.providers if provider.id == source.provider)
    assert url is not None, "the config names a provider with a url"
    return Witnessed(endpoint_of(target, url), source.every, f"{source.provider}, asked itself")


def _describe(provider: Provider) -> dict[str, Any]:
    """With its address where the config has one: that is where it is asked itself."""
    address = {} if provider.url is None else {"url": provider.url}
    return {"id": provider.id, **address, "tier": provider.tier, "priority": provider.priority}
