"""The routing of every workload that expects one: stretch by stretch, what was claimed and what was found.

Rule: a stretch is judged from when `within` requests were sent in it, in whole slices of the series, after
warm-up. Each different claim must be judged somewhere in a run: one that never was is not known to hold. All
tests of a run share `ODDS` of a false alarm. A share that is wrong while many requests needed a second
attempt and no fault is known is held against nobody: somebody was not well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from battlectl.analyse.faults.figure import Source
from battlectl.analyse.faults.known import Known
from battlectl.analyse.routing.at_once import failing, rule_at_once
from battlectl.analyse.routing.case import Case, Claims
from battlectl.analyse.routing.cheapest import claim_cheapest
from battlectl.analyse.routing.claim import Claim, Ruling, rule_on
from battlectl.analyse.routing.eligible import Field, fields_of
from battlectl.analyse.routing.even import claim_even
from battlectl.analyse.routing.fastest import claim_fastest
from battlectl.analyse.routing.latency_weighted import claim_weights
from battlectl.analyse.routing.one_provider import claim_one_provider
from battlectl.analyse.routing.priority import claim_priority
from battlectl.analyse.routing.served import Second, Served, served_of
from battlectl.plan.frame import WorkloadFrame
from battlectl.plan.routing import ONE_PROVIDER

ODDS = 5e-4
"""Of any false alarm in a run."""
MOST_FAILOVERS = 0.01
DELAYS_MATTER = ("fastest", "latency-weighted")
STRATEGIES: dict[str, Callable[[Case], Claims]] = {
    "fastest": claim_fastest,
    "cheapest": claim_cheapest,
    "priority": claim_priority,
    "round-robin": claim_even,
    "load-balanced": claim_even,
    "latency-weighted": claim_weights,
    ONE_PROVIDER: claim_one_provider,
}
"""What a strategy claims; a new one touches its own file and one line here."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stretch of one workload: `judged_from` is None where it was over before it could be judged.

    `settled` is after how many requests of it the favourites had their share, at least and at most, None
    where they never had or nobody has one; `words` say why nothing was claimed, or why nothing can be said.
    """

    workload: str
    strategy: str
    source: Source
    field: Field
    judged_from: float | None
    rulings: tuple[Ruling, ...]
    settled: tuple[int, int] | None
    words: str

    @property
    def holds(self) -> bool | None:
        """Of all its claims; None without any, too."""
        found = {ruling.holds for ruling in self.rulings}
        return False if False in found else True if found == {True} else None

    @property
    def claims(self) -> tuple[Claim, ...]:
        """What was claimed of it."""
        return tuple(ruling.claim for ruling in self.rulings)


def routing_of(known: Known) -> tuple[Stretch, ...]:
    """Of every workload that expects something, in order."""
    cases = [case for load in known.evidence.frame.workloads for case in _cases(load, known)]
    claims = [_claims(case) for case, _ in cases]
    tests = sum(claim.tests for found in claims if not isinstance(found, str) for claim in found)
    tests += sum(bool(failing(case)) for case, _ in cases)
    odds = ODDS / max(1, tests)
    judged = zip(cases, claims, strict=True)
    return tuple(_stretch(case, served, found, odds) for (case, served), found in judged)


def _cases(load: WorkloadFrame, known: Known) -> Iterator[tuple[Case, Served]]:
    if load.routing is None:
        return
    evidence, served = known.evidence, served_of(load, known)
    seen = {name for second in served.seconds for name in second.requests}
    providers = tuple(sorted(seen | {provider.id for provider in evidence.frame.providers}))
    end = min(load.end, evidence.ended_at)
    begin = min(load.start, end)
    takes_delays = load.routing.strategy in DELAYS_MATTER
    if load.routing.provider is not None:
        whole = [Field(begin, end, (), ())]
    else:
        whole = list(fields_of(load, known.strikes, begin, end, takes_delays))
    for field in whole:
        if field.end - field.start >= served.width:
            yield Case(load, load.routing, field, providers, known), served


def _claims(case: Case) -> Claims:
    strategy = STRATEGIES.get(case.expected.strategy)
    return f"nothing is known of a strategy {case.expected.strategy}" if strategy is None else strategy(case)


def _stretch(case: Case, served: Served, claims: Claims, odds: float) -> Stretch:
    load, field = case.workload, case.field
    judged_from, seconds = _settled(case, served)
    found: tuple[Claim, ...] = () if isinstance(claims, str) else claims
    rulings = tuple(rule_on(claim, seconds, odds, served.choice) for claim in found)
    if served.source == "metadata":
        rulings += rule_at_once(case, seconds, odds)
    words = served.words or (claims if isinstance(claims, str) else "")
    if not words and judged_from is None:
        words = f"it was over before {case.expected.within:,} requests were sent in it and a second passed"
    if not words and (doubt := _doubt(case, seconds)) and any(ruling.holds is False for ruling in rulings):
        words = doubt
        rulings = tuple(Ruling(r.claim, r.holds or None, r.share, r.requests) for r in rulings)
    settled = _moved(found[0], case, served) if found and found[0].least is not None else None
    return Stretch(
        load.name, case.expected.strategy, served.source, field, judged_from, rulings, settled, words
    )


def _settled(case: Case, served: Served) -> tuple[float | None, Sequence[Second]]:
    """(from when it is judged, the slices from then on); one that is partly in it counts for that part."""
    field, sent = case.field, 0.0
    within = 0 if case.expected.provider is not None else case.expected.within
    since = max(field.start, 0.0 if within == 0 else case.known.evidence.frame.run.start)
    for index, second in enumerate(served.seconds):
        end = second.start + served.width
        if second.start >= since and sent >= within and end <= field.end:
            rest = [s for s in served.seconds[index:] if s.start + served.width <= field.end]
            return second.start, rest
        sent += second.total * max(0.0, min(end, field.end) - max(second.start, field.start)) / served.width
    return None, ()


def _doubt(case: Case, seconds: Sequence[Second]) -> str:
    total = sum(second.total for second in seconds)
    failovers = sum(second.failovers for second in seconds)
    if case.field.out or case.expected.provider is not None or failovers <= MOST_FAILOVERS * total:
        return ""
    return f"{failovers:,} of {total:,} requests needed another attempt, and no fault is known"


def _moved(claim: Claim, case: Case, served: Served) -> tuple[int, int] | None:
    """After how many requests of the stretch the favourites had their share in a slice for the first time."""
    sent = 0.0
    for second in served.seconds:
        part = min(second.start + served.width, case.field.end) - max(second.start, case.field.start)
        if part <= 0:
            continue
        before, sent = sent, sent + second.total * min(1.0, part / served.width)
        among = sum(second.requests.get(name, 0) for name in claim.among)
        hits = sum(second.requests.get(name, 0) for name in claim.who)
        if among and hits / among >= (claim.least or 0.0):
            return int(before), int(-(-sent // 1))
    return None
