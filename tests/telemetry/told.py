"""A run of 40 s in which a client asks two providers 10 times a second each, and what its target tells of it.

tell(a="10@0-40", b="10@0-20 30@20-40", lie=...) makes the readings of an honest page, one a second, and a lie
changes what one of them tells. The client's view is that of the same moments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from battlectl.analyse.evidence import Evidence
from battlectl.observe.telemetry import ClientSeen, ProcessSample, ProviderTold, Reading, Telemetry, Told
from tests.analyse.faulted import faulted

PAGE = "/api/metrics"
SERVED = "a:10@0-40 b:10@0-40"
Lie = Callable[[float, Told], Told]


def per_second(text: str, t: float) -> int:
    """How many `10@0-20 5@20-40` are by a moment."""
    total = 0.0
    for token in text.split():
        rate, _, span = token.partition("@")
        start, end = (float(edge) for edge in span.split("-"))
        total += float(rate) * max(0.0, min(t, end) - start)
    return int(total)


def honest(_t: float, told: Told) -> Told:
    """As it was."""
    return told


def readings(
    lie: Lie = honest,
    a: str = "10@0-40",
    b: str = "10@0-40",
    open_: int = 2,
    every: float = 1.0,
    until: float = 40.0,
    breakers: Callable[[float], dict[str, str]] = lambda _t: {},
) -> tuple[Reading, ...]:
    """One before the load, one each `every` seconds, one after all has ended."""
    times = [n * every for n in range(int(until / every) + 1)]
    return tuple(_reading(t, lie, a, b, 0 if t in (0, times[-1]) else open_, breakers(t)) for t in times)


def _reading(t: float, lie: Lie, a: str, b: str, open_: int, breakers: dict[str, str]) -> Reading:
    named = {"a": per_second(a, t), "b": per_second(b, t)}
    total = sum(named.values())
    told = Told(
        requests=total + open_ // 2,
        failures=0,
        providers={name: ProviderTold(attempts=n + open_ // 2, served=n) for name, n in named.items()},
        breakers=breakers,
    )
    seen = ClientSeen(finished=total, named=named)
    return Reading(t, t + 0.005, PAGE, lie(t, told), seen, seen, open_)


def tell(
    lie: Lie = honest,
    injections: tuple[Any, ...] = (),
    samples: tuple[ProcessSample, ...] = (),
    sole: bool = True,
    rss: bool = False,
    counts: str = "a:10@0-40 b:10@0-40",
    more: dict[str, Any] | None = None,
    **told: Any,
) -> Evidence:
    """The evidence of a run with this telemetry."""
    fields = {"deeds": "", "served": SERVED, "counts": counts, **(more or {})}
    evidence = faulted(*injections, **fields)
    telemetry = Telemetry(readings(lie, **told), samples, is_sole=sole, tells_rss=rss)
    return replace(evidence, telemetry=telemetry)


def with_provider(told: Told, name: str, attempts: int) -> Told:
    """The same, but of one provider it says another number."""
    return replace(told, providers={**(told.providers or {}), name: ProviderTold(attempts=attempts)})
