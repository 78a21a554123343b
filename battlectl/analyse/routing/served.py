"""How many requests of a workload went to which provider, second by second.

Rule: what replies say of their provider comes first. Without that the providers' own counters, but only where
all of the load is this one workload: they do not say whose a call is, and count the target's own probes too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from battlectl.analyse.faults.figure import Source
from battlectl.analyse.faults.known import Known
from battlectl.analyse.faults.served import served_by
from battlectl.analyse.routing.sample import stickiness
from battlectl.observe.served import OWN_NAMES, UNNAMED
from battlectl.plan.frame import WorkloadFrame

MOST_UNNAMED = 0.05
"""The part of the replies that may name nobody."""


@dataclass(frozen=True, slots=True)
class Second:
    """One slice: requests by provider, how many of them needed more than one attempt, and of each provider
    the most that may be none of the load."""

    start: float
    requests: Mapping[str, int]
    failovers: int = 0
    not_load: float = 0.0

    @property
    def total(self) -> int:
        """Of all providers."""
        return sum(self.requests.values())


@dataclass(frozen=True, slots=True)
class Served:
    """All slices in order, each `width` seconds long; `words` say why there are none.

    So many requests are one `choice` of a provider, see `sample.stickiness`.
    """

    source: Source
    width: int
    seconds: tuple[Second, ...]
    words: str = ""
    choice: float = 1.0


def served_of(workload: WorkloadFrame, known: Known) -> Served:
    """See the rule."""
    width = known.evidence.frame.slice_width
    replies = tuple(_from_replies(workload.name, known))
    if named := sum(second.total for second in replies):
        unnamed = sum(
            row.requests
            for (name, provider, _), row in known.evidence.tally.provider_rows.items()
            if (name, provider) == (workload.name, UNNAMED)
        )
        if unnamed <= MOST_UNNAMED * (named + unnamed):
            return Served("metadata", width, replies, choice=_choice(workload.name, known))
        return Served("", width, (), f"{unnamed:,} of {named + unnamed:,} replies name no provider")
    if not known.tracks:
        return Served("", width, (), "no reply names its provider, and no provider is counted")
    if len(known.evidence.frame.workloads) > 1 or known.evidence.frame.streams:
        return Served("", width, (), "no reply names its provider, and counters do not tell workloads apart")
    counted = tuple(_from_counters(workload, known))
    if not counted or not known.own.is_bound:
        return Served("", width, (), "the target's own probes cannot be told from the load")
    return Served("counters", width, counted)


def _choice(workload: str, known: Known) -> float:
    cells = served_by(known.evidence, known.evidence.frame.all_segments, workload)
    requests = {name: cell.requests for name, cell in cells.items()}
    firsts, paired, same = (
        sum(getattr(cell, count) for cell in cells.values()) for count in ("firsts", "paired", "same")
    )
    return stickiness(requests, firsts, paired, same)


def _from_replies(workload: str, known: Known) -> Iterator[Second]:
    tally, width = known.evidence.tally, known.evidence.frame.slice_width
    slices: dict[int, dict[str, int]] = {}
    failovers: dict[int, int] = {}
    for (name, provider, slice_), row in sorted(tally.provider_rows.items()):
        if name == workload and provider not in OWN_NAMES:
            slices.setdefault(slice_, {})[provider] = row.requests
            failovers[slice_] = failovers.get(slice_, 0) + row.failovers
    for slice_, requests in sorted(slices.items()):
        yield Second(slice_ * width, requests, failovers[slice_])


def _from_counters(workload: WorkloadFrame, known: Known) -> Iterator[Second]:
    width = known.evidence.frame.slice_width
    for slice_ in range(int(workload.start // width), int(-(-workload.end // width))):
        start, end = slice_ * width, (slice_ + 1) * width
        moved = {name: track.inside(start, end) for name, track in known.tracks.items()}
        seen = {name: found for name, found in moved.items() if found is not None}
        if len(seen) < len(moved):
            continue
        own = known.own.at_most(max(found.seconds for found in seen.values()))
        yield Second(start, {name: found.calls for name, found in seen.items()}, 0, own)
