"""Workloads as they will be sent: lazy arrivals, windows of time.

Rule: an arrival is a pure function of the workload and its number; making the stream twice gives the same.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

import msgspec

from battlectl.plan.calls import Feeds, Request, choose_requests
from battlectl.plan.pacing import Pacing, Users, exact
from battlectl.plan.route import Route
from battlectl.plan.routing import Expectation

IDS_PER_WORKLOAD = 10**12
WS = "ws"
"""The client of requests over WebSockets."""
COUNTED_ARRIVALS = 2_000_000
"""Arrivals up to which a plan is counted arrival by arrival beforehand."""


@dataclass(frozen=True, slots=True)
class Window:
    """A named part of the run, in seconds from its start; an arrival is inside when it is due inside.

    `gaps` are what lies between start and end and does not belong: the times between the repeats of a
    fault. They are in order, apart from each other and from both ends.
    """

    name: str
    start: float
    end: float
    gaps: tuple[tuple[float, float], ...] = ()

    @property
    def stretches(self) -> tuple[tuple[float, float], ...]:
        """(from, to) of each unbroken part, in order."""
        starts = (self.start, *(to for _, to in self.gaps))
        return tuple(zip(starts, (*(start for start, _ in self.gaps), self.end), strict=True))

    @property
    def length(self) -> float:
        """Seconds, as they were written: 0.8 - 0.1 is 0.7."""
        return float(sum(exact(end) - exact(start) for start, end in self.stretches))


class Arrival(NamedTuple):
    """One due request. `number` counts requests and `first_id` is the JSON-RPC id of its first item.

    A named tuple because one is made for every request.
    """

    number: int
    due: float
    request: int
    first_id: int
    draws: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class PlannedWorkload:
    """One workload with every default filled in; times in seconds from the start of the run.

    One that is compared has a twin that sends the same; `twin_of` is whose twin this is. `node` is a provider
    that is asked itself, past the target.
    """

    name: str
    index: int
    route: Route
    window: Window
    pacing: Pacing
    requests: tuple[Request, ...]
    timeout: float
    max_in_flight: int
    connections: int
    max_body: int
    retries: int
    client: str
    seed: str
    feeds: Feeds = field(repr=False)
    twin_of: str | None = None
    is_compared: bool = False
    node: str | None = None
    routing: Expectation | None = None

    def arrivals(self) -> Iterator[Arrival]:
        """Every arrival of an open workload, in order of due time."""
        assert not isinstance(self.pacing, Users)
        chosen = self._numbered(f"{self.seed}/calls", IDS_PER_WORKLOAD * self.index + 1)
        dues = self.pacing.due_times(self.window.start)
        for due, (number, request, first_id, draws) in zip(dues, chosen, strict=False):
            yield Arrival(number, due, request, first_id, draws)

    def arrivals_of_user(self, user: int) -> Iterator[Arrival]:
        """What one user of a closed workload sends, in order; due when it is sent, so `due` is not known."""
        base = IDS_PER_WORKLOAD * self.index + (IDS_PER_WORKLOAD // 10_000) * user + 1
        for number, request, first_id, draws in self._numbered(f"{self.seed}/user/{user}", base):
            yield Arrival(number, math.nan, request, first_id, draws)

    def _numbered(self, seed: str, first_id: int) -> Iterator[tuple[int, int, int, tuple[bytes, ...]]]:
        sizes = [len(request.items) for request in self.requests]
        for number, (request, draws) in zip(
            count(), choose_requests(self.requests, seed, self.feeds), strict=False
        ):
            yield number, request, first_id, draws
            first_id += sizes[request]


def arrivals_digest(workload: PlannedWorkload, most: int = 1_000) -> str:
    """A fingerprint of the first arrivals of a workload: the same seed gives the same one, byte for byte,
    wherever the workload stands among the others."""
    digest = hashlib.sha256()
    streams = (
        [workload.arrivals()]
        if not isinstance(workload.pacing, Users)
        else [workload.arrivals_of_user(user) for user in range(workload.pacing.users)]
    )
    for stream in streams:
        for _, arrival in zip(range(most // len(streams) + 1), stream, strict=False):
            own_id = arrival.first_id - IDS_PER_WORKLOAD * workload.index
            line = (arrival.number, repr(arrival.due), arrival.request, own_id, arrival.draws)
            digest.update(msgspec.json.encode([str(part) for part in line]))
    return digest.hexdigest()


def count_arrivals(workload: PlannedWorkload) -> int | None:
    """How many arrivals (items) the plan has; None for closed users and plans too long to count."""
    if isinstance(workload.pacing, Users) or workload.pacing.expected > COUNTED_ARRIVALS:
        return None
    sizes = [len(request.items) for request in workload.requests]
    if len(set(sizes)) == 1:
        return sizes[0] * sum(1 for _ in workload.pacing.due_times())
    return sum(sizes[arrival.request] for arrival in workload.arrivals())
