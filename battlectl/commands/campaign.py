"""The faults of one run: driver open, providers answering, journal on the disk.

Rule: a run does not begin over a fault that is in force already, whoever put it there, and what a driver can
never do is refused before any load.
"""

from __future__ import annotations

import os
import shlex
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from typing import TYPE_CHECKING, Any

from battlectl.chaos.driver import DriverError
from battlectl.chaos.drivers import open_driver
from battlectl.chaos.journal import NAME, FaultJournal, Header, Secrecy
from battlectl.chaos.probe import HttpProber
from battlectl.chaos.stale import runs_going_on, stale_journals
from battlectl.commands.chaos_ground import ask_at
from battlectl.commands.masking import Masker
from battlectl.errors import NotReady, Unhealed, UserError
from battlectl.observe.faults import Campaign, Deed
from battlectl.run.campaign import CampaignRun, Weapons
from battlectl.run.campaign_ready import StaleFaults
from battlectl.scenario.target_chaos import ToxiproxyChaos, read_again
from battlectl.targets.site import Site
from battlectl.transport.wire import tls_context

if TYPE_CHECKING:
    from battlectl.commands.engage import Engagement


async def refuse_leftovers(run: Engagement) -> None:
    """NotReady for what earlier runs left at the same providers; a lab of this run's own has no past.

    Asked before the target is: what was left may be why that does not answer.
    """
    if run.prepared.target.chaos is None:
        return
    shown = run.prepared.target_resolved["chaos"]
    left = await stale_journals(run.results, shown, os.environ)
    if left:
        lines = "\n".join(f"  {stale}" for stale in left)
        command = f"battlectl heal --results {shlex.quote(str(run.results))}"
        raise NotReady(f"an earlier run left faults in force, end them first: {command}\n{lines}")
    if others := runs_going_on(run.results, shown, os.environ):
        lines = "\n".join(f"  {path.parent} (pid {pid})" for path, pid in others)
        raise NotReady(f"another run goes on at the same providers, wait for its end or end it:\n{lines}")


@asynccontextmanager
async def open_campaign(run: Engagement, site: Site) -> AsyncIterator[CampaignRun | None]:
    """The campaign of a run, ready to serve; None where it has no faults.

    NotReady for a driver that does not answer and for stale faults, Impossible for what it can never do.
    """
    if not run.prepared.frame.injections:
        yield None
        return
    run.progress.say("looking at the providers")
    async with AsyncExitStack() as stack:
        try:
            campaign = await _open(run, site, stack)
            await campaign.make_ready()
        except StaleFaults as error:
            raise NotReady(_stale(error)) from error
        except DriverError as error:
            raise NotReady(f"the faults of this scenario cannot be had: {error}") from error
        yield campaign


async def _open(run: Engagement, site: Site, stack: AsyncExitStack) -> CampaignRun:
    prepared, run_id = run.prepared, run.meta["run_id"]
    config, shown = _config(run, site)
    driver = await stack.enter_async_context(open_driver(config, run_id))
    urls = await ask_at(driver, {p["id"]: p["url"] for p in site.providers if p.get("url")})
    trust = tls_context(site.endpoint) or ssl.create_default_context()
    prober = await stack.enter_async_context(HttpProber(urls, trust))
    header = Header(
        run_id=run_id,
        target=prepared.target_name,
        config=shown,
        ends_with_run=prepared.target.chaos is None,
        pid=os.getpid(),
    )
    _, names = read_again(shown, os.environ)
    journal = FaultJournal(run.folder / NAME, header, Secrecy(names, Masker(prepared.secrets).mask_tree))
    stack.enter_context(closing(journal))

    async def record(deed: Deed) -> None:
        await journal.add(deed)
        run.progress.tell(deed)

    weapons = Weapons(driver, prober, record)
    frame = prepared.frame
    return CampaignRun(frame.injections, frame.duration, weapons, run.stop.arrivals)


def _config(run: Engagement, site: Site) -> tuple[Any, dict[str, Any]]:
    """The driver's configuration, and the same as the target's file spells it."""
    chaos = run.prepared.target.chaos
    if chaos is not None:
        return chaos, run.prepared.target_resolved["chaos"]
    assert site.admin is not None, "a plan with faults has a target that can be broken"
    return ToxiproxyChaos(driver="toxiproxy", url=site.admin), {"driver": "toxiproxy", "url": site.admin}


def _stale(error: StaleFaults) -> str:
    found = "\n".join(f"  {fault.provider}: {fault.what}" for fault in error.faults)
    first = "something is broken already, and this run would measure that"
    return f"{first}:\n{found}\nend it with `battlectl chaos clear`, or where it was begun"


def tell_leftovers(campaign: Campaign, secrets: Iterable[str], error: Exception) -> None:
    """Unhealed where a fault is still in force as `error` ends the run: first what a person must do."""
    if campaign.leftovers:
        what = str(error) if isinstance(error, UserError) else f"battlectl crashed: {error!r}"
        text = "\n".join([*campaign.leftovers, f"and {what}"])
        raise Unhealed(Masker(secrets).mask_text(text)) from error
