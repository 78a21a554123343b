"""`battlectl chaos status` and `chaos clear`: what is broken at a target, and an end to it.

Rule: `clear` ends what was broken by hand, whoever still waits for it, and at a lab or a Toxiproxy whatever
is in force: there every fault was put there to test. With other drivers what is broken may be broken for
good reasons, so only journals count.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import trio

from battlectl.chaos.driver import Driver, DriverError, Impossible, InForce, Order, Undo
from battlectl.chaos.drivers import open_driver
from battlectl.chaos.healing import heal_surely
from battlectl.chaos.journal import with_secrets
from battlectl.chaos.leftovers import Left, find_left
from battlectl.chaos.stale import Stale, is_same_target, stale_journals
from battlectl.chaos.toxiproxy import Toxiproxy
from battlectl.commands.chaos_arm import BY_HAND, known_providers
from battlectl.commands.chaos_ground import Ground, ask_at, check_provider, not_ready
from battlectl.commands.heal import HEAL_WITHIN, code_of, heal_journal, tell_by_hand
from battlectl.commands.heal_text import Fate, JournalState, State, Told, told_lines
from battlectl.commands.masking import Masker
from battlectl.errors import ExitCode
from battlectl.observe.faults import Deed
from battlectl.report.inert import one_line
from battlectl.report.tables import plain_table
from battlectl.scenario.chaos_kinds import FAULTS

LOOK_WITHIN = 10.0
HOLDER = "by-hand"
MOST = 400


def status(ground: Ground, results: Path, environ: Mapping[str, str], as_json: bool, out: TextIO) -> ExitCode:
    """Print what is broken; `NotReady` when the driver does not answer."""
    found, stale = trio.run(_read_status, ground, results, environ)
    masker = Masker(ground.secrets)
    rows = [(one.provider, masker.mask_text(one.what)) for one in found]
    told = [masker.mask_text(str(one)) for one in stale]
    if as_json:
        document = {"in_force": [{"provider": p, "what": w} for p, w in rows], "journals": told}
        print(json.dumps(document, indent=2), file=out)
        return ExitCode.PASS
    shown = [(one_line(p), one_line(w, MOST)) for p, w in rows]
    lines = (
        [plain_table(("provider", "in force"), shown, "ll")]
        if rows
        else [f"Nothing is in force, as far as the driver {ground.config.driver} can see."]
    )
    print("\n".join([*lines, *(f"journal: {one_line(text, MOST)}" for text in told)]), file=out)
    return ExitCode.PASS


async def _read_status(
    ground: Ground, results: Path, environ: Mapping[str, str]
) -> tuple[tuple[InForce, ...], tuple[Stale, ...]]:
    try:
        async with open_driver(ground.config, HOLDER) as driver:
            found = await _in_force(driver, ground)
    except DriverError as error:
        raise not_ready(ground, error) from error
    return found, await stale_journals(results, ground.shown, environ)


async def _in_force(driver: Driver, ground: Ground) -> tuple[InForce, ...]:
    """Of an API that is described by templates, what the probe of each of its faults tells."""
    with trio.fail_after(LOOK_WITHIN):
        for kind in getattr(ground.config, "faults", ()):
            for provider in ground.ids if kind in FAULTS else ():
                with suppress(Impossible):
                    await driver.check([Order("", kind, FAULTS[kind].toxic, provider, {})])
        return await driver.in_force()


def clear(
    provider: str | None, ground: Ground, results: Path, environ: Mapping[str, str], out: TextIO
) -> ExitCode:
    """End it, and say what came of it; `UserError` for an unknown provider."""
    told = trio.run(_clear, provider, ground, results, environ)
    where = "" if provider is None else f" at {one_line(provider)}"
    nothing = f"Nothing was in force{where}, as far as the driver {ground.config.driver} can see."
    print("\n".join(told_lines(told) or [nothing]), file=out)
    return code_of(told)


async def _clear(
    provider: str | None, ground: Ground, results: Path, environ: Mapping[str, str]
) -> list[Told]:
    try:
        async with open_driver(ground.config, HOLDER) as driver:
            if provider is not None:
                urls = await ask_at(driver, ground.urls)
                check_provider(provider, known_providers(ground, urls), ground)
            told = [
                await _end_journal(driver, left, ground, environ)
                for left in _by_hand(provider, ground, results, environ)
            ]
            return [*told, *await _end_toxics(driver, provider, ground)]
    except DriverError as error:
        raise not_ready(ground, error) from error


def _by_hand(
    provider: str | None, ground: Ground, results: Path, environ: Mapping[str, str]
) -> Iterator[Left]:
    for left in find_left(results / BY_HAND):
        is_ours = left.header is None or is_same_target(left.header.config, ground.shown, environ)
        if is_ours and (provider is None or any(deed.provider == provider for deed in left.deeds)):
            yield left


async def _end_journal(driver: Driver, left: Left, ground: Ground, environ: Mapping[str, str]) -> Told:
    """Under whoever waits for it as well: they see that it is gone, and write it down."""
    told = await heal_journal(left, False, environ)
    if told.state != "goes on":
        return told
    undone = [(deed, with_secrets(deed, environ).undo) for deed in left.deeds]
    fates = tuple([await _end(driver, deed, undo, ground) for deed, undo in undone])
    return Told(left, "healed" if all(fate.is_over for fate in fates) else "in force", "", fates)


async def _end_toxics(driver: Driver, provider: str | None, ground: Ground) -> list[Told]:
    """What else is in force at a lab or a Toxiproxy."""
    if not isinstance(driver, Toxiproxy):
        return []
    found = [one for one in await driver.in_force() if provider in (None, one.provider)]
    fates = [
        await _end(driver, Deed(0.0, one.what, one.provider, "inject", "begin"), one.undo, ground)
        for one in found
    ]
    state: JournalState = "healed" if all(fate.is_over for fate in fates) else "in force"
    return [Told(Left(Path(ground.name), None), state, "", tuple(fates))] if fates else []


async def _end(driver: Driver, deed: Deed, undo: Undo, ground: Ground) -> Fate:
    healing, masker = await heal_surely(driver, undo, HEAL_WITHIN), Masker(ground.secrets)
    by_hand = "" if healing.is_healed else masker.mask_text(tell_by_hand(driver, undo))
    state: State = "healed" if healing.is_healed else "in force"
    return Fate(deed, state, masker.mask_text(healing.note), by_hand)
