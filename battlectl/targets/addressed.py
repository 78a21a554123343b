"""The site of a target that stands already: a config that names its URL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from battlectl.plan.route import Route
from battlectl.scenario.target import Provider, Target, TruthSource
from battlectl.targets import ADAPTERS
from battlectl.targets.site import Site, Witnessed, endpoint_of, ws_endpoint_of
from battlectl.transport.base import Endpoint


@asynccontextmanager
async def open_addressed(target: Target) -> AsyncIterator[Site]:
    """Starts nothing."""
    assert target.url is not None, "the config of a target that is not the lab names its url"
    adapter = ADAPTERS[target.kind]
    endpoint = endpoint_of(target, target.url, adapter.attribution(target))
    notes = () if target.tls.verify else ("TLS certificates were not verified",)
    providers = tuple(_describe(provider) for provider in target.providers)
    address = partial(adapter.address, target)
    yield Site(
        kind=target.kind,
        endpoint=endpoint,
        ws_endpoint=ws_endpoint_of(target, adapter.ws_url(target)),
        witness=_witness(target, replace(endpoint, path=address(Route(), endpoint.path, False).path)),
        providers=providers,
        notes=(*notes, *(f"not observable at this target: {what}" for what in adapter.unseen(target))),
        address=address,
    )


def _witness(target: Target, own: Endpoint) -> Witnessed:
    """As the config says; else the aggregator's own answers over HTTP."""
    source = target.truth or TruthSource()
    if source.url is not None:
        return Witnessed(endpoint_of(target, source.url), source.every, "the endpoint that `truth` names")
    if source.provider is None:
        what = "the target's own answers over HTTP: what it gets wrong on both paths is not seen"
        return Witnessed(own, source.every, what)
    url = next(provider.url for provider in target.providers if provider.id == source.provider)
    assert url is not None, "the config names a provider with a url"
    return Witnessed(endpoint_of(target, url), source.every, f"{source.provider}, asked itself")


def _describe(provider: Provider) -> dict[str, Any]:
    """With its address where the config has one: that is where it is asked itself."""
    address = {} if provider.url is None else {"url": provider.url}
    return {"id": provider.id, **address, "tier": provider.tier, "priority": provider.priority}
