"""The config file of a target as frozen types: where the aggregator is, and what stands behind it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from battlectl.scenario.fields import Duration, Name, PositiveDuration, Strict, Text, Url, WsUrl
from battlectl.scenario.target_chaos import TargetChaos


class Provider(Strict):
    """An upstream node behind the aggregator."""

    id: Name
    url: Url | None = None
    ws_url: WsUrl | None = None
    priority: int = 0
    tier: Literal["free", "paid"] = "paid"


class Ready(Strict):
    """How readiness is asked before any load: this call must be answered within `within`."""

    method: Text = "eth_blockNumber"
    within: PositiveDuration = 10.0


class Tls(Strict):
    """`ca`: a PEM file to trust beside the system's; `verify: false` trusts anybody, as the report says."""

    verify: bool = True
    ca: str | None = None


class AttributionHeaders(Strict):
    """The names of the headers by which a reply tells who served it; what is not named is not observable.

    `provider` holds the id of the provider that answered, `attempts` how many attempts that took, the first
    included.
    """

    provider: Name | None = None
    attempts: Name | None = None


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _known(defects: tuple[str, ...]) -> tuple[str, ...]:
    # Here, because it is all of the gateway, and few files plant anything.
    from battlectl.lab.gateway.defects.table import check_names

    check_names(defects)
    return defects


Defects = Annotated[
    tuple[Name, ...],
    Field(strict=False),
    AfterValidator(_known),
    BeforeValidator(_listed, json_schema_input_type=Name | list[Name]),
]


class Lab(Strict):
    """The embedded lab: simulated providers and a small gateway, started for the run and stopped after it.

    `revision` and `strategy` are the gateway's: which contract it has, and how it chooses among providers
    for requests that name no strategy (none: as the revision does). `defect` is planted in it, one or a list:
    `battlectl lab defects` names them.
    """

    providers: Annotated[int, Field(ge=1, le=26)] = 3
    block_time: PositiveDuration = 1.0
    latency: Duration = 0.0
    seed: Annotated[int, Field(ge=0)] = 1
    revision: Literal["current", "2025-10"] = "current"
    strategy: (
        Literal["fastest", "cheapest", "priority", "round-robin", "load-balanced", "latency-weighted"] | None
    ) = None
    defect: Defects = ()


class TruthSource(Strict):
    """Where the chain is read while subscriptions are judged: at a provider itself, or at any endpoint."""

    provider: Name | None = None
    url: Url | None = None
    every: Annotated[PositiveDuration, Field(le=5)] = 0.25


class Target(Strict):
    """One config file. `kind: lab` needs no `url`; every other kind does. `ws_url` is for WebSockets.

    Load goes only to the hosts of `url` and `ws_url`. An address that is neither loopback nor private needs
    `allow_public: true`. Without `attribution` the headers of the lab's own gateway are read, and nobody
    else's; `attribution: {}` reads none. `chaos` says how its providers are broken; the lab has its own way.
    """

    version: Literal[1]
    kind: Literal["lab", "generic"] = "generic"
    description: str = ""
    url: Url | None = None
    ws_url: WsUrl | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    ready: Ready = Field(default_factory=Ready)
    tls: Tls = Field(default_factory=Tls)
    attribution: AttributionHeaders | None = None
    lab: Lab = Field(default_factory=Lab)
    providers: Annotated[tuple[Provider, ...], Field(strict=False)] = ()
    chaos: TargetChaos | None = None
    truth: TruthSource | None = None
    allow_public: bool = False
