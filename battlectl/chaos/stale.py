"""What is still in force at a target, of all that journals tell: asked before a run begins there.

Rule: the driver's own look decides, and what nobody can look at counts as in force. What is seen to be healed
is written down as healed, so that nobody heals it again when it is somebody else's by then.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import trio

from battlectl.chaos.driver import Driver, DriverError, Impossible
from battlectl.chaos.drivers import open_healer
from battlectl.chaos.journal import FaultJournal, Header, JournalInUse, Secrecy, with_secrets
from battlectl.chaos.leftovers import Left, find_in_use, find_left
from battlectl.observe.faults import Deed
from battlectl.scenario.target_chaos import read_again

LOOK_WITHIN = 10.0
"""Seconds for all that one journal leaves."""
SEEN = "seen to be healed before another run"


@dataclass(frozen=True, slots=True)
class Stale:
    """A fault that may be in force, of a run whose journal this is; nameless where that is damaged.

    A run that goes on heals its own, so `heal` would leave it alone.
    """

    path: Path
    fault: str
    provider: str
    why: str
    goes_on: bool = False

    def __str__(self) -> str:
        if not self.fault:
            return f"{self.path} is damaged ({self.why}): look what is broken, then delete it"
        way = "it heals its own when it ends" if self.goes_on else f"`battlectl heal {self.path.parent}`"
        return f"{self.fault} at {self.provider}: {self.why} ({self.path}); {way}"


async def stale_journals(
    results: Path, shown: Mapping[str, Any], environ: Mapping[str, str]
) -> tuple[Stale, ...]:
    """Faults of earlier runs at the target whose `chaos`, as its file spells it, is `shown`."""
    found: list[Stale] = []
    async with trio.open_nursery() as nursery:
        for left in find_left(results):
            if left.header is None or is_same_target(left.header.config, shown, environ):
                nursery.start_soon(_look, left, environ, found)
    return tuple(sorted(found, key=lambda stale: (str(stale.path), stale.fault, stale.provider)))


def runs_going_on(
    results: Path, shown: Mapping[str, Any], environ: Mapping[str, str]
) -> tuple[tuple[Path, int | None], ...]:
    """(journal, process) of each run that may break the same providers while another one measures them."""
    return tuple(
        (left.path, left.header.pid)
        for left in find_in_use(results)
        if left.header is not None
        and not left.header.ends_with_run
        and is_same_target(left.header.config, shown, environ)
    )


def is_same_target(one: Mapping[str, Any], other: Mapping[str, Any], environ: Mapping[str, str]) -> bool:
    """Whether two configurations lead, or may lead, to the same providers: the same API, socket or processes.

    One whose place stands in a variable that is not set may lead anywhere.
    """
    mine, theirs = _places(one, environ), _places(other, environ)
    is_open = any("${" in place for place in mine | theirs)
    return one.get("driver") == other.get("driver") and (is_open or bool(mine & theirs))


def _places(shown: Mapping[str, Any], environ: Mapping[str, str]) -> frozenset[str]:
    try:
        config: Mapping[str, Any] = read_again(shown, environ)[0].model_dump()
    except ValueError:
        config = shown
    if "processes" in config:
        return frozenset(_process(entry) for entry in config["processes"].values())
    return frozenset({_address(config["url"]) if "url" in config else os.path.realpath(config["socket"])})


def _process(entry: Mapping[str, Any]) -> str:
    if entry.get("pid_file"):
        return str(os.path.realpath(entry["pid_file"]))
    return str(entry.get("pid") or list(entry["pid_command"]))


def _address(url: str) -> str:
    if "${" in url:
        return url
    parts = urlsplit(url.lower())
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname
    return f"{host}:{parts.port or parts.scheme}{parts.path.rstrip('/')}"


async def _look(left: Left, environ: Mapping[str, str], found: list[Stale]) -> None:
    if left.damage or left.header is None:
        found.append(Stale(left.path, "", "", left.damage))
        return
    states = await _states(left, left.header, environ)
    healed = [deed for deed, state in zip(left.deeds, states, strict=True) if state is None]
    goes_on = _note_healed(left, healed)
    for deed, state in zip(left.deeds, states, strict=True):
        if state is not None:
            why = f"{state}, of a run that goes on (pid {left.header.pid})" if goes_on else state
            found.append(Stale(left.path, deed.fault, deed.provider, why, goes_on))


async def _states(left: Left, header: Header, environ: Mapping[str, str]) -> list[str | None]:
    """Of each deed why it counts as in force, None for one that is healed."""
    states: list[str | None] = [f"nobody knows, there was no answer within {LOOK_WITHIN:g}s"] * len(
        left.deeds
    )
    try:
        config, _ = read_again(header.config, environ)
        with trio.move_on_after(LOOK_WITHIN):
            async with open_healer(config, header.run_id) as driver:
                for number, deed in enumerate(left.deeds):
                    states[number] = await _state(driver, deed, environ)
    except ValueError as error:
        return [f"nobody can look, {error}"] * len(left.deeds)
    return states


async def _state(driver: Driver, deed: Deed, environ: Mapping[str, str]) -> str | None:
    try:
        return None if await driver.is_healed(with_secrets(deed, environ).undo) else "still in force"
    except KeyError as error:
        return f"nobody can look, the variable {error.args[0]} is not set"
    except (DriverError, Impossible) as error:
        return f"nobody can look, {error}"


def _note_healed(left: Left, healed: Sequence[Deed]) -> bool:
    """Write down what was seen; True when that is for a run to do that still goes on."""
    try:
        with closing(FaultJournal(left.path, None, Secrecy())) as journal:
            for deed in healed:
                journal.write(replace(deed, t=left.now, action="heal", stage="done", undo={}, note=SEEN))
    except JournalInUse:
        return True
    except OSError:
        return False  # It is seen again before the next run.
    return False
