"""How the load was spread over the providers in a window.

Rule: what the target's replies say comes first. Without that the providers' counters say how many calls each
got, at least and at most, and nothing of how these ended: success and latency are then not observable.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor, inf

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.amplification import attempts_within
from battlectl.analyse.faults.figure import Source
from battlectl.analyse.faults.known import Known, know
from battlectl.analyse.faults.served import served_by
from battlectl.analyse.faults.windows import fault_windows
from battlectl.observe.served import SKETCHES_GONE
from battlectl.plan.workload import Window


@dataclass(frozen=True, slots=True)
class Share:
    """One provider in one window: requests are those it served or, from counters, the calls of the load that
    it got at least; it got `most` at most, which is infinite where calls may have been seen by nobody.

    `share` is of all that any provider got, from counters by the looks inside the window, its own probes
    included; success and latency are None where they are not observable.
    `was_broken` says that a fault may have been in force there: it was not eligible for all of the window.
    """

    provider: str
    requests: int
    most: float
    share: float
    success_rate: float | None
    mean: float | None
    p95: float | None
    was_broken: bool


@dataclass(frozen=True, slots=True)
class Distribution:
    """Of one window; without a source nothing is known, and `words` say what is missing."""

    window: str
    source: Source
    shares: tuple[Share, ...]
    words: str


def distributions(evidence: Evidence, known: Known | None = None) -> tuple[Distribution, ...]:
    """Of every window of the faults."""
    known = known or know(evidence)
    return tuple(_distribution(window, known) for window in fault_windows(evidence))


def _distribution(window: Window, known: Known) -> Distribution:
    shares = tuple(_from_replies(window, known))
    if shares:
        return Distribution(window.name, "metadata", shares, "")
    shares = tuple(_from_counters(window, known))
    if shares:
        words = "attempts at each provider, by what it counted; how they ended is not observable"
        return Distribution(window.name, "counters", shares, words)
    return Distribution(
        window.name, "", (), "not observable: no reply names its provider and none is counted"
    )


def _from_replies(window: Window, known: Known) -> Iterator[Share]:
    served = served_by(known.evidence, known.evidence.frame.segments(window))
    total = sum(cell.requests for cell in served.values())
    for name, cell in sorted(served.items()):
        yield Share(
            provider=name,
            requests=cell.requests,
            most=cell.requests,
            share=cell.requests / total if total else 0.0,
            success_rate=cell.ok / cell.requests if cell.requests else None,
            mean=cell.latency.mean,
            p95=None if cell.coarse >= SKETCHES_GONE else cell.latency.quantile(0.95),
            was_broken=_was_broken(name, window, known),
        )


def _from_counters(window: Window, known: Known) -> Iterator[Share]:
    calls = {
        name: sum(m.calls for a, b in window.stretches if (m := track.inside(a, b)) is not None)
        for name, track in known.tracks.items()
        if any(track.inside(a, b) is not None for a, b in window.stretches)
    }
    total = sum(calls.values())
    for name, number in sorted(calls.items()):
        share = number / total if total else 0.0
        least, most = attempts_within(name, window, known)
        broken = _was_broken(name, window, known)
        yield Share(name, ceil(least), floor(most) if most < inf else inf, share, None, None, None, broken)


def _was_broken(provider: str, window: Window, known: Known) -> bool:
    own = [strike for strike in known.strikes if strike.provider == provider]
    return any(strike.overlaps(start, end) for strike in own for start, end in window.stretches)
