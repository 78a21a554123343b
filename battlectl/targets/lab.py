"""The embedded lab as a target: started before the run, ended after it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from battlectl.errors import NotReady
from battlectl.lab.control import Lab, watched_lab
from battlectl.lab.spec import LabError, LabSpec
from battlectl.scenario.target import Target
from battlectl.targets.lab_address import lab_address
from battlectl.targets.lab_relays import Chosen, choose_nodes
from battlectl.targets.lab_truth import fetch_truth
from battlectl.targets.site import Site, Witnessed, endpoint_of, ws_endpoint_of
from battlectl.transport.attribution import Attribution
from battlectl.transport.base import parse_endpoint

SIMULATED = "the providers are simulated: this says how battlectl works, not how a real aggregator does"

THE_CHAIN = "the lab's chain itself, past every fault"
PLANTED = "a defect was planted in the gateway: {names}"
THE_GATEWAY = "the gateway's own answers over HTTP: what it gets wrong on both paths is not seen"
LOOK_FAR_EVERY = 1.0
FAR_AWAY = 4.0
"""Seconds that one attempt at a real node may take."""
LOOK_EVERY = 0.1
"""Seconds between looks at it."""
ATTRIBUTION = Attribution("X-Lab-Provider", "X-Lab-Attempts")
"""What the lab's gateway says of each answer: docs/gateway.md."""


@asynccontextmanager
async def open_lab(target: Target) -> AsyncIterator[Site]:
    """The site of a lab of its own; raises `NotReady` when the lab does not come up."""
    asked = target.lab
    chosen = await choose_nodes(target) if asked.relays else None
    relayed: dict[str, Any] = {} if chosen is None else _relayed(target, chosen)
    spec = LabSpec(
        providers=asked.providers,
        block_time=asked.block_time,
        latency=asked.latency,
        seed=asked.seed,
        revision=asked.revision,
        strategy=asked.strategy,
        defect=asked.defect,
        tiers=asked.tiers,
        **relayed,
    )
    try:
        async with watched_lab(spec) as (lab, ended):
            assert lab.url is not None, "a lab that nobody asked to be without has a gateway"
            providers = tuple({"id": p.id, "url": p.url, "ws_url": p.ws_url} for p in lab.providers)
            endpoint = endpoint_of(target, lab.url, ATTRIBUTION)
            truth = partial(fetch_truth, lab.url)
            ws = ws_endpoint_of(target, lab.ws_url)
            chain = _witness(target, lab)
            address = partial(lab_address, target)
            planted = PLANTED.format(names=", ".join(asked.defect))
            origin = (SIMULATED,) if chosen is None else chosen.notes
            notes = (*origin, planted) if asked.defect else origin
            site = Site("lab", endpoint, ws, chain, providers, notes, lab.admin_url, ended, truth)
            yield replace(site, pid=lab.gateway_pid, address=address)
    except LabError as error:
        raise NotReady(f"the lab did not start: {error}") from error


def _relayed(target: Target, chosen: Chosen) -> dict[str, Any]:
    return {
        "relays": chosen.relays,
        "chain_id": chosen.chain_id,
        "allow_any_address": target.allow_public,
        "attempt_timeout": FAR_AWAY,
    }


def _witness(target: Target, lab: Lab) -> Witnessed:
    """Its chain past every fault; a provider, when the config names one; of relays the gateway's answers."""
    if target.lab.relays:
        assert lab.url is not None, "a lab that nobody asked to be without has a gateway"
        return Witnessed(parse_endpoint(lab.url), LOOK_FAR_EVERY, THE_GATEWAY)
    if target.truth is None or target.truth.provider is None:
        return Witnessed(parse_endpoint(f"{lab.admin_url}/chain/rpc"), LOOK_EVERY, THE_CHAIN)
    url = next(one.url for one in lab.providers if one.id == target.truth.provider)
    return Witnessed(parse_endpoint(url), LOOK_EVERY, f"{target.truth.provider}, asked itself")
