"""What was seen of one strike at its provider: the probes before, during and after it, and its hits.

Rule: a probe that another fault at the same provider explains as well says nothing about this one, and is
not among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from battlectl.analyse.faults.known import Known
from battlectl.analyse.faults.looks import is_apart, is_late, looks_like
from battlectl.analyse.faults.strike import Strike
from battlectl.observe import outcome
from battlectl.observe.faults import Probe
from battlectl.quantities import format_duration

NEAR = 60.0
"""Seconds before and after a fault in which probes tell how the provider was without it."""
GIVEN_UP = 1.0
"""A probe that got no answer within so many seconds was cut short by the end of the fault, not by itself."""


@dataclass(frozen=True, slots=True)
class Sight:
    """`shown` are the probes of `during` that met the fault; `hits` is None where nothing counts them.

    `listed` is when the provider's own list of faults had it; `restarts` how many new generations began,
    None where nobody looked.
    """

    before: tuple[Probe, ...] = ()
    during: tuple[Probe, ...] = ()
    shown: tuple[Probe, ...] = ()
    after: tuple[Probe, ...] = ()
    hits: int | None = None
    listed: tuple[float, ...] = ()
    restarts: int | None = None


def see(strike: Strike, known: Known) -> Sight:
    """See the rule; of a strike that was never made there is nothing."""
    if strike.struck is None or strike.begun is None:
        return Sight()
    before = _undisturbed(strike, known, strike.begun - NEAR, strike.begun)
    before = before or _undisturbed(strike, known, float("-inf"), strike.begun)
    probes = _during(strike, known)
    shown = tuple(probe for probe in probes if shows(strike, probe, before))
    during = tuple(probe for probe in probes if probe in shown or not _was_cut(probe))
    if not shown and strike.expected.is_late and is_apart(strike.expected, before, during):
        shown = during  # A delay too small for a single probe shows in all together.
    looks = [
        look
        for look in known.track(strike.provider).within(strike.struck, strike.to)
        if strike.injection.name in look.hits
    ]
    moved = known.track(strike.provider).around(strike.begun, max(strike.end, strike.healed or 0.0))
    return Sight(
        before=before,
        during=during,
        shown=shown,
        after=()
        if strike.healed is None
        else _undisturbed(strike, known, strike.healed, strike.healed + NEAR),
        hits=max((look.hits[strike.injection.name] for look in looks), default=None),
        listed=tuple(look.t for look in looks if look.t <= strike.end),
        restarts=None if moved is None else moved.restarts,
    )


def shows(strike: Strike, probe: Probe, before: Sequence[Probe]) -> bool:
    """Whether a probe met the fault."""
    return looks_like(strike.expected, probe) or is_late(strike.expected, probe, before)


def _was_cut(probe: Probe) -> bool:
    return probe.outcome == outcome.TIMEOUT and probe.seconds < GIVEN_UP


def _undisturbed(strike: Strike, known: Known, start: float, end: float) -> tuple[Probe, ...]:
    others = [other for other in known.others_at(strike) if other.overlaps(start, end)]
    probes = known.probes_between(strike.provider, start, end)
    return tuple(p for p in probes if not any(o.overlaps(p.t, p.t + p.seconds) for o in others))


def _during(strike: Strike, known: Known) -> tuple[Probe, ...]:
    assert strike.struck is not None
    others = [other for other in known.others_at(strike) if other.overlaps(strike.struck, strike.end)]
    return tuple(
        probe
        for probe in known.probes_between(strike.provider, strike.struck, strike.end)
        if strike.is_on(probe.t, probe.t + probe.seconds)
        and not any(_is_explained(strike, probe, other) for other in others)
    )


def _is_explained(strike: Strike, probe: Probe, other: Strike) -> bool:
    if not other.overlaps(probe.t, probe.t + probe.seconds):
        return False
    return looks_like(other.expected, probe) or (strike.expected.is_late and other.expected.is_late)


def tell(probes: Sequence[Probe]) -> str:
    """`3 new ok, 2 kept refused (up to 2ms)`."""
    counted: dict[str, int] = {}
    for probe in probes:
        name = f"{probe.connection} {probe.outcome}"
        counted[name] = counted.get(name, 0) + 1
    if not counted:
        return "no probe"
    slowest = format_duration(max(probe.seconds for probe in probes))
    return f"{', '.join(f'{n} {name}' for name, n in counted.items())} (up to {slowest})"


def at(seconds: float) -> str:
    """A moment of the run, in words."""
    return f"{seconds:.1f}s"
