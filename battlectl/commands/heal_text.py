"""What `battlectl heal` says: first what a person must do, then what was done.

Rule: names and answers come from files and from drivers, so they are shown inert; what to type by hand is
shown whole, on a line of its own.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from battlectl.chaos.leftovers import Left
from battlectl.errors import ExitCode
from battlectl.observe.faults import Deed
from battlectl.report.inert import one_line

if TYPE_CHECKING:
    from battlectl.commands.heal import HealOptions

State = Literal["healed", "was healed", "forgotten", "in force"]
"""Of one fault: ended now, ended by somebody else before, taken for ended, or not ended."""
JournalState = Literal["healed", "in force", "goes on", "damaged", "not tried"]
MOST = 2_000


@dataclass(frozen=True, slots=True)
class Fate:
    """What came of one fault; `by_hand` is what a person can do where it is still in force."""

    deed: Deed
    state: State
    note: str
    by_hand: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return self.state != "in force"


@dataclass(frozen=True, slots=True)
class Told:
    """What came of one journal; `note` says why where its faults were not tried."""

    left: Left
    state: JournalState
    note: str
    fates: tuple[Fate, ...] = ()


def heal_json(told: Sequence[Told], code: ExitCode) -> str:
    """One document."""
    return json.dumps({"exit_code": int(code), "journals": [_journal(one) for one in told]}, indent=2)


def _journal(one: Told) -> dict[str, Any]:
    header = one.left.header
    return {
        "path": str(one.left.path),
        "run_id": None if header is None else header.run_id,
        "target": None if header is None else header.target,
        "driver": None if header is None else header.config.get("driver"),
        "state": one.state,
        "note": one.note,
        "faults": [
            {
                "fault": fate.deed.fault,
                "provider": fate.deed.provider,
                "state": fate.state,
                "note": fate.note,
                "by_hand": fate.by_hand,
            }
            for fate in one.fates
        ],
    }


def heal_text(told: Sequence[Told], folders: Sequence[Path], options: HealOptions) -> str:
    """What came of all of it, or that there was nothing."""
    lines = told_lines(told)
    if lines:
        return "\n".join(lines)
    where = " and ".join(_shown(folder) for folder in folders)
    whose = "" if options.target is None else f" of target {one_line(options.target)}"
    return f"Nothing to heal: no journal{whose} below {where} says that a fault is in force."


def told_lines(told: Sequence[Told]) -> list[str]:
    """What must be done, then what was done."""
    return [*(line for one in told for line in _tasks(one)), *(line for one in told for line in _done(one))]


def _shown(folder: Path) -> str:
    return one_line(folder.resolve(), MOST) + ("" if folder.exists() else " (which is not there)")


def _tasks(one: Told) -> Iterator[str]:
    path = one_line(one.left.path, MOST)
    if one.state == "damaged":
        yield f"{path} is damaged ({one_line(one.note)}): look what is broken, then delete it."
    if one.state == "not tried":
        faults = ", ".join(dict.fromkeys(f"{d.fault} at {d.provider}" for d in one.left.deeds))
        yield f"{one_line(faults)} may still be in force: {one_line(one.note, MOST)}, then heal again"
        yield f"  {path}"
    for fate in one.fates:
        if not fate.is_over:
            what = f"{one_line(fate.deed.fault)} may still be in force at {one_line(fate.deed.provider)}"
            yield f"{what}. To end it: {one_line(fate.by_hand, MOST)}"
            yield f"  {path}: {one_line(fate.note, MOST)}"
            yield f"  Ended by hand, and nobody there to see it: battlectl heal --forget {shlex.quote(path)}"


def _done(one: Told) -> Iterator[str]:
    path = one_line(one.left.path, MOST)
    if one.state == "goes on":
        yield f"Left alone: the run of {path} is still going on ({one_line(one.note)}) and heals itself."
    for fate in one.fates:
        if fate.is_over:
            fault, provider = one_line(fate.deed.fault), one_line(fate.deed.provider)
            yield f"{WORDS[fate.state]}: {fault} at {provider} ({one_line(fate.note)})"


WORDS = {"healed": "Healed", "was healed": "Healed before", "forgotten": "Forgotten"}
