"""Which requests, connections and events a fault touches, and how often it did.

Rule: `methods`, `transport` and `connections` choose, then `probability` is drawn: once for each request or
event, and once for each connection where the fault is one of connections. Each touch is counted, and what
an effect has no hook for is not touched by it (`rpc_noop`, which has none at all, counts everything).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from random import Random

from battlectl.lab.faults.effect import Effect, Message, Transport
from battlectl.lab.faults.kind import (
    Kind,
    OnBatches,
    OnEvents,
    OnWebSockets,
    Parameters,
    random_of,
    transports_of,
)

ON_MESSAGES = ("hold", "view", "answer", "ask", "reply", "replies", "body", "response", "delivery")
ON_CONNECTIONS = ("listens", "accepts", "accepted", "idle_seconds", "handshake", "is_deaf", "start", "stop")
ON_EVENTS = ("events",)


@dataclass(slots=True, eq=False)
class Fault:
    """One fault in force at one provider; `hits` counts the requests, connections and events it touched.

    `born_after` is the number of the last connection that was open before the injection.
    """

    name: str
    kind: Kind
    parameters: Parameters
    effect: Effect
    born_after: int
    random: Random
    hits: int = 0
    drawn: dict[int, bool] = field(default_factory=dict)


def make_fault(name: str, kind: Kind, parameters: Parameters, born_after: int) -> Fault:
    """A fault that is ready to be started; nothing has happened yet."""
    random = random_of(kind, parameters)
    effect = kind.make(parameters, Random(random.random()))
    fault = Fault(name, kind, parameters, effect, born_after, random)
    effect.strikes = partial(touches_connection, fault)
    return fault


def overrides(effect: Effect, hooks: Iterable[str]) -> bool:
    """Whether the effect has one of these hooks of its own."""
    return any(getattr(type(effect), hook) is not getattr(Effect, hook) for hook in hooks)


def fits_connection(fault: Fault, connection: int) -> bool:
    """Whether this connection is among the new, existing or all that the fault asks for."""
    wanted = getattr(fault.parameters, "connections", "all")
    return wanted == "all" or (connection > fault.born_after) == (wanted == "new")


def fits_message(fault: Fault, message: Message) -> bool:
    """Whether the fault asks for such a message, chance apart."""
    methods = getattr(fault.parameters, "methods", ())
    return (
        _has_hook(fault, ON_MESSAGES)
        and message.transport in transports_of(fault.parameters)
        and (message.is_batch or not isinstance(fault.parameters, OnBatches))
        and fits_connection(fault, message.connection)
        and (not methods or any(call.method in methods for call in message.calls))
    )


def touches_message(fault: Fault, message: Message) -> bool:
    """Fits, and chance says so; counted. To be asked once for each message."""
    return fits_message(fault, message) and _chance(fault, message.connection)


def touches_event(fault: Fault, connection: int, transport: Transport = "ws") -> bool:
    """The same for one event of a subscription on a connection."""
    if not _has_hook(fault, ON_EVENTS) or transport not in transports_of(fault.parameters):
        return False
    return fits_connection(fault, connection) and _chance(fault, connection)


def touches_connection(fault: Fault, connection: int) -> bool:
    """The same for a connection as such: drawn and counted once, then held."""
    if not fits_connection(fault, connection):
        return False
    if connection not in fault.drawn:
        fault.drawn[connection] = _draw(fault)
    return fault.drawn[connection]


def touches_method(fault: Fault, method: str) -> bool:
    """Whether one call of a message that is touched is itself meant."""
    methods = getattr(fault.parameters, "methods", ())
    return not methods or method in methods


def _has_hook(fault: Fault, hooks: Iterable[str]) -> bool:
    return overrides(fault.effect, hooks) or not overrides(
        fault.effect, (*ON_MESSAGES, *ON_CONNECTIONS, *ON_EVENTS)
    )


def _chance(fault: Fault, connection: int) -> bool:
    is_of_sockets = isinstance(fault.parameters, OnWebSockets) and not isinstance(fault.parameters, OnEvents)
    return touches_connection(fault, connection) if is_of_sockets else _draw(fault)


def _draw(fault: Fault) -> bool:
    probability: float = getattr(fault.parameters, "probability", 1.0)
    is_hit = probability >= 1 or fault.random.random() < probability
    fault.hits += is_hit
    return is_hit
