"""A whole battle: clients in service, workloads under way, a line a second, a drain, an end.

Rule: this file has the nurseries; what is sent and when comes from the plan, what is done with each second
from `on_line`. Whatever ends the run, what was under way is drained or abandoned and counted.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

import trio

from battlectl.observe.journal import Line
from battlectl.observe.recorder import Recorder
from battlectl.plan.build import Plan
from battlectl.plan.pacing import Users
from battlectl.plan.workload import PlannedWorkload
from battlectl.run.flow import Flow, Inspect, Linger, live_as_user, pace
from battlectl.run.stop import Ending, Stop
from battlectl.transport.base import Client, Exchange, Head
from battlectl.transport.ws_client import WsClient

LEAD = 0.05
"""Seconds between the end of preparation and the first due time."""
DRAIN_GRACE = 1.0
"""Seconds beyond the last deadline that a client may take to report it."""
INTERRUPTED_DRAIN = 5.0
"""Most seconds of draining after a request to stop."""
WATCH_EVERY = 0.1
SHORTEST_SHARE = 0.5
"""Seconds below which a share of a processor says nothing."""

ClientFactory = Callable[[PlannedWorkload, Callable[[Exchange], None]], Client]
"""(workload, what to call for each resend) -> its client."""


@dataclass(frozen=True, slots=True)
class Forces:
    """What a battle is fought with."""

    open_client: ClientFactory
    on_line: Callable[[Line], Awaitable[None]]
    services: tuple[Callable[[], Awaitable[None]], ...] = ()
    """What has to go on beside: the poller of the clients, the polling of the head."""
    linger: Linger | None = None
    """See `flow.pace`; None in virtual time and where there is no timer."""
    subscribers: Sequence[Callable[[Recorder, float], Awaitable[None]]] = ()
    """Each goes on from the start, which it is given on trio's clock, to the end of the load, and counts into
    the recorder; when it is cancelled it finishes its streams at once."""
    witness: Callable[[float], Awaitable[None]] | None = None
    """Reads the chain on a path of its own, from the start until after the drain."""
    inspect: Callable[[PlannedWorkload, Recorder], Inspect] | None = None
    """Makes what looks into the replies of a workload."""
    settle: Callable[[float], None] | None = None
    """Judges what is still open of replies, once, when the last one has come; the time is that of the run."""
    telemetry: Callable[[Recorder, float], Awaitable[None]] | None = None
    """Asks the target about itself, from the start until it is cancelled after the drain."""
    chaos: Callable[[float], Awaitable[None]] | None = None
    """Breaks providers from the start, which it is given on trio's clock, until it is cancelled after the
    drain; then, or from the stop on, it heals, however the run ended, and `fight` waits for it."""


@dataclass(slots=True)
class Health:
    """The generator's own state since the last line. Mutable: it is an accumulator."""

    stall: float = 0.0
    cpu: float = 0.0
    wall: float = 0.0
    ended: int = 0

    def take(self, ended: int) -> dict[str, float]:
        """Longest loop stall in ms and, where the stretch was long enough, the share of a processor used."""
        cpu, wall, stall = time.process_time(), trio.current_time(), self.stall
        used, length = cpu - self.cpu, wall - self.wall
        more, self.ended = ended - self.ended, ended
        self.cpu, self.wall, self.stall = cpu, wall, 0.0
        if length < SHORTEST_SHARE:
            return {"stall_ms": round(stall * 1e3, 3)}
        rates = {"cpu_ratio": round(used / length, 4), "ended_per_s": round(more / length, 1)}
        return {"stall_ms": round(stall * 1e3, 3), **rates}


