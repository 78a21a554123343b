"""faults.jsonl: what was done to providers, on the disk before it is done.

Rule: a deed is written and flushed to the disk before what it says begins, with all that healing needs. Only
the owner may read the file, secrets stand in it as `${NAME}`, and whatever is not needed for healing is
masked. A last line without its end was never begun. Who writes holds a lock on the file, which the kernel
takes back however the writer ends: nobody heals under a run that is still going on.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import trio

from battlectl.chaos.concealed import conceal, reveal
from battlectl.observe.faults import Deed

NAME = "faults.jsonl"
SCHEMA_VERSION = 1
OWNER_ONLY = 0o600


class BadJournal(Exception):
    """The file is no journal of faults, or a line of it was damaged; the message says where."""


class JournalInUse(Exception):
    """Another process writes to it: its run is still going on, and heals what it broke itself."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line. `config` is the target's `chaos` as its file spells it, with `${NAME}` standing.

    What is broken in a lab that `ends_with_run` is gone with it: nothing is left to heal. `pid` is the
    process that opened the journal.
    """

    run_id: str
    target: str
    config: dict[str, Any]
    ends_with_run: bool = False
    pid: int | None = None
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True, slots=True)
class Secrecy:
    """How secrets are kept out: `names` maps values to variables, `mask` takes the rest out of a tree."""

    names: Mapping[str, str] = field(default_factory=dict)
    mask: Callable[[Any], Any] = lambda tree: tree


class FaultJournal:
    """An open faults.jsonl. Mutable: it is a file. Blocking; `add` is for trio."""

    def __init__(self, path: Path, header: Header | None, secrecy: Secrecy) -> None:
        """A new file that begins with `header`, or with None one that is there, to go on with.

        OSError when it cannot be opened or locked, `JournalInUse` when somebody else has it.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL if header is not None else os.O_RDWR
        self._secrecy = secrecy
        self._lock = trio.Lock()
        self._under_way = 0
        self._file = os.open(path, flags | os.O_CLOEXEC, OWNER_ONLY)
        try:
            _lock(self._file)
            if header is not None:
                self._append(msgspec.to_builtins(msgspec.structs.replace(header, pid=os.getpid())))
                _sync_folder(path.parent)
            else:
                self._cut_last_line(path)
        except BaseException:
            os.close(self._file)
            raise

    async def add(self, deed: Deed) -> None:
        """Return when the disk has it; OSError when it cannot be had there.

        A disk that hangs holds up nobody who stops waiting for it: what was begun is left to its thread.
        """
        async with self._lock:
            self._under_way += 1
            await trio.to_thread.run_sync(self._write_counted, deed, abandon_on_cancel=True)

    def _write_counted(self, deed: Deed) -> None:
        try:
            self.write(deed)
        finally:
            self._under_way -= 1

    def write(self, deed: Deed) -> None:
        """The same, blocking."""
        stored = self._secrecy.mask(msgspec.to_builtins(replace(deed, undo={})))
        self._append(stored | {"undo": conceal(msgspec.to_builtins(deed.undo), self._secrecy.names)})

    def close(self) -> None:
        """No more deeds. A file that a thread may still write to stays open: its number is not free."""
        if not self._under_way:
            os.close(self._file)

    def _append(self, line: dict[str, Any]) -> None:
        data = memoryview(msgspec.json.encode(line) + b"\n")
        whole = os.lseek(self._file, 0, os.SEEK_CUR)
        try:
            while data:
                data = data[os.write(self._file, data) :]
            os.fsync(self._file)
        except OSError:
            with suppress(OSError):  # Half a line would damage the one that follows.
                os.ftruncate(self._file, whole)
                os.lseek(self._file, whole, os.SEEK_SET)
            raise

    def _cut_last_line(self, path: Path) -> None:
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.ftruncate(self._file, whole)
        os.lseek(self._file, whole, os.SEEK_SET)


def _lock(file: int) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise JournalInUse from None


def is_in_use(path: Path) -> bool:
    """Whether somebody writes to a journal: its run goes on. One that cannot be opened is in nobody's use."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def _sync_folder(folder: Path) -> None:
    """The name of a new file is on the disk only when its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_journal(data: bytes) -> tuple[Header | None, tuple[Deed, ...]]:
    """The header, None when not even that was written, and every deed; BadJournal for anything else."""
    lines = data.split(b"\n")[:-1]
    if not lines:
        return None, ()
    try:
        header = msgspec.json.decode(lines[0], type=Header)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadJournal(f"line 1: {error}") from None
    if header.schema_version != SCHEMA_VERSION:
        raise BadJournal(
            f"line 1: version {header.schema_version}, and this battlectl reads {SCHEMA_VERSION}"
        )
    return header, tuple(_read_deed(number, line) for number, line in enumerate(lines[1:], 2))


def _read_deed(number: int, line: bytes) -> Deed:
    try:
        return msgspec.json.decode(line, type=Deed)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadJournal(f"line {number}: {error}") from None


def unhealed(deeds: Sequence[Deed]) -> tuple[Deed, ...]:
    """The beginnings of injections that may still be in force, the last one first: the order to heal in.

    A failed injection counts: it may have happened half-way.
    """
    left: dict[tuple[str, str], Deed] = {}
    for deed in deeds:
        key = (deed.fault, deed.provider)
        if deed.action == "inject" and deed.stage == "begin":
            left[key] = deed
        elif deed.action == "heal" and deed.stage == "done":
            left.pop(key, None)
    return tuple(reversed(left.values()))


def with_secrets(deed: Deed, environ: Mapping[str, str]) -> Deed:
    """A deed that was read, ready to heal from; KeyError has the name of a variable that is not set."""
    return replace(deed, undo=reveal(deed.undo, environ))
