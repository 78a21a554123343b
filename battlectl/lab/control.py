"""Starting and ending a lab: the process of its providers, then that of the gateway in front of them.

Rule: a lab is whole or it is over. Both processes are started for the block and ended after it; when
one of them ends by itself, whoever holds the lab is told, because nothing it measures means anything then.
(A provider is killed through the admin API; the process it lives in is no provider.)
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

from battlectl.lab.children import Child, end_all, first_end, make_ready, said_by, spawn
from battlectl.lab.gateway.settings import default_deadlines
from battlectl.lab.spec import LabError, LabSpec, check_spec, provider_ids

Ended = Callable[[], Awaitable[str]]
"""Waits until a process of the lab ends by itself, and says how."""


@dataclass(frozen=True, slots=True)
class LabProvider:
    """One provider; `url` and `ws_url` are its own, past the gateway; `kind` is "node" or "relay".

    `trouble` says why the node behind a relay did not answer at the start, or is None.
    """

    id: str
    kind: str
    url: str
    ws_url: str
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Lab:
    """A running lab. `url` is the gateway's, for POST /, and `ws_url` is for its subscriptions.

    Both are None, as is `gateway_pid`, for a lab that has no gateway.
    """

    url: str | None
    ws_url: str | None
    admin_url: str
    providers: tuple[LabProvider, ...]
    providers_pid: int
    gateway_pid: int | None


@asynccontextmanager
async def running_lab(spec: LabSpec) -> AsyncIterator[Lab]:
    """A lab that answers, for the length of the block; LabError when it does not come up."""
    async with watched_lab(spec) as (lab, _):
        yield lab


@asynccontextmanager
async def watched_lab(spec: LabSpec) -> AsyncIterator[tuple[Lab, Ended]]:
    """The same, and what waits for an end that nobody asked for. What a process complains of is passed on."""
    check_spec(spec)
    children: list[Child] = []
    try:
        lab = await _start_lab(spec, children)
        yield lab, partial(first_end, children)
        _pass_on(children)
    finally:
        await end_all(children)


async def hold_lab(spec: LabSpec, tell: Callable[[Lab], None]) -> NoReturn:
    """A lab until cancelled, told of once it answers; LabError when it does not, or ends by itself."""
    async with watched_lab(spec) as (lab, ended):
        tell(lab)
        raise LabError(f"{await ended()}\nstart it again")


def providers_settings(spec: LabSpec) -> dict[str, Any]:
    """What the process of the providers reads, see host.py."""
    nodes = [{"id": id_} for id_ in provider_ids(spec.providers)]
    relays = [{"id": relay.id, "upstream": relay.upstream} for relay in spec.relays]
    return {
        "providers": relays or nodes,
        "seed": spec.seed,
        "block_time_s": spec.block_time,
        "latency_s": spec.latency,
        "host": spec.host,
        "admin_ports": list(spec.admin_ports),
        "token": spec.token,
        "allow_any_address": spec.allow_any_address,
    }


def gateway_settings(
    spec: LabSpec, providers: tuple[LabProvider, ...], chain_id: int | None
) -> dict[str, Any]:
    """What the process of the gateway reads, see host_gateway.py; `chain_id` is what relays were told."""
    upstreams = [
        {
            "id": provider.id,
            "url": provider.url,
            "ws_url": provider.ws_url,
            "priority": priority,
            "tier": spec.tiers[priority - 1] if priority <= len(spec.tiers) else "free",
        }
        for priority, provider in enumerate(providers, 1)
    ]
    chain = {"chain_name": "relayed", "chain_title": "Relayed Chain"} if spec.relays else {}
    chosen = spec.chain_id or chain_id
    return {
        "gateway": {
            "providers": upstreams,
            "revision": spec.revision,
            "strategy": spec.strategy,
            "defects": list(spec.defect),
            "deadlines": default_deadlines(spec.attempt_timeout),
            **chain,
            **({} if chosen is None else {"chain_id": chosen}),
        },
        "host": spec.host,
        "port": spec.port,
        "allow_any_address": spec.allow_any_address,
    }


async def _start_lab(spec: LabSpec, children: list[Child]) -> Lab:
    host = await spawn("providers", children)
    front = await spawn("gateway", children) if spec.has_gateway else None  # it can start while it waits
    ready = await make_ready(host, providers_settings(spec))
    providers = tuple(LabProvider(**provider) for provider in ready["providers"])
    if front is None:
        return Lab(None, None, ready["admin_url"], providers, ready["pid"], None)
    if spec.relays and spec.chain_id is None and ready["chain_id"] is None:
        raise LabError("no node behind the relays said its chain id, which the gateway needs: try --chain-id")
    settings = gateway_settings(spec, providers, ready["chain_id"])
    gateway = await make_ready(front, settings)
    return Lab(gateway["url"], gateway["ws_url"], ready["admin_url"], providers, ready["pid"], gateway["pid"])


def _pass_on(children: list[Child]) -> None:
    """A lab that complained and went on has a bug, which must not go down with its stderr."""
    for child in children:
        if words := said_by(child):
            print(f"the lab's {child.name} said:\n{words}", file=sys.stderr)
