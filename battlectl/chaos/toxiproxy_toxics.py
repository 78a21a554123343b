"""What a fault of a scenario is on a real Toxiproxy, which knows bytes and no JSON-RPC.

Rule: a fault is translated only where what a client sees is the same, and a parameter that cannot be kept is
Impossible, never dropped. (The seed alone is: its chances are drawn by nobody here but `jitter`.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from battlectl.chaos.driver import Impossible, Order
from battlectl.scenario.chaos_kinds import FAULTS

DOWN, UP = "downstream", "upstream"


@dataclass(frozen=True, slots=True)
class RealToxics:
    """The toxics to add: (type, stream, attributes); or that the proxy is disabled. `note` is for people."""

    toxics: tuple[tuple[str, str, Mapping[str, int]], ...] = ()
    disables: bool = False
    note: str = ""


def translate(order: Order) -> RealToxics:
    """The fault on a real Toxiproxy; Impossible when there is none like it."""
    make = TRANSLATIONS.get(order.toxic)
    if make is None:
        known = ", ".join(sorted(TRANSLATIONS))
        raise Impossible(
            f"{order.kind} at {order.provider}: a real Toxiproxy knows no such fault, only {known}; put "
            "relays of the lab in front of the nodes (`battlectl lab relay`) to have it"
        )
    kind = FAULTS[order.kind]
    made, used = make(order, {**kind.defaults(), **order.attributes})
    defaults = kind.defaults()
    for name, value in order.attributes.items():
        if name not in used and name != "seed" and value != defaults.get(name):
            raise Impossible(f"{order.kind} at {order.provider}: a real Toxiproxy cannot do {name}={value!r}")
    return made


Made = tuple[RealToxics, frozenset[str]]


def _kill(order: Order, given: Mapping[str, Any]) -> Made:
    if given["mode"] == "refuse":
        return RealToxics(disables=True), frozenset({"mode"})
    note = "open connections end with FIN, new ones with RST"
    return RealToxics((("reset_peer", DOWN, {"timeout": 0}),), note=note), frozenset({"mode"})


def _hang(order: Order, given: Mapping[str, Any]) -> Made:
    note = "healed, the connections that hung are closed and not answered"
    return RealToxics((("timeout", DOWN, {"timeout": 0}),), note=note), frozenset()


def _partition(order: Order, given: Mapping[str, Any]) -> Made:
    both = tuple(("timeout", stream, {"timeout": 0}) for stream in (UP, DOWN))
    return RealToxics(both, note="healed, the connections that fell silent are closed"), frozenset()


def _latency(order: Order, given: Mapping[str, Any]) -> Made:
    latency = _whole(order, given, "latency_ms")
    jitter = _whole(order, given, "jitter_ms")
    note = "the jitter has no seed" if jitter else ""
    toxics = (("latency", DOWN, {"latency": latency, "jitter": jitter}),)
    return RealToxics(toxics, note=note), frozenset({"latency_ms", "jitter_ms"})


def _bandwidth(order: Order, given: Mapping[str, Any]) -> Made:
    return RealToxics((("bandwidth", DOWN, {"rate": given["rate"]}),)), frozenset({"rate"})


def _whole(order: Order, given: Mapping[str, Any], name: str) -> int:
    if given[name] != int(given[name]):
        raise Impossible(f"{order.kind} at {order.provider}: a real Toxiproxy knows whole milliseconds only")
    return int(given[name])


TRANSLATIONS: dict[str, Callable[[Order, Mapping[str, Any]], Made]] = {
    "kill": _kill,
    "hang": _hang,
    "partition": _partition,
    "rpc_latency": _latency,
    "bandwidth": _bandwidth,
}
"""By the name that the fault has at the lab."""
