"""The plan: a pure function of scenario, feeds and seed.

Rule: the plan knows everything; the run adds only time and answers. Arrivals are lazy: a plan of ten hours
is as small as one of ten seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from battlectl.plan.calls import Feeds, Sequential, compile_request
from battlectl.plan.frame import RUN, Frame, frame_workload
from battlectl.plan.injection import Injection, chaos_windows
from battlectl.plan.pacing import Pacing, Users, build_pacing
from battlectl.plan.route import plan_route
from battlectl.plan.routing import expect_routing
from battlectl.plan.streams import PlannedStreams, frame_streams, plan_streams
from battlectl.plan.watch import PlannedWatch, plan_watch
from battlectl.plan.workload import WS, PlannedWorkload, Window
from battlectl.quantities import format_duration, format_ratio
from battlectl.scenario.check_equal import OTHER
from battlectl.scenario.model import RequestWorkload, Safety, Scenario, promises
from battlectl.scenario.phases import phase_edges, run_edges
from battlectl.scenario.streams import SubscribeWorkload
from battlectl.scenario.watch import watch_of

MOST_SLICES = 3_600
MOST_ROWS = 40_000
MOST_IN_FLIGHT = 20_000
MOST_CONNECTIONS = 2_000


@dataclass(frozen=True, slots=True)
class Plan:
    """All that will happen: the frame that is stored, the workloads with everything to send, subscribers."""

    frame: Frame
    workloads: tuple[PlannedWorkload, ...]
    streams: tuple[PlannedStreams, ...]
    min_success_rate: float | None
    safety_over: float
    watch: PlannedWatch | None = None

    @property
    def needs_head(self) -> bool:
        """Whether any call names a block relative to the head."""
        return any(request.needs_head for w in self.workloads for request in w.requests)


def build_plan(
    scenario: Scenario, feeds: Mapping[str, Sequence[Any]], injections: Sequence[Injection] = ()
) -> Plan:
    """The plan of a scenario; `feeds` holds the values of each feed that it names, `injections` what
    `plan.chaos.plan_chaos` made of its faults."""
    edges = phase_edges(scenario.phases)
    phases = tuple(Window(name, start, end) for name, (start, end) in edges.items())
    run = Window(RUN, *run_edges(edges))
    windows = {window.name: window for window in (*phases, run, *chaos_windows(injections, run))}
    ordered = {name: _ordered(values, scenario.feeds[name].order) for name, values in feeds.items()}
    workloads = tuple(
        _build_workload(name, index, workload, scenario.seed, phases, ordered)
        for index, (name, workload) in enumerate(scenario.load.items())
        if isinstance(workload, RequestWorkload)
    )
    workloads += tuple(_twins(scenario, workloads))
    streams = tuple(
        plan_streams(name, workload, f"{scenario.seed}/{name}", _span(name, workload, phases))
        for name, workload in scenario.load.items()
        if isinstance(workload, SubscribeWorkload)
    )
    cuts = sorted({edge for w in windows.values() for stretch in w.stretches for edge in stretch})
    frame = Frame(
        name=scenario.name,
        description=scenario.description,
        tags=scenario.tags,
        seed=scenario.seed,
        phases=phases,
        windows=windows,
        cuts=tuple(cuts),
        slice_width=_slice_width(phases[-1].end, workloads),
        workloads=tuple(frame_workload(workload) for workload in workloads),
        objectives=promises(scenario),
        checks=dict(scenario.checks),
        max_lag=scenario.generator.max_lag,
        max_stream_lag=scenario.generator.max_stream_lag,
        safety=_describe_safety(scenario.safety),
        injections=tuple(injections),
        streams=tuple(frame_streams(planned) for planned in streams),
    )
    watch = plan_watch(watch_of(scenario.watch, scenario.checks))
    return Plan(frame, workloads, streams, scenario.safety.min_success_rate, scenario.safety.over, watch)


def _twins(scenario: Scenario, workloads: Sequence[PlannedWorkload]) -> Iterator[PlannedWorkload]:
    """The other halves of those that are compared: the same arrivals, to another place."""
    for place, workload in enumerate((w for w in workloads if w.is_compared), len(scenario.load)):
        own = scenario.load[workload.name]
        assert isinstance(own, RequestWorkload), "only requests are compared"
        assert own.equal_to is not None, "what is compared says with what"
        yield replace(
            workload,
            name=f"{workload.name}{OTHER}",
            index=place,
            route=plan_route(own.equal_to),
            twin_of=workload.name,
            node=own.equal_to.node,
            routing=None,
        )


def _ordered(values: Sequence[Any], order: str) -> Sequence[Any]:
    return Sequential(values) if order == "sequential" else tuple(values)


def _build_workload(
    name: str, index: int, workload: RequestWorkload, seed: int, phases: Sequence[Window], feeds: Feeds
) -> PlannedWorkload:
    window = _span(name, workload, phases)
    own_seed = f"{seed}/{name}"
    pacing = build_pacing(workload.rate, window.length, f"{own_seed}/pacing")
    in_flight = workload.max_in_flight or _default_in_flight(pacing, workload.timeout)
    return PlannedWorkload(
        name=name,
        index=index,
        route=plan_route(workload.route),
        window=window,
        pacing=pacing,
        requests=tuple(compile_request(call, workload.expect, workload.ids) for call in workload.calls),
        timeout=workload.timeout,
        max_in_flight=in_flight,
        connections=workload.connections or (1 if workload.ws else min(in_flight, MOST_CONNECTIONS)),
        max_body=workload.max_body,
        retries=workload.retries,
        client=workload.client if workload.ws is None else WS,
        seed=own_seed,
        feeds=feeds,
        is_compared=workload.equal_to is not None,
        routing=expect_routing(workload),
    )


def _span(name: str, workload: RequestWorkload | SubscribeWorkload, phases: Sequence[Window]) -> Window:
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
    most = max(1, min(MOST_SLICES, MOST_ROWS // max(1, labels)))
    return max(1, math.ceil(duration / most))


def _describe_safety(safety: Safety) -> str:
    if safety.min_success_rate is None:
        return ""
    least, over = format_ratio(safety.min_success_rate), format_duration(safety.over)
    return f"success rate of at least {least} over {over}"
