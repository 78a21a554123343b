"""The plan: a pure function of scenario, feeds and seed.

Rule: the plan knows everything; the run adds only time and answers. Arrivals are lazy: a plan of ten hours
is as small as one of ten seconds.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import Any

import msgspec

from battlectl.plan.calls import Feeds, Request, Sequential, choose_requests, compile_request
from battlectl.plan.pacing import Pacing, Users, build_pacing, exact
from battlectl.scenario.model import HttpWorkload, Scenario, promises
from battlectl.scenario.objectives import Objective

WARMUP = "warmup"
RUN = "run"
MOST_SLICES = 3_600
MOST_ROWS = 40_000
MOST_IN_FLIGHT = 20_000
MOST_CONNECTIONS = 2_000
IDS_PER_WORKLOAD = 10**12


@dataclass(frozen=True, slots=True)
class Window:
    """A named stretch of the run, in seconds from its start; an arrival is inside when it is due inside."""

    name: str
    start: float
    end: float

    @property
    def length(self) -> float:
        """Seconds, as they were written: 0.8 - 0.1 is 0.7."""
        return float(exact(self.end) - exact(self.start))


@dataclass(frozen=True, slots=True)
class Arrival:
    """One due request. `number` counts requests and `first_id` is the JSON-RPC id of its first item."""

    number: int
    due: float
    request: int
    first_id: int
    draws: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class PlannedWorkload:
    """One workload with every default filled in; times in seconds from the start of the run."""

    name: str
    index: int
    path: str | None
    headers: tuple[tuple[str, str], ...]
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


@dataclass(frozen=True, slots=True)
class Plan:
    """All that will happen. `cuts` are the edges of segments, the stretches that no window divides;
    `slice_width` is the grain of the time series in seconds."""

    name: str
    description: str
    tags: tuple[str, ...]
    seed: int
    phases: tuple[Window, ...]
    windows: Mapping[str, Window]
    cuts: tuple[float, ...]
    slice_width: int
    workloads: tuple[PlannedWorkload, ...]
    objectives: tuple[Objective, ...]
    checks: Mapping[str, str]
    min_success_rate: float | None
    safety_over: float
    max_lag: float

    @property
    def duration(self) -> float:
        """Seconds from the start to the last due arrival's phase end."""
        return self.phases[-1].end

    @property
    def needs_head(self) -> bool:
        """Whether any call names a block relative to the head."""
        return any(request.needs_head for w in self.workloads for request in w.requests)


def build_plan(scenario: Scenario, feeds: Mapping[str, Sequence[Any]]) -> Plan:
    """The plan of a scenario; `feeds` holds the values of each feed that it names."""
    phases = tuple(_build_phases(scenario.phases))
    windows = {window.name: window for window in (*phases, _run_window(phases))}
    ordered = {name: _ordered(values, scenario.feeds[name].order) for name, values in feeds.items()}
    workloads = tuple(
        _build_workload(name, index, workload, scenario.seed, phases, ordered)
        for index, (name, workload) in enumerate(scenario.load.items())
    )
    cuts = sorted({edge for window in windows.values() for edge in (window.start, window.end)})
    return Plan(
        name=scenario.name,
        description=scenario.description,
        tags=scenario.tags,
        seed=scenario.seed,
        phases=phases,
        windows=windows,
        cuts=tuple(cuts),
        slice_width=_slice_width(phases[-1].end, workloads),
        workloads=workloads,
        objectives=promises(scenario),
        checks=dict(scenario.checks),
        min_success_rate=scenario.safety.min_success_rate,
        safety_over=scenario.safety.over,
        max_lag=scenario.generator.max_lag,
    )


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


def _build_phases(lengths: Mapping[str, float]) -> Iterator[Window]:
    ends = [0.0]
    for length in lengths.values():
        ends.append(float(f"{ends[-1] + length:.12g}"))
    for name, (start, end) in zip(lengths, pairwise(ends), strict=True):
        yield Window(name, start, end)


def _run_window(phases: Sequence[Window]) -> Window:
    first = phases[1] if phases[0].name == WARMUP and len(phases) > 1 else phases[0]
    return Window(RUN, first.start, phases[-1].end)


def _ordered(values: Sequence[Any], order: str) -> Sequence[Any]:
    return Sequential(values) if order == "sequential" else tuple(values)


def _build_workload(
    name: str, index: int, workload: HttpWorkload, seed: int, phases: Sequence[Window], feeds: Feeds
) -> PlannedWorkload:
    window = _span(name, workload, phases)
    own_seed = f"{seed}/{name}"
    pacing = build_pacing(workload.rate, window.length, f"{own_seed}/pacing")
    in_flight = workload.max_in_flight or _default_in_flight(pacing, workload.timeout)
    return PlannedWorkload(
        name=name,
        index=index,
        path=workload.http.path,
        headers=tuple(workload.http.headers.items()),
        window=window,
        pacing=pacing,
        requests=tuple(compile_request(call, workload.expect) for call in workload.calls),
        timeout=workload.timeout,
        max_in_flight=in_flight,
        connections=workload.connections or min(in_flight, MOST_CONNECTIONS),
        max_body=workload.max_body,
        retries=workload.retries,
        client=workload.client,
        seed=own_seed,
        feeds=feeds,
    )


def _span(name: str, workload: HttpWorkload, phases: Sequence[Window]) -> Window:
    chosen = [phase for phase in phases if workload.phases is None or phase.name in workload.phases]
    return Window(name, chosen[0].start, chosen[-1].end)


def _default_in_flight(pacing: Pacing, timeout: float) -> int:
    """Room for a whole timeout of the peak rate: a target that answers nothing still gets every arrival."""
    if isinstance(pacing, Users):
        return pacing.users
    return min(MOST_IN_FLIGHT, max(64, math.ceil(pacing.peak * timeout * 1.1)))


def _slice_width(duration: float, workloads: Sequence[PlannedWorkload]) -> int:
    """Whole seconds: as fine as the bound on rows in the report allows."""
    labels = sum(len({item.label for r in w.requests for item in r.items}) for w in workloads)
    most = max(1, min(MOST_SLICES, MOST_ROWS // labels))
    return max(1, math.ceil(duration / most))
