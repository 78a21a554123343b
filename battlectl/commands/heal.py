"""`battlectl heal`: undo what journals say is still in force, whatever became of the run that did it.

Rule: the driver that a journal names does it, the newest fault first, and has to see that nothing is left;
then that is written down, so that nothing is healed twice. What cannot be healed keeps nothing else from
being healed. A run that is still going on is left alone: it heals itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

import trio

from battlectl.chaos.driver import Driver, Undo
from battlectl.chaos.drivers import open_healer
from battlectl.chaos.healing import ONE_TRY, heal_surely
from battlectl.chaos.journal import FaultJournal, Header, JournalInUse, Secrecy, with_secrets
from battlectl.chaos.leftovers import Left, find_left, read_left
from battlectl.commands.heal_text import Fate, State, Told, heal_json, heal_text
from battlectl.commands.masking import Masker
from battlectl.errors import ExitCode, UserError
from battlectl.observe.faults import Deed
from battlectl.scenario.target_chaos import read_again

HEAL_WITHIN = 10.0
"""Seconds for all that one journal leaves."""
RESULTS = Path("results")


@dataclass(frozen=True, slots=True)
class HealOptions:
    """What the command line says: `runs` are folders of runs, else all below `results` are meant.

    `forget` takes everything for healed and asks nobody.
    """

    runs: Sequence[Path] = ()
    results: Path | None = None
    target: str | None = None
    forget: bool = False


def heal(options: HealOptions, environ: Mapping[str, str], as_json: bool, out: TextIO) -> ExitCode:
    """Heal, and say what came of it; raises `UserError` for folders that are not there."""
    folders = _folders(options)
    told = trio.run(heal_all, _chosen(find_left(*folders), options.target), options.forget, environ)
    code = code_of(told)
    print(heal_json(told, code) if as_json else heal_text(told, folders, options), file=out)
    return code


def _folders(options: HealOptions) -> Sequence[Path]:
    asked = options.runs or ((options.results,) if options.results is not None else ())
    for folder in asked:
        if not folder.exists():
            raise UserError(f"{folder}: there is no such folder")
    return asked or (RESULTS,)


def _chosen(lefts: Iterable[Left], target: str | None) -> list[Left]:
    """Those of a target, and those of which nobody knows what target they are of."""
    return [
        left
        for left in lefts
        if target is None or left.header is None or _name_of(left.header.target) == _name_of(target)
    ]


def _name_of(target: str) -> str:
    """A target as a scenario or a command names it: config/x.yml is x."""
    return target if "://" in target else Path(target).stem


async def heal_all(lefts: Sequence[Left], forget: bool, environ: Mapping[str, str]) -> list[Told]:
    """One journal after another: two of them may be about the same provider."""
    return [await heal_journal(left, forget, environ) for left in lefts]


async def heal_journal(left: Left, forget: bool, environ: Mapping[str, str]) -> Told:
    """What one journal leaves; never raises for what is wrong with it."""
    header = left.header
    if left.damage or header is None:
        return Told(left, "damaged", left.damage)
    try:
        config, secrets = (None, {}) if forget else read_again(header.config, environ)
        lacking = set() if forget else set(_lacking(left, environ))
    except ValueError as error:
        return Told(left, "not tried", str(error))
    if lacking:
        return Told(left, "not tried", f"the variable {min(lacking)} is not set: export it")
    masker = Masker(secrets)
    try:
        with closing(FaultJournal(left.path, None, Secrecy(secrets, masker.mask_tree))) as journal:
            left = read_left(left.path)  # Somebody else may have healed it before the lock was ours.
            if left.damage:
                return Told(left, "damaged", left.damage)
            healer = Healer(left, journal, masker, environ)
            fates = healer.forget() if config is None else await healer.heal(config, header)
    except JournalInUse:
        return Told(left, "goes on", f"pid {header.pid}")
    except OSError as error:
        return Told(left, "not tried", f"it cannot be opened ({error.strerror}): make it writable")
    return Told(left, "healed" if all(fate.is_over for fate in fates) else "in force", "", fates)


def _lacking(left: Left, environ: Mapping[str, str]) -> Iterator[str]:
    """The variables that are needed to heal and not set."""
    for deed in left.deeds:
        try:
            with_secrets(deed, environ)
        except KeyError as error:
            yield str(error.args[0])


@dataclass(frozen=True, slots=True)
class Healer:
    """One journal that nobody else writes to, and what its healing needs."""

    left: Left
    journal: FaultJournal
    masker: Masker
    environ: Mapping[str, str]

    def forget(self) -> tuple[Fate, ...]:
        """Take everything for healed."""
        return tuple(
            self._fate(deed, "forgotten", "taken for healed, nobody was asked") for deed in self.left.deeds
        )

    async def heal(self, config: Any, header: Header) -> tuple[Fate, ...]:
        """Each fault has its part of the time: one that cannot be healed takes none from the others."""
        deadline, fates = trio.current_time() + HEAL_WITHIN, []
        async with open_healer(config, header.run_id) as driver:
            for number, deed in enumerate(self.left.deeds):
                within = (deadline - trio.current_time()) / (len(self.left.deeds) - number)
                fates.append(await self._heal(driver, deed, within))
        return tuple(fates)

    async def _heal(self, driver: Driver, deed: Deed, within: float) -> Fate:
        undo = with_secrets(deed, self.environ).undo
        if await _is_gone(driver, undo, within):
            return self._fate(deed, "was healed", "the driver sees nothing of it any more")
        healing = await heal_surely(driver, undo, within)
        if healing.is_healed:
            return self._fate(deed, "healed", healing.note)
        note, by_hand = (self.masker.mask_text(text) for text in (healing.note, tell_by_hand(driver, undo)))
        return Fate(deed, "in force", note, by_hand)

    def _fate(self, deed: Deed, state: State, note: str) -> Fate:
        """Written down, so that nobody heals it again."""
        done = replace(deed, t=self.left.now, action="heal", stage="done", undo={}, note=note)
        try:
            self.journal.write(done)
        except OSError as error:
            note = f"{note}; it could not be written down: {error.strerror}"
        return Fate(deed, state, self.masker.mask_text(note))


async def _is_gone(driver: Driver, undo: Undo, within: float) -> bool:
    """Whether the driver sees that it was healed already; what it cannot see is not gone."""
    with trio.move_on_after(min(within, ONE_TRY)):
        try:
            return await driver.is_healed(undo)
        except Exception:  # A journal may hold anything: it must not keep others from being healed.
            return False
    return False


def tell_by_hand(driver: Driver, undo: Undo) -> str:
    """What a person can type, as far as what a journal holds is enough to say it."""
    try:
        return driver.by_hand(undo)
    except Exception:
        return "look at the provider itself, its journal does not say enough"


def code_of(told: Sequence[Told]) -> ExitCode:
    """Unhealed when anything may still be in force; bad usage where nothing could even be tried."""
    states = {one.state for one in told}
    if states & {"in force", "damaged"}:
        return ExitCode.UNHEALED
    if "not tried" in states:
        return ExitCode.UNHEALED if "healed" in states else ExitCode.USAGE
    return ExitCode.PASS
