"""The subscribers of one run, and the path on which the chain is read to judge them.

Rule: a run with subscribers does not begin before that path answers: without it nothing could be said.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import trio

from battlectl.errors import NotReady
from battlectl.observe.recorder import Recorder
from battlectl.observe.streams.cell import StreamCells
from battlectl.observe.streams.fitness import note_truth
from battlectl.observe.streams.log_truth import LogTruth
from battlectl.observe.streams.terms import Terms
from battlectl.observe.streams.truth import Truth
from battlectl.plan.streams import PlannedStreams
from battlectl.run.listening import Listener, listen_to_heads, listen_to_logs, listen_to_pending
from battlectl.run.subscribers import Subscribers
from battlectl.scenario.streams import HEADS, LOGS
from battlectl.targets.control import Control
from battlectl.targets.site import Site, ws_endpoint_for
from battlectl.targets.truth import Witness
from battlectl.transport.ws_socket import open_socket

if TYPE_CHECKING:
    from battlectl.commands.engage import Engagement

PATIENCE = 10.0
"""Seconds after which a block that does not link to the rest begins the chain anew."""
LOOKS = 4
LEAST_SETTLE = 1.0
"""How far the truth may be behind a stream: so many looks, and no less than so many seconds. Longer without a
look, and nobody knows how long a stream was silent."""

SLOW_HOLDS = 64 * 1024
"""Bytes that the system may hold for who reads slowly on purpose: the target is to feel it soon."""

MOST_WAITING, MOST_LOGS_WAITING = 128, 2_048
"""Events of a stream that wait for the truth: a reorg brings all logs of its blocks at once."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """What a battle needs of subscribers; nothing of it where there are none."""

    serves: tuple[Callable[[Recorder, float], Awaitable[None]], ...] = ()
    witness: Callable[[float], Awaitable[None]] | None = None


@asynccontextmanager
async def open_crowd(run: Engagement, site: Site) -> AsyncIterator[Crowd]:
    """The subscribers of a run, once the chain can be read; raises NotReady."""
    streams, seen = run.prepared.plan.streams, site.witness
    if not streams or seen is None:
        yield Crowd()
        return
    settle = max(LEAST_SETTLE, LOOKS * seen.every)
    truth = Truth(patience=PATIENCE, blink=settle)
    async with Control(seen.endpoint) as control:
        run.progress.say("looking at the chain")
        try:
            await control.wait_ready("eth_blockNumber", run.prepared.target.ready.within)
        except NotReady as error:
            raise NotReady(f"the chain cannot be read ({seen.what}): {error}") from error
        told = run.meta["truth"] = {"source": seen.what, "every_s": seen.every}
        witness = Witness(control, truth, seen.every)
        await witness.look_before()
        serves = tuple(partial(_serve, site, planned, truth, witness, settle) for planned in streams)
        try:
            yield Crowd(serves, witness.serve)
        finally:
            told |= {"looks": witness.looks, "failures": witness.failures}
            told |= {"last_failure": witness.last_failure} if witness.failures else {}


async def _serve(
    site: Site,
    planned: PlannedStreams,
    truth: Truth,
    witness: Witness,
    settle: float,
    recorder: Recorder,
    start: float,
) -> None:
    cells = recorder.streams(planned.name)
    most_waiting = MOST_LOGS_WAITING if planned.kind == LOGS else MOST_WAITING
    terms = Terms(settle, planned.stall_after, planned.newest_only, most_waiting)
    listen = _listening(planned, truth, witness, cells, terms, start)
    endpoint = ws_endpoint_for(site, planned.route)
    connect = partial(
        open_socket, endpoint, planned.max_body, held=SLOW_HOLDS if planned.read_pause else None
    )
    subscribers = Subscribers(planned, connect, listen, cells, recorder.book, settle)
    waited = 0.0
    try:
        await subscribers.serve(start)
        waited = settle  # Since the last of them left.
    finally:
        end = min(trio.current_time() - start - waited, planned.window.end)
        note_truth(cells, truth, planned.window.start, end)


def _listening(
    planned: PlannedStreams,
    truth: Truth,
    witness: Witness,
    cells: StreamCells,
    terms: Terms,
    start: float,
) -> Callable[[str, float], Listener]:
    """What judges a stream, by its name and the time from which it is wanted."""
    if planned.kind == HEADS:
        epoch = time.time() - (trio.current_time() - start)
        return lambda name, t: listen_to_heads(name, truth, cells, terms, t, epoch)
    if planned.kind == LOGS:
        logs = LogTruth(truth)
        witness.watch_logs(planned.params[0], logs)
        return lambda name, t: listen_to_logs(name, logs, cells, terms, t)
    return lambda name, t: listen_to_pending(name, cells, terms, t)
