"""The states of breakers as a target tells them, against what its replies and its providers show.

Rule: only what is certain is held against it. A provider that is left alone under a fault that fails every
request is behind an open breaker, unless the target was told to leave it alone: by the provider's counters
(`faults.breaker_figures.surely_open`), or by replies that all tell of their attempts. One that answers its
share, in good health and beside others that are, is behind none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.breaker import fails_at_once, timeline
from battlectl.analyse.faults.breaker_figures import surely_open
from battlectl.analyse.faults.known import Known, know
from battlectl.analyse.faults.provider_side import is_proven_there
from battlectl.analyse.faults.strike import Strike
from battlectl.analyse.telemetry.disagreement import ENOUGH, Disagreement
from battlectl.analyse.telemetry.states import CLOSED, OPEN, states_of
from battlectl.analyse.telemetry.tracks import known_providers, sources_of
from battlectl.observe.telemetry import Reading

MARGIN = 1.0
"""Seconds that a state may take to be shown."""
LATELY = 4
"""Readings before a fault by which it is told what part of the requests a provider has."""
LEAST_EXPECTED, STILL_TRIED = 20.0, 0.2
"""Attempts that would have come to it, and the part of them that did: trials of one that is half-open."""

Span = tuple[float, float]


def breaker_disagreements(evidence: Evidence) -> Iterator[Disagreement]:
    """Of every provider whose breaker is told of."""
    known = know(evidence)
    for source, readings in sources_of(evidence.telemetry).items():
        told = [reading for reading in readings if reading.told.breakers]
        for provider in known_providers(evidence) if told else ():
            yield from _said_closed(source, provider, told, known)
            yield from _said_open(source, provider, told, known)


def comparable_breakers(evidence: Evidence) -> set[str]:
    """The providers of whose breaker a lie would have been seen, closed or open."""
    known, found = know(evidence), set[str]()
    for readings in sources_of(evidence.telemetry).values():
        told = [reading for reading in readings if reading.told.breakers]
        for provider in known_providers(evidence) if len(told) > 1 else ():
            own = [reading for reading in told if states_of(reading.told.breakers, provider)]
            if len(own) > 1 and (_answered(provider, own) >= ENOUGH or any(left_alone(provider, own, known))):
                found.add(provider)
    return found


def _said_closed(source: str, provider: str, told: Sequence[Reading], known: Known) -> Iterator[Disagreement]:
    """Closed in every reading of a stretch in which it was open for certain."""
    for start, end in left_alone(provider, told, known):
        inside = [r for r in told if start + MARGIN <= r.t and r.until <= end]
        if len(inside) > 1 and all(states_of(r.told.breakers, provider) == CLOSED for r in inside):
            words = (
                f"says that the breaker of {provider} is closed, {inside[0].t:.1f}s to {inside[-1].t:.1f}s, "
                f"while it was left alone under a fault, from {start:.1f}s to {end:.1f}s"
            )
            yield Disagreement("breaker", source, provider, inside[0].until, words, 1.0)
            return


def left_alone(provider: str, told: Sequence[Reading], known: Known) -> Iterator[Span]:
    """When a fault that fails every request kept the target away: by its counters, or by all replies.

    Not beside one that nobody knows to have been: whoever was well may be left alone for any reason.
    """
    own = [strike for strike in known.strikes if strike.provider == provider]
    open_to_doubt = [(s.from_, s.to) for s in own if s.expected.bids_target or not is_proven_there(s, known)]
    spans = list(surely_open(timeline(provider, known), known)) if provider in known.tracks else []
    spans += [span for s in own if fails_at_once(s) for span in _by_replies(provider, told, s)]
    yield from (span for span in spans if not any(a < span[1] and span[0] < b for a, b in open_to_doubt))


def _by_replies(provider: str, told: Sequence[Reading], strike: Strike) -> Iterator[Span]:
    """The stretch in which replies name others and tell of no attempts in vain, where there would be many.

    Whatever was not answered elsewhere may have been tried there, and so may each attempt beyond a first.
    """
    before = [r for r in told if r.until <= strike.from_][-LATELY:]
    during = [r for r in told if strike.struck is not None and strike.struck + MARGIN <= r.t <= strike.end]
    if len(before) < 2 or len(during) < 2 or not before[-1].before.finished:
        return
    share = _gained(provider, before) / max(1, _finished(before))
    expected = share * (_finished(during) - during[0].open)
    first, last = during[0].after, during[-1].before
    elsewhere = sum(last.named.values()) - sum(first.named.values()) - _gained(provider, during)
    tried = last.finished - first.finished + during[-1].open - elsewhere + last.extra - first.extra
    if expected >= LEAST_EXPECTED and tried <= STILL_TRIED * expected:
        yield during[0].t - MARGIN, during[-1].until


def _gained(provider: str, inside: Sequence[Reading]) -> int:
    return inside[-1].before.named.get(provider, 0) - inside[0].before.named.get(provider, 0)


def _finished(inside: Sequence[Reading]) -> int:
    return inside[-1].before.finished - inside[0].before.finished


def _said_open(source: str, provider: str, told: Sequence[Reading], known: Known) -> Iterator[Disagreement]:
    """Open in reading after reading, while it answered and others were there to be asked instead."""
    others = [name for name in known_providers(known.evidence) if name != provider]
    for first, last in _stretches(told, lambda r: states_of(r.told.breakers, provider) == OPEN):
        inside = told[first : last + 1]
        start, end = inside[0].t, inside[-1].until
        if _is_struck(provider, start, end, known):
            continue
        well = [
            name
            for name in others
            if not _is_struck(name, start, end, known)
            and all(states_of(r.told.breakers, name) == CLOSED for r in inside)
        ]
        served = _answered(provider, inside)
        if 2 * len(well) > len(others) and served >= ENOUGH and sum(_answered(n, inside) for n in well) > 0:
            words = (
                f"says that the breaker of {provider} is open, from {start:.1f}s to {end:.1f}s, while it "
                f"answered {served:,} requests"
            )
            yield Disagreement("breaker", source, provider, start, words, 1.0)
            return


def _stretches(told: Sequence[Reading], is_so: Callable[[Reading], bool]) -> Iterator[tuple[int, int]]:
    """(first, last) of each unbroken run of several readings."""
    start: int | None = None
    for index in range(len(told) + 1):
        if index < len(told) and is_so(told[index]):
            start = index if start is None else start
        elif start is not None:
            if index - start > 1:
                yield start, index - 1
            start = None


def _is_struck(provider: str, start: float, end: float, known: Known) -> bool:
    return any(
        s.provider == provider and s.from_ < end and start - MARGIN < s.to + MARGIN for s in known.strikes
    )


def _answered(provider: str, inside: Sequence[Reading]) -> int:
    """Begun and ended in the stretch, at the least."""
    first, last = inside[0], inside[-1]
    gained = last.before.named.get(provider, 0) - first.after.named.get(provider, 0)
    return max(0, gained - first.open)
