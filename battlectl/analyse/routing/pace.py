"""How fast a provider is, for one workload, as far as a run shows it: a range.

Rule: its usual pace is what clients saw of it while no fault was in force there, between the tenth and the
ninetieth of a hundred answers; what a fault adds comes on top. Of whom little was seen it is anything up to
twice the slowest answer, and of whom nothing was seen, anything. One is surely faster than another only where
their ranges do not touch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import inf

from battlectl.analyse.faults.known import Known
from battlectl.analyse.routing.eligible import Field, Range
from battlectl.observe.served import SKETCHES_GONE, ServedCell

ENOUGH = 10
"""Answers that show a pace."""
AMPLY = 2.0
UNKNOWN = (0.0, inf)


def paces(workload: str, providers: Collection[str], field: Field, known: Known) -> Mapping[str, Range]:
    """By provider, in seconds."""
    found = {}
    for provider in providers:
        least, most = usual_pace(workload, provider, known)
        adds_least, adds_most = field.delay(provider)
        found[provider] = (least + adds_least, most + adds_most)
    return found


def usual_pace(workload: str, provider: str, known: Known) -> Range:
    """Without any fault; workloads that call the same are asked alike."""
    labels = {load.name: set(load.labels) for load in known.evidence.frame.workloads}
    cuts, whole = known.evidence.frame.cuts, ServedCell()
    own = [strike for strike in known.strikes if strike.provider == provider]
    for (name, who, segment), cell in known.evidence.tally.by_provider.items():
        is_calm = not any(strike.overlaps(cuts[segment], cuts[segment + 1]) for strike in own)
        if who == provider and labels.get(name) == labels.get(workload) and is_calm:
            whole.merge(cell)
    least, most, slowest = whole.latency.quantile(0.1), whole.latency.quantile(0.9), whole.latency.maximum
    if whole.coarse >= SKETCHES_GONE or least is None or most is None or slowest is None:
        return UNKNOWN
    return (least, most) if whole.latency.count >= ENOUGH else (0.0, AMPLY * slowest)


def fastest_of(ranges: Mapping[str, Range]) -> frozenset[str]:
    """All but those that are surely slower than another."""
    best = min((most for _, most in ranges.values()), default=inf)
    return frozenset(provider for provider, (least, _) in ranges.items() if least <= best)