async def fight(plan: Plan, forces: Forces, run_id: str, stop: Stop, head: Head) -> Ending:
    """Run the plan; every line, the last included, has gone through `on_line` when this returns."""
    recorder = Recorder(plan.frame.cuts, plan.frame.slice_width)
    health = Health()
    async with trio.open_nursery() as service:
        flows = [
            await _enlist(service, workload, forces, recorder, run_id, head) for workload in plan.workloads
        ]
        start = trio.current_time() + LEAD
        for flow in flows:
            flow.start = start
        health.take(0)
        service.start_soon(_watch_loop, health)
        service.start_soon(_write_lines, start, recorder, health, forces.on_line)
        for serve in forces.services:
            service.start_soon(serve)
        for service_from in (forces.witness, forces.chaos):
            if service_from is not None:
                service.start_soon(service_from, start)
        if forces.telemetry is not None:
            service.start_soon(forces.telemetry, recorder, start)
        listening = [partial(serve, recorder, start) for serve in forces.subscribers]
        await _send_all(flows, listening, start + plan.frame.duration, stop, forces.linger)
        await _drain(flows, stop)
        ended_at = trio.current_time() - start
        service.cancel_scope.cancel()
    if forces.settle is not None:
        forces.settle(ended_at)
    await forces.on_line(_line(ended_at, recorder, health))
    return Ending(stop.how, stop.reason, ended_at)


async def _enlist(
    service: trio.Nursery,
    workload: PlannedWorkload,
    forces: Forces,
    recorder: Recorder,
    run_id: str,
    head: Head,
) -> Flow:
    flow: Flow
    client = forces.open_client(workload, lambda exchange: flow.reconnected(exchange))
    inspect = None if forces.inspect is None else forces.inspect(workload, recorder)
    flow = Flow(workload, client, recorder, run_id, 0.0, head, inspect)
    if isinstance(client, WsClient):
        client.on_unasked = flow.unasked
    await service.start(client.serve)
    return flow


async def _send_all(
    flows: list[Flow],
    listening: Sequence[Callable[[], Awaitable[None]]],
    end: float,
    stop: Stop,
    linger: Linger | None,
) -> None:
    """Until every arrival is taken and the last phase is over, or until asked to stop."""
    async with trio.open_nursery() as load:
        load.start_soon(_cancel_when, stop.arrivals, load.cancel_scope)
        async with trio.open_nursery() as workloads:
            workloads.start_soon(trio.sleep_until, end)
            for serve in listening:
                workloads.start_soon(serve)
            open_flows = [flow for flow in flows if not isinstance(flow.workload.pacing, Users)]
            if open_flows:
                workloads.start_soon(pace, open_flows, linger)
            for flow in flows:
                if isinstance(flow.workload.pacing, Users):
                    for user in range(flow.workload.pacing.users):
                        workloads.start_soon(live_as_user, flow, user)
        load.cancel_scope.cancel()


async def _drain(flows: list[Flow], stop: Stop) -> None:
    """Wait for what is under way, each to its own deadline; abandon what is left."""
    longest = max((flow.workload.timeout for flow in flows), default=0.0) + DRAIN_GRACE
    with trio.move_on_after(longest) as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_cancel_when, stop.draining, nursery.cancel_scope)
            nursery.start_soon(_shorten_when, stop.arrivals, scope)
            while any(flow.in_flight for flow in flows):  # noqa: ASYNC110 (an event a request costs more)
                await trio.sleep(0.01)
            nursery.cancel_scope.cancel()
    for flow in flows:
        flow.abandon()


async def _cancel_when(event: trio.Event, scope: trio.CancelScope) -> None:
    await event.wait()
    scope.cancel()


async def _shorten_when(event: trio.Event, scope: trio.CancelScope) -> None:
    await event.wait()
    scope.deadline = min(scope.deadline, trio.current_time() + INTERRUPTED_DRAIN)


async def _write_lines(
    start: float, recorder: Recorder, health: Health, on_line: Callable[[Line], Awaitable[None]]
) -> None:
    second = 0
    while True:
        second = max(second + 1, int(trio.current_time() - start) + 1)
        await trio.sleep_until(start + second)
        await on_line(_line(trio.current_time() - start, recorder, health))


def _line(at: float, recorder: Recorder, health: Health) -> Line:
    return Line(
        round(at, 6), recorder.take(), dict(recorder.issued), health.take(sum(recorder.ended.values()))
    )


async def _watch_loop(health: Health) -> None:
    """How late a timer of this loop wakes: the loop was busy with something else for that long."""
    while True:
        wanted = trio.current_time() + WATCH_EVERY
        await trio.sleep_until(wanted)
        health.stall = max(health.stall, trio.current_time() - wanted)
