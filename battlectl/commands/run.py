"""`battlectl run`: from scenario files to verdicts.

Rule: every file is read before anything is sent; the scenarios then run one after another, each ends with a
report whatever ended it, and the worst exit code of all is the command's.
"""

from __future__ import annotations

import datetime
import errno
import os
import secrets
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trio

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.judge import Judgement, judge
from battlectl.analyse.verdict import Verdict
from battlectl.commands.campaign import tell_leftovers
from battlectl.commands.engage import IMPOSSIBLE, NOT_READY, Engagement, engage
from battlectl.commands.folders import new_run_folder, point_latest, write_results
from battlectl.commands.limits import allow_many_files, calm_collector
from battlectl.commands.masking import Masker
from battlectl.commands.prepare import Prepared, prepare_all
from battlectl.commands.progress import open_progress
from battlectl.commands.results import describe_run
from battlectl.errors import PRECEDENCE, ExitCode, ResultsLost, UserError, worst_exit
from battlectl.report.document import build_document
from battlectl.run.stop import How, Stop

SIGNALS: dict[int, How] = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
ENDINGS: dict[str, ExitCode] = {
    "interrupted": ExitCode.INTERRUPTED,
    "terminated": ExitCode.TERMINATED,
    "safety": ExitCode.SAFETY,
    NOT_READY: ExitCode.NOT_READY,
    IMPOSSIBLE: ExitCode.USAGE,
}
VERDICTS = {
    Verdict.PASS: ExitCode.PASS,
    Verdict.FAIL: ExitCode.FAILED,
    Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
}


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the command line says of how to run. `style` is "live", "lines" or "quiet"."""

    results: Path
    style: str


@dataclass(frozen=True, slots=True)
class RunResult:
    """One scenario's end: its report's folder and document, its exit code, what else a reader must know."""

    code: ExitCode
    folder: Path
    document: dict[str, Any]
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Suite:
    """All that one command ran of what was `planned`; `signalled` is the code of a signal that ended it."""

    results: tuple[RunResult, ...]
    planned: int
    signalled: ExitCode | None

    @property
    def code(self) -> ExitCode:
        """The worst of all."""
        codes = [result.code for result in self.results]
        return worst_exit(codes if self.signalled is None else [*codes, self.signalled])


def run(
    paths: Sequence[Path],
    tags: Sequence[str],
    sets: Sequence[str],
    target: str | None,
    seed: int | None,
    options: RunOptions,
) -> Suite:
    """Run every scenario of the paths; raises `UserError` before anything is sent if any is bad."""
    prepared = prepare_all(paths, tags, sets, target, seed)
    _make_room(options.results)
    allow_many_files()
    with calm_collector():
        mask = _end_by_ourselves()
        try:
            return trio.run(_run_all, prepared, options, mask)
        except ExceptionGroup as group:
            raise _mendable(group) from group
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _mendable(group: ExceptionGroup[Exception]) -> Exception:
    """What came out of a nursery: the error that is the user's to mend, by its exit code, else all of it."""
    mine, _ = group.split(UserError)
    errors = [] if mine is None else list(_leaves(mine))
    return min(errors, key=lambda error: PRECEDENCE.index(error.exit_code), default=group)


def _leaves(group: ExceptionGroup[UserError]) -> Iterator[UserError]:
    for error in group.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _end_by_ourselves() -> set[int]:
    """A signal after the last run must not kill the process before its report is printed.

    While runs go on they are listened to, and one that comes before waits until then: `_run_all` sets the
    mask that is returned. A program that handles signals itself is left alone.
    """
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    for number in SIGNALS:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _pass_over)  # Not SIG_IGN: that would drop one which waits.
    return mask


def _pass_over(_number: int, _frame: object) -> None:
    """Of a signal that comes too late to change anything."""


def _make_room(results: Path) -> None:
    """A folder that cannot be made is told before anything is sent for a report that nobody would have."""
    try:
        results.mkdir(parents=True, exist_ok=True)
        if not os.access(results, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise UserError(f"{results}: results cannot be written there ({error.strerror})") from error


async def _run_all(prepared: Sequence[Prepared], options: RunOptions, mask: set[int]) -> Suite:
    """`mask` is what signals are blocked once these are listened to."""
    results: list[RunResult] = []
    current = Current(Stop())
    with trio.open_signal_receiver(*SIGNALS) as received:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_obey, received, current)
            for number, one in enumerate(prepared, 1):
                current.stop = Stop()
                results.append(await _run_one(one, current.stop, options, (number, len(prepared))))
                await trio.lowlevel.checkpoint()  # A signal that came while the report was written.
                if current.signalled is not None:
                    break
            nursery.cancel_scope.cancel()
    return Suite(tuple(results), len(prepared), current.signalled)


@dataclass(slots=True)
class Current:
    """The run that a signal stops now. Mutable: the runs follow one another."""

    stop: Stop
    signalled: ExitCode | None = None


async def _obey(received: AsyncIterator[int], current: Current) -> None:
    async for number in received:
        how = SIGNALS[number]
        current.signalled = current.signalled or ENDINGS[how]
        current.stop.request(how, f"signal {signal.Signals(number).name}")


async def _run_one(
    prepared: Prepared, stop: Stop, options: RunOptions, position: tuple[int, int]
) -> RunResult:
    started_at = datetime.datetime.now(datetime.UTC)
    run_id = secrets.token_hex(3)
    folder = new_run_folder(options.results, prepared.plan.frame.name, started_at, run_id)
    point_latest(options.results, folder)  # From its beginning: one that is killed is the latest as well.
    meta = describe_run(prepared, run_id, started_at)
    with open_progress(options.style, prepared.frame, position) as progress:
        run = Engagement(prepared, stop, options.results, folder, meta, progress)
        evidence = await engage(run)
    try:
        return _conclude(prepared, evidence, meta, folder)
    except Exception as error:
        tell_leftovers(evidence.campaign, prepared.secrets, error)
        raise


def _conclude(prepared: Prepared, evidence: Evidence, meta: dict[str, Any], folder: Path) -> RunResult:
    """Judge it and write it down."""
    judgement = judge(evidence)
    code = code_of(evidence, judgement)
    finished = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    meta = {**meta, "finished_at": finished}
    document = Masker(prepared.secrets).mask_tree(build_document(meta, evidence, judgement, code))
    try:
        write_results(folder, document)
    except OSError as error:
        raise ResultsLost(
            f"{folder}: the report cannot be written ({error.strerror}); exit code {code}"
        ) from error
    return RunResult(code, folder, document)


def code_of(evidence: Evidence, judgement: Judgement) -> ExitCode:
    """The exit code of one run: what is left broken, how it ended, then what was found."""
    codes = [VERDICTS[judgement.verdict]]
    if evidence.how in ENDINGS:
        codes.append(ENDINGS[evidence.how])
    if evidence.campaign.leftovers:
        codes.append(ExitCode.UNHEALED)
    return worst_exit(codes)
