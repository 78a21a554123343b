"""One run that is ended at a moment, and what is seen of it afterwards.

Rule: a trial returns what it saw, with every complaint that it has; it raises only where the torture itself
is broken. Whether anything is still broken is the ground's look, never battlectl's word.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.cli.command import Ran, finish, read_report, shell_code
from tests.torture.chaos import scenario
from tests.torture.grounds import Ground, until_calm
from tests.torture.moments import Life, Moment, journals_in, wait_for

LEASE = 5.0
SLACK = 1.5
"""Seconds beyond the lease that a busy machine may take to notice."""
ENDS_WITHIN = 10.0
GONE_WITHIN = 5.0
SETTLED = 0.7
MARK = "TORTURE_MARK"
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
UNDISTURBED = (0, 3, 99)
HOWS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


@dataclass
class Seen:
    """What came of one trial. `in_time` is False when the run was over before the moment."""

    what: str
    in_time: bool = True
    words: str = ""
    seconds: float = 0.0
    complaints: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        late = "" if self.in_time else " (it was over before)"
        verdict = "ok" if not self.complaints else "FAILED: " + "; ".join(self.complaints)
        return f"{self.what}{late}: {self.words}  {verdict}"


def live(ground: Ground, seed: int, *, is_last: bool = False) -> Life:
    """An undisturbed run has to heal everything and to say so; the first tells how long one takes."""
    before = journals_in(ground.desk.results)
    began = time.monotonic()
    ran = _run(ground, seed) if is_last else finish(_start(ground, seed, ""))
    seconds = time.monotonic() - began
    assert ran.code in UNDISTURBED, ran
    (journal,) = journals_in(ground.desk.results) - before
    assert _unhealed(journal) == [], ran
    assert ground.look() == [], ran
    return Life(seconds, journal.read_bytes().count(b"\n"))


def kill(ground: Ground, seed: int, moment: Moment) -> Seen:
    """SIGKILL: within the lease nothing is broken; without leases `battlectl heal` has to end it."""
    seen = Seen(f"{ground.name:<9} SIGKILL {moment}")
    mark, before = secrets.token_hex(8), journals_in(ground.desk.results)
    process = _start(ground, seed, mark)
    seen.in_time = wait_for(moment, process, before, ground.desk.results)
    process.kill()
    out, err = process.communicate()
    if not seen.in_time and process.returncode not in UNDISTURBED:
        seen.complaints.append(f"it ended by itself with {process.returncode}: {out} {err}")
    if ground.has_lease:
        _await_lease(ground, seen)
    elif ground.name == "embedded":
        _await_gone(mark, seen)
    else:
        _heal(ground, seed, seen)
    return seen


def _await_lease(ground: Ground, seen: Seen) -> None:
    found = ground.look()
    seen.seconds, left = until_calm(ground, LEASE + SLACK)
    seen.words = f"{len(found)} in force, healed after {seen.seconds:.2f} s" if found else "nothing in force"
    if left:
        seen.complaints.append(f"after {seen.seconds:.1f} s still: {', '.join(left)}")
        until_calm(ground, 60)


def _await_gone(mark: str, seen: Seen) -> None:
    began = time.monotonic()
    while (left := list(_marked(mark))) and time.monotonic() < began + GONE_WITHIN:
        time.sleep(0.05)
    seen.seconds = time.monotonic() - began
    seen.words = f"its lab was gone after {seen.seconds:.2f} s"
    for process in left:
        with suppress(psutil.Error):
            seen.complaints.append(f"still runs: {process.cmdline()}")
            process.kill()


def _heal(ground: Ground, seed: int, seen: Seen) -> None:
    """While anything is broken the next run refuses to start; `battlectl heal` ends all of it, once."""
    results = ground.desk.results
    time.sleep(SETTLED)
    found = ground.look()
    if found:
        refused = _run(ground, seed)
        seen.words = f"{len(found)} in force, the next run refused, "
        if refused.code != 4 or "battlectl heal" not in " ".join(refused.out.split()):
            seen.complaints.append(f"the next run over {', '.join(found)} was not refused: {refused}")
    if not results.exists():
        seen.words += "no results"
        return
    began = time.monotonic()
    healed = ground.desk.battlectl("heal", "--results", results)
    seen.seconds = time.monotonic() - began
    left = until_calm(ground, 2.0)[1]
    seen.words += f"heal: {healed.out.splitlines()[0] if healed.out else healed.err!r}"
    if healed.code or left:
        seen.complaints.append(f"after heal still {', '.join(left) or 'nothing'} in force: {healed}")
    again = ground.desk.battlectl("heal", "--results", results)
    if again.code:
        seen.complaints.append(f"heal does not find everything healed: {again}")


def interrupt(ground: Ground, seed: int, moment: Moment, signum: signal.Signals, again: float | None) -> Seen:
    """SIGINT or SIGTERM, perhaps `again` seconds later once more: healed, reported, the right code, soon."""
    twice = "" if again is None else f", again {again:.2f} s later"
    seen = Seen(f"{ground.name:<9} {signum.name} {moment}{twice}")
    mark, before = secrets.token_hex(8), set(ground.desk.results.glob("*/*"))
    process = _start(ground, seed, mark)
    seen.in_time = wait_for(moment, process, journals_in(ground.desk.results), ground.desk.results)
    began = time.monotonic()
    process.send_signal(signum)
    if again is not None:
        time.sleep(again)
        process.send_signal(signum)
    try:
        out, err = process.communicate(timeout=3 * ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
    seen.seconds = time.monotonic() - began
    ran = Ran(shell_code(process.returncode), out, err)
    folders = {path for path in ground.desk.results.glob("*/*") if path.parent.name != "latest"} - before
    seen.words = f"exit {ran.code} after {seen.seconds:.2f} s"
    seen.complaints += [*_complaints(ran, folders, signum, seen), *_left(ground, mark)]
    return seen


def _complaints(ran: Ran, folders: set[Path], signum: signal.Signals, seen: Seen) -> Iterator[str]:
    if seen.in_time and seen.seconds > ENDS_WITHIN:
        yield f"it took {seen.seconds:.1f} s"
    if not folders and "KeyboardInterrupt" in ran.err and "battlectl" not in ran.err:
        return  # Python itself was not up yet.
    if "Traceback" in ran.out + ran.err or "battlectl crashed" in ran.err:
        yield f"it crashed: {ran.err}"
    how = ""
    for folder in folders:
        how = yield from _report_complaints(folder, signum)
    if ran.code != CODES[signum] and not (how == "completed" and ran.code in UNDISTURBED):
        yield f"exit code {ran.code}, it ended {how}: {ran.out} {ran.err}"


def _report_complaints(folder: Path, signum: signal.Signals) -> Iterator[str]:
    """How the run ended; yields what is wrong with its report and its journal."""
    try:
        report = read_report(folder)
    except (OSError, ValueError, AssertionError) as error:
        yield f"no right report: {error!r}"
        return ""
    how: str = report["ending"]["how"]
    if how not in (HOWS[signum], "completed"):
        yield f"it ended {how}"
    if not (folder / "report.md").exists():
        yield "no report.md"
    if how != "completed" and report["verdict"] == "pass":
        yield "a pass"
    journal = folder / "faults.jsonl"
    if journal.exists() and (left := _unhealed(journal)):
        yield f"its journal has unhealed: {', '.join(left)}"
    return how


def _left(ground: Ground, mark: str) -> Iterator[str]:
    """What is still broken or still runs the moment that battlectl has ended."""
    if found := ground.look():
        yield f"still in force: {', '.join(found)}"
        until_calm(ground, 60)
    if ground.name != "process":  # There a node that was started again has our mark, and is to stay.
        for process in _marked(mark):
            with suppress(psutil.Error):
                yield f"still runs: {process.cmdline()}"
                process.kill()


def _start(ground: Ground, seed: int, mark: str) -> Any:
    return ground.desk.start("run", _write(ground, seed), "--results", ground.desk.results, **{MARK: mark})


def _run(ground: Ground, seed: int) -> Ran:
    """One that nobody ends."""
    return ground.desk.run(_write(ground, seed))


def _write(ground: Ground, seed: int) -> Path:
    return ground.desk.write("torture.yml", scenario(ground.target, list(ground.faults), seed))


def _marked(mark: str) -> Iterator[psutil.Process]:
    """Processes of ours that carry the mark in their environment, as everything does that the run started."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            alive = process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE
            if alive and process.environ().get(MARK) == mark:
                yield process


def _unhealed(journal: Path) -> list[str]:
    """What has begun according to a journal and was not healed; read without battlectl's help."""
    left: dict[tuple[str, str], None] = {}
    for line in journal.read_text().splitlines()[1:]:
        deed = json.loads(line)
        key = deed["fault"], deed["provider"]
        if (deed["action"], deed["stage"]) == ("inject", "begin"):
            left[key] = None
        if (deed["action"], deed["stage"]) == ("heal", "done"):
            left.pop(key, None)
    return [f"{fault} at {provider}" for fault, provider in left]
