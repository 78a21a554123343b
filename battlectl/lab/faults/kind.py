"""A kind of fault: its name, its parameters, where it works, and what makes an effect of it.

Rule: parameters that a kind cannot honour are not among its fields, so asking for them is an error. A unit
is part of a parameter's name. Bad attributes are BadAttributes, in words for a person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from random import Random
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from battlectl.lab.faults.effect import Effect, Transport

Layer = Literal["network", "http", "json-rpc", "state", "websocket"]
Where = Literal["node", "relay"]

Milliseconds = Annotated[float, Meta(ge=0, le=86_400_000)]
Share = Annotated[float, Meta(ge=0, le=1)]
Connections = Literal["new", "existing", "all"]


class BadAttributes(Exception):
    """The attributes do not fit the kind; the message says which and what fits."""


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """No parameters; the base of all."""


class OnConnections(Parameters, frozen=True, kw_only=True):
    """For faults that strike connections."""

    connections: Annotated[
        Connections, Meta(description="those opened after the injection, before it, or all")
    ] = "all"
    probability: Annotated[Share, Meta(description="the share that is hit")] = 1.0
    seed: Annotated[int, Meta(description="of the draws: the same seed hits the same ones")] = 0


class OnWebSockets(OnConnections, frozen=True, kw_only=True):
    """For faults of WebSockets as such; `probability` is drawn once for each of them."""


class OnEvents(OnWebSockets, frozen=True, kw_only=True):
    """For faults of single events; `probability` is drawn for each."""


class OnRequests(OnConnections, frozen=True, kw_only=True):
    """For faults that strike requests; `probability` is drawn for each request."""

    transport: Annotated[
        Literal["http", "ws", "both"], Meta(description="requests over HTTP, WebSocket, both")
    ] = "both"
    methods: Annotated[
        tuple[str, ...], Meta(description="only requests of these methods; none means all")
    ] = ()


class OnBatches(OnRequests, frozen=True, kw_only=True):
    """For faults that only a batch can have."""


class OnHttp(OnConnections, frozen=True, kw_only=True):
    """For faults of HTTP answers, which WebSockets do not have."""

    methods: Annotated[
        tuple[str, ...], Meta(description="only requests of these methods; none means all")
    ] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault. `make` gets an instance of `parameters` and the fault's own source of chance.

    `what` says what happens at the provider, `expect` what a client of a good aggregator sees.
    """

    name: str
    layer: Layer
    what: str
    expect: str
    parameters: type[Parameters]
    make: Callable[[Any, Random], Effect]
    where: frozenset[Where] = frozenset({"node", "relay"})


def read_parameters(kind: Kind, attributes: dict[str, Any]) -> Parameters:
    """The attributes as the kind's parameters; BadAttributes when one is unknown or does not fit."""
    try:
        return msgspec.convert(attributes, kind.parameters)
    except msgspec.ValidationError as error:
        known = ", ".join(field.name for field in msgspec.structs.fields(kind.parameters))
        raise BadAttributes(f"{kind.name}: {error}; its attributes are: {known or 'none'}") from None


def check_status(status: int) -> None:
    """ValueError for an HTTP status that has no name: nothing could be written in its status line."""
    if status not in set(HTTPStatus):
        raise ValueError(f"HTTP names no status {status}")


def random_of(kind: Kind, parameters: Parameters) -> Random:
    """The source of chance of a fault: from its seed and kind alone."""
    return Random(f"{getattr(parameters, 'seed', 0)}/{kind.name}")


def transports_of(parameters: Parameters) -> frozenset[Transport]:
    """The transports whose requests a fault with these parameters may touch."""
    if isinstance(parameters, OnHttp):
        return frozenset({"http"})
    if isinstance(parameters, OnWebSockets):
        return frozenset({"ws"})
    chosen: Transport | Literal["both"] = getattr(parameters, "transport", "both")
    return frozenset({"http", "ws"}) if chosen == "both" else frozenset({chosen})
