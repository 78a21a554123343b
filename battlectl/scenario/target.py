"""The config file of a target as frozen types: where the aggregator is, and what stands behind it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from battlectl.scenario.fields import Duration, Name, PositiveDuration, Strict, Text, Url, WsUrl
from battlectl.scenario.routes import Chain
from battlectl.scenario.target_chaos import TargetChaos
from battlectl.scenario.target_kinds import Kind
from battlectl.scenario.target_relays import RelayedNode
from battlectl.scenario.target_telemetry import TargetTelemetry
from battlectl.scenario.target_unchanged import TargetUnchanged
from battlectl.scenario.watch import Hash, HeadTolerance


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


JsonPlace = Annotated[
    str, Field(pattern=r"^[^.\s]+(\.[^.\s]+)*$", max_length=200, description="keys, numbers, dots between")
]


class AttributionBody(Strict):
    """Where the JSON of a reply tells who served it: `meta.providers.0.id`. See `AttributionHeaders`."""

    provider: JsonPlace | None = None
    attempts: JsonPlace | None = None
    retries: JsonPlace | None = None
    upstream_ms: JsonPlace | None = None
    breaker: JsonPlace | None = None


class AttributionHeaders(Strict):
    """The names of the headers by which a reply tells who served it; what is not named is not observable.

    `provider` holds the id of the provider that answered, `attempts` how many attempts that took, the first
    included, or `retries` one less. `upstream_ms` holds how long that provider took, in milliseconds,
    `breaker` the state of its breaker: closed, open or half_open. `body` names places in the JSON instead: it
    costs another decoding.
    """

    provider: Name | None = None
    attempts: Name | None = None
    retries: Name | None = None
    upstream_ms: Name | None = None
    breaker: Name | None = None
    body: AttributionBody | None = None

    @model_validator(mode="after")
    def _is_one_way(self) -> AttributionHeaders:
        if self.body is not None and set(AttributionBody.model_fields) & self.model_fields_set:
            raise ValueError("headers or the body tell it, not both: leave one away")
        for names in (self, self.body):
            if names is not None and names.attempts is not None and names.retries is not None:
                raise ValueError("retries are attempts but one: name the one that the target sends")
        return self

    @property
    def tells(self) -> bool:
        """Whether anything is read."""
        places = self.body or self
        return any(getattr(places, name) is not None for name in AttributionBody.model_fields)


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
    `battlectl lab defects` names them. `tiers` are those of its providers, in order; free without it.

    With `relays` its providers are real nodes, the first of these that answer: so many as `providers` says.
    """

    relays: Annotated[tuple[RelayedNode, ...], Field(strict=False, max_length=26)] = ()
    providers: Annotated[int, Field(ge=1, le=26)] = 3
    block_time: PositiveDuration = 1.0
    latency: Duration = 0.0
    seed: Annotated[int, Field(ge=0)] = 1
    revision: Literal["current", "2025-10"] = "current"
    strategy: (
        Literal["fastest", "cheapest", "priority", "round-robin", "load-balanced", "latency-weighted"] | None
    ) = None
    defect: Defects = ()
    tiers: Annotated[tuple[Literal["free", "paid"], ...], Field(strict=False, max_length=26)] = ()


class Breaker(Strict):
    """What its circuit breakers promise, one of each provider.

    After `failures` in a row one opens, and stays open for `recovery` at least; then it lets `half_open`
    requests at a time through, and closes after `successes` in a row. It is tried again after `longest` at
    the latest.
    """

    failures: Annotated[int, Field(ge=1, le=10_000)] | None = None
    recovery: PositiveDuration | None = None
    half_open: Annotated[int, Field(ge=1, le=10_000)] | None = None
    successes: Annotated[int, Field(ge=1, le=10_000)] | None = None
    longest: PositiveDuration | None = None


class TruthSource(Strict):
    """Where the chain is read while subscriptions are judged: at a provider itself, or at any endpoint."""

    provider: Name | None = None
    url: Url | None = None
    every: Annotated[PositiveDuration, Field(le=5)] = 0.25


class Target(Strict):
    """One config file. `kind: lab` needs no `url`; every other kind does. `ws_url` is for WebSockets.

    `chain`, `profile` and `revision` are for the kinds that are addressed by them: `target_kinds.KINDS`.

    Load goes only to the hosts of `url` and `ws_url`. An address that is neither loopback nor private needs
    `allow_public: true`. Without `attribution` replies are read as the kind has it, those of a generic
    target not at all; `attribution: {}` reads none. `chaos` says how its providers are broken; the lab has
    its own way.
    """

    version: Literal[1]
    kind: Kind = "generic"
    description: str = ""
    url: Url | None = None
    ws_url: WsUrl | None = None
    chain: Chain | None = None
    profile: Name | None = None
    revision: Literal["current", "2025-10"] | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    ready: Ready = Field(default_factory=Ready)
    tls: Tls = Field(default_factory=Tls)
    attribution: AttributionHeaders | None = None
    lab: Lab = Field(default_factory=Lab)
    providers: Annotated[tuple[Provider, ...], Field(strict=False)] = ()
    chaos: TargetChaos | None = None
    truth: TruthSource | None = None
    breaker: Breaker | None = None
    heads: HeadTolerance = Field(default_factory=HeadTolerance)
    genesis: Hash | None = None
    telemetry: TargetTelemetry | None = None
    unchanged: TargetUnchanged | None = None
    pid: Annotated[int, Field(ge=1)] | None = None
    pid_file: Text | None = None
    allow_public: bool = False
