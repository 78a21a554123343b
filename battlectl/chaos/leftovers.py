"""What journals say may still be in force.

Rule: a journal that cannot be read is told, never passed over: nobody knows what it left. What was broken in
a lab that ended with its run is left nowhere.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from battlectl.chaos.journal import NAME, BadJournal, Header, is_in_use, read_journal, unhealed
from battlectl.observe.faults import Deed


@dataclass(frozen=True, slots=True)
class Left:
    """What one journal leaves; `damage` says why it cannot be read.

    The header is None where not even that can be read. The deeds are those of `unhealed`. `now` is in
    seconds from the start of its run, by the age of the file.
    """

    path: Path
    header: Header | None
    deeds: tuple[Deed, ...] = ()
    damage: str = ""
    now: float = 0.0


def read_left(path: Path) -> Left:
    """One journal; what cannot be read is damage, and never an exception."""
    try:
        data, age = path.read_bytes(), time.time() - path.stat().st_mtime
    except OSError as error:
        return Left(path, None, damage=error.strerror or str(error))
    try:
        header, deeds = read_journal(data)
    except BadJournal as error:
        return Left(path, _header_of(data), damage=str(error))
    if header is None or header.ends_with_run or not deeds:
        return Left(path, header)
    return Left(path, header, unhealed(deeds), now=round(deeds[-1].t + max(0.0, age), 3))


def _header_of(data: bytes) -> Header | None:
    with suppress(BadJournal):
        return read_journal(data[: data.find(b"\n") + 1])[0]
    return None


def find_left(*folders: Path) -> Iterator[Left]:
    """Every journal below these folders that leaves something to heal, or that is damaged, newest first."""
    found = {path.resolve(): path for folder in folders for path in _journals(folder)}
    for path in sorted(found.values(), key=_age):
        left = read_left(path)
        if left.deeds or (left.damage and not (left.header and left.header.ends_with_run)):
            yield left


def find_in_use(folder: Path) -> Iterator[Left]:
    """Every journal below a folder whose run goes on, whether something is broken just now or not."""
    return (read_left(path) for path in sorted(_journals(folder)) if is_in_use(path))


def _journals(folder: Path) -> Iterator[Path]:
    """One that is named itself, too."""
    return iter([folder]) if folder.is_file() else folder.rglob(NAME)


def _age(path: Path) -> tuple[float, str]:
    try:
        return -path.stat().st_mtime, str(path)
    except OSError:
        return 0.0, str(path)
