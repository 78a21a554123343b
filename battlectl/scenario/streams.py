"""A workload of subscriptions: which streams, how many clients, how they come, go and come back.

heads: {subscribe: newHeads, clients: 10}
logs:  {subscribe: {logs: {address: "0x..."}}, clients: 5, reconnect: {first: 100ms, most: 5s}}
churn: {subscribe: newHeads, churn: {rate: 2/s, stay: [5s, 20s]}}
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from battlectl.scenario.fields import Duration, Name, PositiveDuration, RateValue, Size, Strict
from battlectl.scenario.routes import WsRoute
from battlectl.scenario.wording import nearest

HEADS, LOGS, PENDING = "newHeads", "logs", "newPendingTransactions"

Hex = Annotated[str, Field(pattern=r"^0x[0-9A-Fa-f]*$", description="bytes in hex, 0x first")]


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


OneOrMore = Annotated[
    tuple[Hex, ...],
    Field(min_length=1, strict=False),
    BeforeValidator(_listed, json_schema_input_type=Hex | Annotated[list[Hex], Field(min_length=1)]),
]


class LogFilter(Strict):
    """What `eth_subscribe` of logs takes: one address or several; up to four topics, null for any."""

    address: OneOrMore | None = None
    topics: Annotated[tuple[OneOrMore | None, ...], Field(max_length=4, strict=False)] | None = None


class Subscription(Strict):
    """One stream; exactly one of the three."""

    newHeads: Literal[True] | None = None
    logs: LogFilter | None = None
    newPendingTransactions: Literal[True] | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Subscription:
        if len(self.model_fields_set) != 1:
            raise ValueError(f'names one stream, try "{HEADS}" or {{logs: {{address: "0x..."}}}}')
        return self

    @property
    def kind(self) -> str:
        """The first parameter of eth_subscribe."""
        return next(iter(self.model_fields_set))


def _long_subscription(value: Any) -> Any:
    if value == LOGS:
        return {LOGS: {}}
    if value in (HEADS, PENDING):
        return {value: True}
    if isinstance(value, str):
        raise ValueError(f'there is no subscription "{value}"{nearest(value, (HEADS, LOGS, PENDING))}')
    return value


AnySubscription = Annotated[
    Subscription,
    BeforeValidator(
        _long_subscription,
        json_schema_input_type=Literal["newHeads", "logs", "newPendingTransactions"] | Subscription,
    ),
]


class Backoff(Strict):
    """Wait `first`, then twice as long each time, `most` at most."""

    first: PositiveDuration = 0.1
    most: PositiveDuration = 5.0

    @model_validator(mode="after")
    def _grows(self) -> Backoff:
        if self.most < self.first:
            raise ValueError("the shorter wait comes first: let `most` be at least `first`")
        return self


def _long_reconnect(value: Any) -> Any:
    return {} if value == "backoff" else value


def _reconnect_shape(value: Any) -> str:
    return "word" if isinstance(value, str) and value != "backoff" else "backoff"


Reconnect = Annotated[
    Annotated[Literal["none", "immediate"], Tag("word")]
    | Annotated[
        Backoff,
        BeforeValidator(_long_reconnect, json_schema_input_type=Literal["backoff"] | Backoff),
        Tag("backoff"),
    ],
    Discriminator(_reconnect_shape),
]


class Churn(Strict):
    """Clients come at `rate` and leave after a time drawn between the two of `stay`."""

    rate: RateValue
    stay: Annotated[tuple[PositiveDuration, PositiveDuration], Field(strict=False)]

    @model_validator(mode="after")
    def _is_ordered(self) -> Churn:
        if self.stay[1] < self.stay[0]:
            raise ValueError("the shorter stay comes first: try [5s, 20s]")
        return self


class SubscribeWorkload(Strict):
    """One named group of subscribers, all alike.

    `clients` connect one after another over `connect_over`, each with `subscriptions` of its own, and hold
    them; with `churn` they come and go instead. `read_pause` makes slow consumers: each waits so long before
    it reads the next message. Each pings every `ping_every` (0s: never) and takes a connection for dead that
    lets as much time pass without a pong. `stall_after` is the silence, while blocks go on, that counts as a
    dead stream.
    """

    subscribe: AnySubscription
    ws: WsRoute = Field(default_factory=WsRoute)
    clients: Annotated[int, Field(ge=1, le=5_000)] = 1
    subscriptions: Annotated[int, Field(ge=1, le=100)] = 1
    connect_over: Duration = 0.0
    churn: Churn | None = None
    reconnect: Reconnect = Field(default_factory=Backoff)
    read_pause: Duration = 0.0
    ping_every: Duration = 10.0
    timeout: PositiveDuration = 5.0
    stall_after: PositiveDuration = 10.0
    newest_only: bool = False
    max_body: Size = 8 * 2**20
    phases: Annotated[tuple[Name, ...], Field(min_length=1, strict=False)] | None = None

    @property
    def route(self) -> WsRoute:
        """Where its connections go."""
        return self.ws
