"""Which requests, connections and events a fault is meant for, and how often it changed one.

Rule: `methods`, `transport` and `connections` choose, then `probability` is drawn: once for each request or
event, and once for each connection where the fault is one of connections. What was chosen is a hit when the
fault has really held it, changed it, or ended it, and not before: an answer that comes out as it went in is
none. (`rpc_noop`, which has no hook at all, counts everything that it is meant for.)
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
    """One fault in force at one provider; `hits` counts the requests, connections and events it changed.

    `born_after` is the number of the last connection that was open before the injection. `drawn` and `struck`
    know the open connections: which are meant, and which of them are counted.
    """

    name: str
    kind: Kind
    parameters: Parameters
    effect: Effect
    born_after: int
    random: Random
    hits: int = 0
    drawn: dict[int, bool] = field(default_factory=dict)
    struck: set[int] = field(default_factory=set)


def make_fault(name: str, kind: Kind, parameters: Parameters, born_after: int) -> Fault:
    """A fault that is ready to be started; nothing has happened yet."""
    random = random_of(kind, parameters)
    effect = kind.make(parameters, Random(random.random()))
    fault = Fault(name, kind, parameters, effect, born_after, random)
    effect.strikes = partial(strikes_connection, fault)
    return fault


def overrides(effect: Effect, hooks: Iterable[str]) -> bool:
    """Whether the effect has one of these hooks of its own."""
    return any(getattr(type(effect), hook) is not getattr(Effect, hook) for hook in hooks)


def has_no_hooks(effect: Effect) -> bool:
    """Whether it does nothing at all."""
    return not overrides(effect, (*ON_MESSAGES, *ON_CONNECTIONS, *ON_EVENTS))


# What is meant


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


def means_message(fault: Fault, message: Message) -> bool:
    """Fits, and chance says so. To be asked once for each message."""
    return fits_message(fault, message) and _chance(fault, message.connection)


def means_event(fault: Fault, connection: int, transport: Transport = "ws") -> bool:
    """The same for one event of a subscription on a connection."""
    if not _has_hook(fault, ON_EVENTS) or transport not in transports_of(fault.parameters):
        return False
    return fits_connection(fault, connection) and _chance(fault, connection)


def means_connection(fault: Fault, connection: int) -> bool:
    """The same for a connection as such: drawn once, then held."""
    if not fits_connection(fault, connection):
        return False
    if connection not in fault.drawn:
        fault.drawn[connection] = _draw(fault)
    return fault.drawn[connection]


def means_method(fault: Fault, method: str) -> bool:
    """Whether one call of a message that is meant is itself meant."""
    methods = getattr(fault.parameters, "methods", ())
    return not methods or method in methods


# What is counted


def count_hit(fault: Fault, connection: int) -> None:
    """A message or an event on this connection was changed; faults of sockets count sockets."""
    if _is_of_sockets(fault):
        count_strike(fault, connection)
    else:
        fault.hits += 1


def count_strike(fault: Fault, connection: int) -> None:
    """The connection itself was struck: it counts once."""
    if connection not in fault.struck:
        fault.struck.add(connection)
        fault.hits += 1


def strikes_connection(fault: Fault, connection: int) -> bool:
    """Whether it is meant; counted then, for whoever asks strikes it."""
    is_meant = means_connection(fault, connection)
    if is_meant:
        count_strike(fault, connection)
    return is_meant


def forget_connection(fault: Fault, connection: int) -> None:
    """It is over, and its number will not come again."""
    fault.drawn.pop(connection, None)
    fault.struck.discard(connection)


def _has_hook(fault: Fault, hooks: Iterable[str]) -> bool:
    return overrides(fault.effect, hooks) or has_no_hooks(fault.effect)


def _is_of_sockets(fault: Fault) -> bool:
    return isinstance(fault.parameters, OnWebSockets) and not isinstance(fault.parameters, OnEvents)


def _chance(fault: Fault, connection: int) -> bool:
    return means_connection(fault, connection) if _is_of_sockets(fault) else _draw(fault)


def _draw(fault: Fault) -> bool:
    probability: float = getattr(fault.parameters, "probability", 1.0)
    return probability >= 1 or fault.random.random() < probability
