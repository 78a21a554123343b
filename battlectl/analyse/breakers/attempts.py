"""The attempts that failed at a provider while a fault was in force there, step by step.

Rule: a fault counts what it hits, so that is how many attempts failed, our own probes taken off. Where a
fault hides attempts (a closed port), each reply that tells of another attempt stands for one that failed, as
long as one provider alone is broken. A step holds at least and at most so many of the load; the target's own
health checks may be among them, unless the fault strikes methods that only the load calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from battlectl.analyse.faults.figure import Source
from battlectl.analyse.faults.known import Known
from battlectl.analyse.faults.strike import Strike
from battlectl.observe.served import OTHERS, UNANSWERED, UNNAMED

UNTOLD = frozenset({OTHERS, UNANSWERED, UNNAMED})
LANDED = 0.5
"""Seconds within which a probe has come to its provider, whenever it is answered, if ever."""
LAST_READ = 0.15
"""Seconds before a fault ends within which it was looked at for the last time."""


@dataclass(frozen=True, slots=True)
class Step:
    """From one look to the next: `least` to `most` attempts of the load failed there.

    `total` is how many had by its end, likewise at least and at most.
    """

    start: float
    end: float
    least: int
    most: int
    total: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Attempts:
    """Under one fault, in order of time; `own_per_s` is how many more a second may be the target's probes.

    Without steps nothing is known, and `words` say why.
    """

    source: Source
    steps: tuple[Step, ...]
    own_per_s: float = 0.0
    words: str = ""


def failed_attempts(strike: Strike, known: Known) -> Attempts:
    """See the rule."""
    if strike.struck is None:
        return Attempts("", (), words="the fault never came to be in force")
    if not strike.expected.hides_attempts:
        steps = tuple(_from_hits(strike, known))
        if steps:
            methods = strike.injection.attributes.get("methods")
            return Attempts("counters", steps, 0.0 if methods else known.own.plausible)
    others = [
        s for s in known.strikes if s.provider != strike.provider and s.overlaps(strike.from_, strike.end)
    ]
    if others:
        return Attempts("", (), words="others were broken as well, and replies do not say who failed")
    steps = tuple(_from_replies(strike, known))
    if not steps:
        return Attempts("", (), words="no look shows its attempts, and no reply tells of a second one")
    return Attempts("metadata", steps)


def _from_hits(strike: Strike, known: Known) -> Iterator[Step]:
    """Of looks while it was in force; the last may be at its very end."""
    name, end = strike.injection.name, strike.end + LAST_READ
    looks = [look for look in known.track(strike.provider).looks if name in look.hits and look.t <= end]
    if not looks or len({look.generation for look in looks}) > 1:
        return
    times = [strike.from_, *(look.t for look in looks)]
    least, most = _of_the_load(times, [look.hits[name] for look in looks], strike, known)
    for index, (start, stop) in enumerate(pairwise(times)):
        sure = max(0, least[index + 1] - most[index])
        may_be = max(sure, most[index + 1] - least[index])
        yield Step(start, stop, sure, may_be, (least[index + 1], most[index + 1]))


def _of_the_load(
    times: Sequence[float], hits: Sequence[int], strike: Strike, known: Known
) -> tuple[Sequence[int], Sequence[int]]:
    """How many of all hits by each look were the load's, at least and at most; none at the beginning.

    What a look tells was read after the look before it, and a probe of ours was hit at some time between when
    it was sent and when it ended, but no later than `LANDED`. The number never falls, which makes up for most
    of that.
    """
    begun = [p for p in known.probes.get(strike.provider, ()) if p.t + p.seconds >= strike.from_]
    least = [0, *(n - sum(p.t <= t for p in begun) for n, t in zip(hits, times[1:], strict=True))]
    ended = [sum(p.t + min(p.seconds, LANDED) <= t for p in begun if p.t >= strike.from_) for t in times[:-1]]
    most = [0, *(n - ours for n, ours in zip(hits, ended, strict=True))]
    rising = list(accumulate(least, max))
    bounded = list(accumulate(reversed(most), min))[::-1]
    return rising, [max(pair) for pair in zip(rising, bounded, strict=True)]


def _from_replies(strike: Strike, known: Known) -> Iterator[Step]:
    """By when requests were due: one that waited in vain failed later."""
    tally, width = known.evidence.tally, known.evidence.frame.slice_width
    told, untold = dict[int, int](), dict[int, int]()
    for (_, provider, slice_), row in tally.provider_rows.items():
        told[slice_] = told.get(slice_, 0) + row.failovers
        untold[slice_] = untold.get(slice_, 0) + (row.requests if provider in UNTOLD else 0)
    if not any(cell.told for cell in tally.by_provider.values()):
        return
    first, last = int(strike.from_ // width), int(-(-strike.end // width))
    least = most = 0
    for slice_ in range(first, last):
        sure, may_be = told.get(slice_, 0), told.get(slice_, 0) + untold.get(slice_, 0)
        least, most = least + sure, most + may_be
        yield Step(slice_ * width, (slice_ + 1) * width, sure, may_be, (least, most))
