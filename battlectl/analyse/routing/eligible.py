"""Which providers a target had reason to choose among, for one workload, at each time of a run.

Rule: a provider is out from the first moment at which a fault may be in force there until `recovery` after
its last: when a target takes it back is its own affair. A fault of other methods than the workload's, which
tells so in its answers, concerns the others alone; one of WebSockets no request over HTTP. One that does
nothing but make answers late leaves a provider in, so much slower: strategies are there to see that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf

from battlectl.analyse.faults.strike import Strike
from battlectl.observe import outcome
from battlectl.plan.frame import WorkloadFrame
from battlectl.plan.workload import WS

Range = tuple[float, float]
"""At least and at most, in seconds."""
NO_DELAY = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Field:
    """From `start` to `end`: who was out, and by how much others were late; both sorted by name.

    `beside` are the faults in force that concern other methods alone.
    """

    start: float
    end: float
    out: tuple[str, ...]
    delays: tuple[tuple[str, Range], ...]
    beside: tuple[str, ...] = ()

    def delay(self, provider: str) -> Range:
        """What a fault adds to its answers."""
        return dict(self.delays).get(provider, NO_DELAY)


def fields_of(
    workload: WorkloadFrame, strikes: Sequence[Strike], start: float, end: float, takes_delays: bool
) -> Iterator[Field]:
    """The stretches in which nothing changed, in order; without `takes_delays` who is late is out."""
    concerning = [strike for strike in strikes if concerns(strike, workload)]
    foreign = [s for s in strikes if s not in concerning and not _is_of_nobody(s)]
    recovery = 0.0 if workload.routing is None else workload.routing.recovery
    last: Field | None = None
    for begin, until in pairwise(sorted(set(_edges([*concerning, *foreign], recovery, start, end)))):
        found = _field(concerning, recovery, (begin, until), workload, takes_delays)
        found = replace(found, beside=_beside(foreign, begin, until))
        if last is not None and replace(last, start=begin, end=until) == found:
            found = replace(found, start=last.start)
        elif last is not None:
            yield last
        last = found
    if last is not None:
        yield last


def concerns(strike: Strike, workload: WorkloadFrame) -> bool:
    """Whether a fault gives the target a reason to send this workload's requests elsewhere."""
    expected, methods = strike.expected, strike.injection.attributes.get("methods") or ()
    if expected.does_nothing or (expected.is_of_websockets and workload.client != WS):
        return False
    tells_of_methods = {outcome.outcome_of(label) for label in expected.labels} <= {outcome.RPC_ERROR}
    is_elsewhere = bool(methods) and not set(methods) & set(workload.labels)
    return not (is_elsewhere and tells_of_methods)


def _is_of_nobody(strike: Strike) -> bool:
    return strike.expected.does_nothing or strike.expected.is_of_websockets


def _beside(foreign: Sequence[Strike], start: float, end: float) -> tuple[str, ...]:
    return tuple(sorted({s.injection.name for s in foreign if s.overlaps(start, end)}))


def _edges(strikes: Sequence[Strike], recovery: float, start: float, end: float) -> Iterator[float]:
    yield from (start, end)
    for strike in strikes:
        times = (strike.from_, strike.struck, strike.end, strike.to, strike.to + recovery)
        yield from (t for t in times if t is not None and start < t < end)


def _field(
    strikes: Sequence[Strike], recovery: float, span: Range, workload: WorkloadFrame, takes_delays: bool
) -> Field:
    out, delays = set[str](), dict[str, Range]()
    for strike in strikes:
        if not (strike.from_ < span[1] and strike.to + recovery > span[0]):
            continue
        delay = _delay(strike, span, workload) if takes_delays else None
        if delay is None:
            out.add(strike.provider)
        else:
            least, most = delays.get(strike.provider, NO_DELAY)
            delays[strike.provider] = (least + delay[0], most + delay[1])
    kept = {name: delay for name, delay in delays.items() if name not in out}
    return Field(*span, tuple(sorted(out)), tuple(sorted(kept.items())))


def _delay(strike: Strike, span: Range, workload: WorkloadFrame) -> Range | None:
    """What it adds to each answer of the workload in all of a stretch; None where that is not all it does."""
    expected, methods = strike.expected, strike.injection.attributes.get("methods")
    is_pure = expected.is_late and not expected.labels and expected.most_late is not None
    is_whole = expected.probability >= 1 and expected.connections == "all" and expected.turns is None
    is_of_all = not methods or set(workload.labels) <= set(methods)
    if not (is_pure and is_whole and is_of_all and strike.is_on(*span)):
        return None
    return expected.late_by, inf if expected.most_late is None else expected.most_late
