"""Before a fault by hand: everything that can be refused is refused, and nothing is changed.

Rule: a provider that does not answer before cannot be proven to be broken afterwards, and a fault that
cannot be written down is not begun.
"""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from battlectl.chaos.driver import Driver, DriverError, Impossible, Order
from battlectl.chaos.drivers import open_driver
from battlectl.chaos.journal import NAME, FaultJournal, Header, Secrecy
from battlectl.chaos.probe import HttpProber, Prober
from battlectl.chaos.toxiproxy import Toxiproxy
from battlectl.commands.chaos_ground import Ground, ask_at, check_provider, not_ready
from battlectl.commands.chaos_proof import is_seen_by_driver
from battlectl.commands.folders import new_run_folder
from battlectl.commands.masking import Masker
from battlectl.errors import NotReady, UserError
from battlectl.observe import outcome
from battlectl.plan.chaos import inject as plan_entry
from battlectl.plan.injection import Injection
from battlectl.quantities import format_duration
from battlectl.report.inert import one_line
from battlectl.run.campaign_ready import LEAD, order_of
from battlectl.run.campaign_record import PROBE_METHOD
from battlectl.scenario.chaos_by_hand import read_by_hand
from battlectl.scenario.chaos_times import BATTLE

BY_HAND = "by-hand"
"""The folder of such faults among the results."""
LONGEST = 3_600.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line says; `length` is a duration as it is written."""

    kind: str
    provider: str
    params: Sequence[str] = ()
    length: str | None = None
    detach: bool = False


@dataclass(frozen=True, slots=True)
class Armed:
    """What is there when everything is ready; `by_driver` when the provider itself has nothing to show."""

    injection: Injection
    order: Order
    driver: Driver
    prober: Prober
    journal: FaultJournal
    journal_path: Path
    by_driver: bool


def plan_wish(wish: Wish) -> Injection:
    """The one injection, `LEAD` seconds after the start; raises `UserError`."""
    entry, length = read_by_hand(wish.kind, wish.provider, wish.params, LEAD, wish.length)
    if length > LONGEST:
        raise UserError(f"{format_duration(length)} is too long: by hand a fault lasts an hour at most")
    [injection] = plan_entry(entry, {BATTLE: (0.0, LEAD + length)}, (wish.provider,), 0)
    return injection


async def arm(
    stack: AsyncExitStack, wish: Wish, injection: Injection, ground: Ground, results: Path
) -> Armed:
    """Raises `UserError` for what can never be done, `NotReady` when it cannot be done now."""
    order, run_id = order_of(injection, wish.provider), secrets.token_hex(3)
    config = _leased(ground.config, injection) if wish.detach else ground.config
    try:
        driver = await stack.enter_async_context(open_driver(config, run_id))
        urls = await ask_at(driver, ground.urls)
        check_provider(wish.provider, known_providers(ground, urls), ground)
        if wish.detach and not (isinstance(driver, Toxiproxy) and driver.is_lab):
            raise UserError("--detach: only a lab has leases; with any other driver nobody would end it")
        await driver.check([order])
    except Impossible as error:
        raise UserError(str(error)) from error
    except DriverError as error:
        raise not_ready(ground, error) from error
    prober = await stack.enter_async_context(HttpProber(urls, ground.trust))
    await _see_well(prober, wish.provider)
    path = _folder(results, run_id) / NAME
    journal = FaultJournal(
        path,
        Header(run_id=run_id, target=ground.name, config=dict(ground.shown)),
        Secrecy(ground.names, Masker(ground.secrets).mask_tree),
    )
    stack.enter_context(closing(journal))
    by_driver = is_seen_by_driver(driver.name, prober.knows(wish.provider))
    return Armed(injection, order, driver, prober, journal, path, by_driver)


def known_providers(ground: Ground, found: Sequence[str] | Any) -> Sequence[str]:
    """Those that can be named: of the file, else those that the driver knows of."""
    return tuple(ground.ids) or tuple(getattr(ground.config, "processes", ())) or tuple(found)


def _leased(config: Any, injection: Injection) -> Any:
    """With a lease that lasts as long as the fault: nobody renews it."""
    if config.driver != "toxiproxy":
        return config
    return config.model_copy(update={"lease": injection.until - injection.at})


async def _see_well(prober: HttpProber, provider: str) -> None:
    if not prober.knows(provider):
        return
    answer = await prober.ask(provider, "", PROBE_METHOD)
    if answer.outcome != outcome.OK:
        said = one_line(f"{answer.outcome}, {answer.seen}")
        raise NotReady(f"{provider} does not answer as it is ({said}): nothing was done")


def _folder(results: Path, run_id: str) -> Path:
    try:
        return new_run_folder(results, BY_HAND, datetime.datetime.now(datetime.UTC), run_id)
    except OSError as error:
        raise UserError(f"{results}: the journal cannot be written there ({error.strerror})") from error
