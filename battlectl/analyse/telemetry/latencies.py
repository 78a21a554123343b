"""What replies tell of how long their provider took, against what it can have taken.

Rule: a provider took no longer than the whole exchange that it was asked in, as the client measured it; and
under a fault that makes every answer of a provider late, none took less than that delay. The first is counted
reply by reply (`observe.served.is_longer`), and held only against replies that tell of an attempt: another
may repeat an answer that was kept or shared, and what was told with it. For the second only requests count
that were due while the fault was in force and over before it ended, and of these only those that the client
had to wait for as long: an answer that came sooner than the delay allows is for `telemetry.replies` to hold
against the target. Such a delay is agreed with only where so many of them are left that a lie in each would
have been told of.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from math import inf
from typing import NamedTuple

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.known import Known, know
from battlectl.analyse.faults.strike import Strike
from battlectl.analyse.telemetry.disagreement import ENOUGH, Disagreement, slack
from battlectl.analyse.telemetry.replies import EARLY, MOST_COARSE, REPLIES, is_struck, slow_strikes
from battlectl.observe.served import OWN_NAMES, ServedCell
from battlectl.observe.sketch import Sketch

KIND = "latency"


@dataclass(frozen=True, slots=True)
class Told:
    """Under one delay: so many replies told a latency, and at least `short` of them less than it can be.

    `bound` of them had to tell of the delay: a lie in each would have made `short` as large.
    """

    strike: Strike
    struck: float
    number: int
    bound: float
    short: float

    @property
    def soon(self) -> float:
        """Seconds in which its provider cannot have answered."""
        return EARLY * self.strike.expected.late_by


def latency_disagreements(evidence: Evidence) -> Iterator[Disagreement]:
    """Latencies of providers that cannot be so: longer than the exchange, or shorter than the delay."""
    yield from _longer_than_exchanges(evidence)
    for told in _told_under_delays(know(evidence)):
        if _is_enough(told.short, told):
            yield _too_short(told)


def comparable_latencies(evidence: Evidence) -> int:
    """The delays under which a latency that is too short would have been seen."""
    return sum(_is_enough(told.bound, told) for told in _told_under_delays(know(evidence)))


def _is_enough(short: float, told: Told) -> bool:
    return short >= ENOUGH and short > slack(told.number)


@dataclass(frozen=True, slots=True)
class _Longer:
    """One provider's latencies that are longer than the exchange, of `told` in all: the first, and the worst.

    At least `certain` of them were told beside an attempt.
    """

    provider: str
    at: float
    number: int
    certain: int
    told: int
    worst: tuple[float, float]


def unsettled_latencies(evidence: Evidence) -> str:
    """Of which providers replies tell too long a latency, and not of attempts; "" of none."""
    return "; ".join(
        f"replies tell of {longer.number:,} requests that {_name(longer.provider)} took longer than the "
        "whole exchange, and not of their attempts: invented, or of an answer that was kept or shared"
        for longer in _longer_of(evidence)
        if longer.number > slack(longer.told) >= longer.certain
    )


def _longer_than_exchanges(evidence: Evidence) -> Iterator[Disagreement]:
    for longer in _longer_of(evidence):
        number, (upstream, took) = longer.certain, longer.worst
        if number <= slack(longer.told):
            continue
        words = (
            f"tell of {number:,} requests that {_name(longer.provider)} took longer than the whole exchange, "
            f"up to {upstream * 1e3:,.0f} ms in one of {took * 1e3:,.0f} ms: invented, or of another request"
        )
        part = number / max(number, longer.told)
        yield Disagreement(KIND, REPLIES, _name(longer.provider, ""), longer.at, words, part)


def _longer_of(evidence: Evidence) -> Iterator[_Longer]:
    by_provider: dict[str, list[tuple[float, ServedCell]]] = {}
    for (_, provider, segment), cell in evidence.tally.by_provider.items():
        by_provider.setdefault(provider, []).append((max(0.0, evidence.frame.cuts[segment]), cell))
    for provider, cells in by_provider.items():
        if any(cell.longer for _, cell in cells):
            yield _Longer(
                provider,
                min(at for at, cell in cells if cell.longer),
                sum(cell.longer for _, cell in cells),
                sum(max(0, cell.longer - max(0, cell.requests - cell.told)) for _, cell in cells),
                sum(cell.upstream.count for _, cell in cells),
                max((cell.longest for _, cell in cells), key=lambda pair: pair[0] - pair[1]),
            )


def _name(provider: str, nobody: str = "somebody") -> str:
    return nobody if provider in OWN_NAMES else provider


def _told_under_delays(known: Known) -> Iterator[Told]:
    for strike in slow_strikes(known):
        if strike.struck is not None:
            yield _told_under(strike, strike.struck, known)


def _told_under(strike: Strike, struck: float, known: Known) -> Told:
    """By segments, which the plan of the fault cuts."""
    soon = EARLY * strike.expected.late_by
    number, bound, short = 0, 0.0, 0.0
    for part in _parts_under(strike, known):
        upstream = part.cell.upstream
        allowed = _below(part.cell.latency, soon) + _unbound(part, strike, struck, known)
        number += upstream.count
        bound += max(0.0, upstream.count - allowed)
        short += max(0.0, _below(upstream, soon) - allowed)
    return Told(strike, struck, number, bound, short)


def _unbound(part: _Part, strike: Strike, struck: float, known: Known) -> float:
    """How many of a part may have been asked before the fault was in force, or answered after it.

    A request may have waited elsewhere first, so after it is any that was under way until then. Whatever time
    one takes: those are no more than took longer, and those that were due in that time before the end.
    """
    start, end, cell = part
    before = known.due.between(start, min(end, struck))
    longer, least = cell.latency.count, inf
    for took, number in chain([(0.0, 0)], cell.latency.weighted_values()):
        longer -= number
        wait = max(took, strike.expected.late_by) / EARLY
        least = min(least, longer + known.due.between(max(start, strike.end - wait), end))
    untimed = max(0, cell.upstream.count - cell.latency.count)
    return before + least + untimed


class _Part(NamedTuple):
    """What a provider served in one segment, which lies in the plan of a fault."""

    start: float
    end: float
    cell: ServedCell


def _parts_under(strike: Strike, known: Known) -> Iterator[_Part]:
    frame, injection = known.evidence.frame, strike.injection
    for segment in frame.all_segments:
        start, end = frame.cuts[segment], frame.cuts[segment + 1]
        if start < injection.at or end > injection.until:
            continue
        whole = ServedCell()
        for load in frame.workloads:
            cell = known.evidence.tally.by_provider.get((load.name, strike.provider, segment))
            is_told = cell is not None and cell.upstream.count and cell.coarse <= MOST_COARSE
            if cell is not None and is_told and is_struck(load, strike):
                whole.merge(cell)
        if whole.upstream.count:
            yield _Part(start, end, whole)


def _below(sketch: Sketch, limit: float) -> int:
    return sum(count for value, count in sketch.weighted_values() if value < limit)


def _too_short(told: Told) -> Disagreement:
    provider, delay = told.strike.provider, told.strike.expected.late_by
    words = (
        f"tell of {told.short:,.0f} requests that {provider} took less than {told.soon * 1e3:,.0f} ms, "
        f"though {told.strike.injection.name} makes each of its answers take {delay * 1e3:,.0f} ms"
    )
    return Disagreement(KIND, REPLIES, provider, told.struck, words, told.short / told.number)
