"""The injections of a plan: which fault strikes which providers, when, and with what.

Rule: a pure function of the faults, the phases, the providers and the seed. Each fault draws from a source of
its own, named after it, so that adding one changes nobody else's draws.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from battlectl.plan.chaos_bounds import check_down, check_providers
from battlectl.plan.injection import Injection
from battlectl.scenario.chaos_times import BATTLE, Span, least_room, milliseconds, names_of, room_of, spans_of
from battlectl.scenario.phases import Edges, clean, phase_edges
from battlectl.scenario.places import Mistake

if TYPE_CHECKING:
    from battlectl.scenario.chaos import Timing
    from battlectl.scenario.chaos_kinds import FaultKind
    from battlectl.scenario.chaos_parts import RandomFaults

ANY, ALL = "any", "all"


class Misplanned(Exception):
    """Faults that this target cannot have, or that are more than safety allows."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("; ".join(mistake.message for mistake in mistakes))
        self.mistakes = tuple(mistakes)


def plan_chaos(
    entries: Sequence[Timing],
    phases: Mapping[str, float],
    provider_ids: Sequence[str],
    seed: int,
    max_down: int | None = None,
) -> tuple[Injection, ...]:
    """The injections in order of time; raises `Misplanned` with every mistake and the path of its entry.

    `max_down` is how many providers may be down at once, by default all but one.
    """
    _refuse(check_providers(entries, provider_ids))
    edges = phase_edges(phases)
    planned = [
        (number, injection)
        for number, entry in enumerate(entries)
        for injection in inject(entry, edges, provider_ids, seed)
    ]
    planned.sort(key=lambda pair: (pair[1].at, pair[0], pair[1].until))
    _refuse(check_down(planned, len(provider_ids), max_down))
    return tuple(injection for _, injection in planned)


def _refuse(mistakes: Iterator[Mistake]) -> None:
    found = list(mistakes)
    if found:
        raise Misplanned(found)


def inject(
    entry: Timing, phases: Mapping[str, Edges], provider_ids: Sequence[str], seed: int
) -> Iterator[Injection]:
    """The injections of one entry, drawn from its own source."""
    draw = Random(f"{seed}/chaos/{entry.label}")
    if entry.random is not None:
        yield from _draw_faults(entry, entry.random, phases, provider_ids, draw)
        return
    for span in spans_of(entry, phases):
        providers = _choose(entry.providers, provider_ids, draw)
        yield _injection(span, entry.fault, providers, entry.attributes, draw.getrandbits(31))


def _choose(written: tuple[str, ...], provider_ids: Sequence[str], draw: Random) -> tuple[str, ...]:
    chosen = draw.choice(provider_ids)  # Drawn in any case: the draws that follow stay where they are.
    if written == (ANY,):
        return (chosen,)
    return tuple(provider_ids) if written == (ALL,) else written


def _draw_faults(
    entry: Timing,
    faults: RandomFaults,
    phases: Mapping[str, Edges],
    provider_ids: Sequence[str],
    draw: Random,
) -> Iterator[Injection]:
    """Kinds, times and providers, in this order."""
    kinds = [faults.fault(draw.choice(faults.kinds)) for _ in range(faults.count)]
    spans = draw_spans(entry, faults, phases[faults.in_ or BATTLE], draw)
    among = provider_ids if faults.providers == (ALL,) else faults.providers
    for kind, span in zip(kinds, spans, strict=True):
        length = round((span.until - span.at) * 1e3)
        attributes = {**kind.fixed, **({kind.length_attribute: length} if kind.length_attribute else {})}
        yield _injection(span, kind, (draw.choice(among),), attributes, draw.getrandbits(31))


def draw_spans(entry: Timing, faults: RandomFaults, phase: Edges, draw: Random) -> list[Span]:
    """Lengths between the two that are asked for, and starts that keep the gaps, in whole milliseconds.

    What is left of the phase beside the shortest draw is shared out: first to the lengths, as far as they
    were drawn longer, then to the time before and between them.
    """
    shortest, longest, gap = milliseconds(faults)
    extras = [draw.randint(0, longest - shortest) for _ in range(faults.count)]
    spare = max(0, room_of(phase) - least_room(faults))
    if sum(extras) > spare:
        extras = [extra * spare // sum(extras) for extra in extras]
    offsets = sorted(draw.randint(0, spare - sum(extras)) for _ in range(faults.count))
    begin, spans = 0, []
    for name, extra, offset in zip(names_of(entry), extras, offsets, strict=True):
        at, until = begin + offset, begin + offset + shortest + extra
        spans.append(Span(name, entry.label, clean(phase[0] + at / 1e3), clean(phase[0] + until / 1e3)))
        begin += shortest + extra + gap
    return spans


def _injection(
    span: Span, kind: FaultKind, providers: tuple[str, ...], attributes: Mapping[str, Any], seed: int
) -> Injection:
    has_seed = "seed" in kind.defaults()
    return Injection(
        name=span.name,
        kind=kind.name,
        toxic=kind.toxic,
        providers=providers,
        attributes=({"seed": seed} if has_seed else {}) | dict(attributes),
        at=span.at,
        until=span.until,
        repeat_of=span.fault if span.fault != span.name else None,
        takes_down=kind.takes_down(attributes),
    )
