"""One run against its target: site up, target and driver ready, load and faults, site down.

Rule: whatever ends it, what is known comes back as evidence, and nothing is sent before everything is ready.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import trio

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.live import SafetyWatch, failed_objective
from battlectl.chaos.driver import Impossible
from battlectl.commands.campaign import open_campaign, refuse_leftovers, tell_leftovers
from battlectl.commands.documents import open_documents
from battlectl.commands.masking import Masker
from battlectl.commands.prepare import Prepared
from battlectl.commands.progress import Progress
from battlectl.commands.results import Journal
from battlectl.commands.subscribers import Crowd, open_crowd
from battlectl.commands.telemetry import open_telemetry
from battlectl.commands.watch import Lookout, open_lookout
from battlectl.errors import NotReady
from battlectl.observe.faults import Campaign
from battlectl.observe.journal import Line
from battlectl.observe.telemetry import Telemetry
from battlectl.plan.workload import WS
from battlectl.report.fold import Chronicle
from battlectl.run.battle import Forces, fight
from battlectl.run.campaign import CampaignRun
from battlectl.run.stop import Stop
from battlectl.targets.clients import open_client
from battlectl.targets.control import CallError, Control
from battlectl.targets.documents import DocumentWatch
from battlectl.targets.lasso_revision import confirm_revision
from battlectl.targets.opening import open_site
from battlectl.targets.site import Site, describe_site, endpoint_for, plain_endpoint, ws_endpoint_for
from battlectl.targets.sockets import wait_for_sockets
from battlectl.targets.telemetry.poller import TelemetryPoller
from battlectl.transport.base import Endpoint, Head
from battlectl.transport.poller import Poller

STORED_DIGITS = 3
"""Of when a run ended: judged as it is stored, so that `battlectl report` comes to the same figures."""
NOT_READY = "not ready"
IMPOSSIBLE = "impossible"
"""How a run ended whose driver can never do one of its faults: bad usage."""


@dataclass(frozen=True, slots=True)
class Engagement:
    """What one run is given: `results` is where all runs lie, `folder` its own, `meta` is added to."""

    prepared: Prepared
    stop: Stop
    results: Path
    folder: Path
    meta: dict[str, Any]
    progress: Progress


@dataclass(frozen=True, slots=True)
class Field:
    """What is there when everything is ready."""

    site: Site
    control: Control
    head: Head
    campaign: CampaignRun | None
    crowd: Crowd
    poller: TelemetryPoller | None
    lookout: Lookout
    documents: DocumentWatch | None

    def told(self) -> tuple[Campaign | None, Telemetry | None]:
        """Of faults, and of the target by itself, so far."""
        return (
            None if self.campaign is None else self.campaign.campaign(),
            None if self.poller is None else self.poller.telemetry(),
        )


async def engage(run: Engagement) -> Evidence:
    """The battle itself, between setting the site up and taking it down."""
    chronicle, stop = Chronicle(run.prepared.frame), run.stop
    setup = trio.CancelScope()
    async with trio.open_nursery() as nursery:
        watch = trio.CancelScope()
        nursery.start_soon(_cancel_setup, stop, setup, watch)
        evidence = chronicle.evidence("interrupted", "stopped before any load", 0.0)
        try:
            with setup:
                async with (
                    open_site(run.prepared.target) as site,
                    Control(plain_endpoint(site)) as control,
                ):
                    evidence = await _fight_at(run, site, control, chronicle, watch)
                    run.meta["ground_truth"] = await site.truth()
        except NotReady as error:
            evidence = chronicle.evidence(NOT_READY, str(error), 0.0)
        except Impossible as error:
            evidence = chronicle.evidence(IMPOSSIBLE, str(error), 0.0)
        if setup.cancelled_caught:
            evidence = chronicle.evidence(stop.how, f"{stop.reason}, before any load", 0.0)
        nursery.cancel_scope.cancel()
    return evidence


async def _cancel_setup(stop: Stop, setup: trio.CancelScope, watch: trio.CancelScope) -> None:
    """Before the first arrival a wish to stop ends everything; later the battle itself obeys it."""
    with watch:
        await stop.arrivals.wait()
        setup.cancel()


async def _fight_at(
    run: Engagement, site: Site, control: Control, chronicle: Chronicle, watch: trio.CancelScope
) -> Evidence:
    await refuse_leftovers(run)
    head = await _make_ready(run, site, control)
    if site.kind == "lasso":
        note = await confirm_revision(run.prepared.target, control, run.prepared.plan)
        run.meta["notes"] = [*run.meta["notes"], note]
    async with (
        open_documents(run, site) as documents,
        open_campaign(run, site) as campaign,
        open_crowd(run, site) as crowd,
        open_telemetry(run, site, control) as poller,
        open_lookout(run, site, control, campaign) as lookout,
    ):
        if documents is not None:
            await documents.look_again()
        watch.cancel()
        run.meta["notes"] = [*run.meta["notes"], *site.notes]
        run.meta["target"] = {**run.meta["target"], **describe_site(site)}
        field = Field(site, control, head, campaign, crowd, poller, lookout, documents)
        return await _send_load(run, field, chronicle)


async def _make_ready(run: Engagement, site: Site, control: Control) -> Head:
    run.progress.say("waiting for the target")
    ready = run.prepared.target.ready
    await control.wait_ready(ready.method, ready.within)
    await wait_for_sockets(_socket_endpoints(run, site), ready.within)
    if not run.prepared.plan.needs_head:
        return Head()
    try:
        return Head(await control.read_head())
    except CallError as error:
        raise NotReady(f"the target's head is needed for $block and not to be had: {error}") from error


def _socket_endpoints(run: Engagement, site: Site) -> Iterator[Endpoint]:
    """Where requests and subscribers will open WebSockets."""
    plan = run.prepared.plan
    yield from (endpoint_for(site, one) for one in plan.workloads if one.client == WS and one.node is None)
    yield from (ws_endpoint_for(site, one.route) for one in plan.streams)


async def _send_load(run: Engagement, field: Field, chronicle: Chronicle) -> Evidence:
    plan = run.prepared.plan
    journal = Journal(
        run.folder, {"meta": run.meta, "frame": msgspec.to_builtins(plan.frame)}, Masker(run.prepared.secrets)
    )
    forces = _forces(run, field, _keeping(run, field, chronicle, journal))
    try:
        ending = await fight(plan, forces, run.meta["run_id"], run.stop, field.head)
    except Exception as error:
        if field.campaign is not None:
            tell_leftovers(field.campaign.campaign(), run.prepared.secrets, error)
        raise
    finally:
        journal.close()
    at = round(ending.at, STORED_DIGITS)
    evidence = chronicle.evidence(ending.how, ending.reason, at, *field.told())
    if field.documents is None:
        return evidence
    await field.documents.look_after(is_hurried=not evidence.completed)
    return replace(evidence, documents=field.documents.told())


def _keeping(
    run: Engagement, field: Field, chronicle: Chronicle, journal: Journal
) -> Callable[[Line], Awaitable[None]]:
    """What is done with each line of the journal: it may end the run."""
    plan = run.prepared.plan
    safety = SafetyWatch(plan.min_success_rate, plan.safety_over)
    aborts = any(objective.abort_on_fail for objective in plan.frame.objectives)

    async def keep(line: Line) -> None:
        if field.poller is not None:
            field.poller.counts.add(line.delta)
        await _in_turns(journal.add_in_steps(line))
        await _in_turns(chronicle.add_in_steps(line))
        run.progress.show(line, chronicle)
        reason = safety.look(line.t, line.delta)
        if reason is None and aborts:
            campaign, telemetry = field.told()
            reason = failed_objective(chronicle.evidence(campaign=campaign, telemetry=telemetry))
        if reason is not None:
            run.stop.request_once(reason.how, reason.text)

    return keep


def _forces(run: Engagement, field: Field, keep: Callable[[Line], Awaitable[None]]) -> Forces:
    poller = Poller()
    keep_head = [partial(field.control.keep_head, field.head)] if run.prepared.plan.needs_head else []
    return Forces(
        open_client=partial(open_client, field.site, poller),
        on_line=keep,
        services=(poller.serve, partial(_stop_at_end, field.site, run.stop), *keep_head),
        linger=poller.linger if poller.can_linger else None,
        subscribers=(*field.crowd.serves, *field.lookout.serves),
        inspect=field.lookout.inspect,
        settle=field.lookout.settle,
        witness=field.crowd.witness,
        chaos=None if field.campaign is None else field.campaign.serve,
        telemetry=None if field.poller is None else field.poller.serve,
    )


async def _in_turns(steps: Iterator[None]) -> None:
    """Work of milliseconds done bit by bit; a thread would keep the interpreter from the loop for longer."""
    with trio.CancelScope(shield=True):
        for _ in steps:
            await trio.lowlevel.checkpoint()


async def _stop_at_end(site: Site, stop: Stop) -> None:
    """A lab that is gone by itself is no target that failed: no fault of the scenario did that."""
    stop.request_once("safety", await site.ended())
