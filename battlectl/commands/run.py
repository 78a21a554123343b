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
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import trio

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.judge import Judgement, judge
from battlectl.analyse.live import SafetyWatch, failed_objective
from battlectl.analyse.verdict import Verdict
from battlectl.commands.folders import new_run_folder, point_latest, write_results
from battlectl.commands.limits import allow_many_files, calm_collector
from battlectl.commands.masking import Masker
from battlectl.commands.prepare import Prepared, prepare_all
from battlectl.commands.progress import Progress, open_progress
from battlectl.commands.results import Journal, describe_run
from battlectl.errors import ExitCode, NotReady, ResultsLost, UserError, worst_exit
from battlectl.observe.journal import Line
from battlectl.report.document import build_document
from battlectl.report.fold import Chronicle
from battlectl.run.battle import Forces, fight
from battlectl.run.stop import How, Stop
from battlectl.targets import TARGETS
from battlectl.targets.clients import open_client
from battlectl.targets.control import CallError, Control
from battlectl.targets.site import Site, describe_site
from battlectl.transport.base import Head
from battlectl.transport.poller import Poller

STORED_DIGITS = 3
"""Of when a run ended: judged as it is stored, so that `battlectl report` comes to the same figures."""
SIGNALS: dict[int, How] = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
ENDINGS: dict[str, ExitCode] = {
    "interrupted": ExitCode.INTERRUPTED,
    "terminated": ExitCode.TERMINATED,
    "safety": ExitCode.SAFETY,
    "not ready": ExitCode.NOT_READY,
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
        _end_by_ourselves()
        return trio.run(_run_all, prepared, options)


def _end_by_ourselves() -> None:
    """A signal after the last run must not kill the process before its report is printed.

    While runs go on they are listened to; a program that handles signals itself is left alone.
    """
    for number in SIGNALS:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.SIG_IGN)


def _make_room(results: Path) -> None:
    """A folder that cannot be made is told before anything is sent for a report that nobody would have."""
    try:
        results.mkdir(parents=True, exist_ok=True)
        if not os.access(results, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise UserError(f"{results}: results cannot be written there ({error.strerror})") from error


async def _run_all(prepared: Sequence[Prepared], options: RunOptions) -> Suite:
    results: list[RunResult] = []
    current = Current(Stop())
    with trio.open_signal_receiver(*SIGNALS) as received:
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
    meta = describe_run(prepared, run_id, started_at)
    with open_progress(options.style, prepared.frame, position) as progress:
        evidence = await _fight(prepared, stop, folder, meta, progress)
    judgement = judge(evidence)
    code = code_of(evidence, judgement)
    finished = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    meta = {**meta, "finished_at": finished}
    document = Masker(prepared.secrets).mask_tree(build_document(meta, evidence, judgement, code))
    try:
        write_results(folder, document)
        point_latest(options.results, folder)
    except OSError as error:
        raise ResultsLost(
            f"{folder}: the report cannot be written ({error.strerror}); exit code {code}"
        ) from error
    return RunResult(code, folder, document)


def code_of(evidence: Evidence, judgement: Judgement) -> ExitCode:
    """The exit code of one run: how it ended, then what was found."""
    found = VERDICTS[judgement.verdict]
    return worst_exit([ENDINGS[evidence.how], found]) if evidence.how in ENDINGS else found


async def _fight(
    prepared: Prepared, stop: Stop, folder: Path, meta: dict[str, Any], progress: Progress
) -> Evidence:
    """The battle itself, between setting the site up and taking it down."""
    chronicle = Chronicle(prepared.frame)
    setup = trio.CancelScope()
    async with trio.open_nursery() as nursery:
        watch = trio.CancelScope()
        nursery.start_soon(_cancel_setup, stop, setup, watch)
        evidence = chronicle.evidence("interrupted", "stopped before any load", 0.0)
        try:
            with setup:
                async with (
                    TARGETS[prepared.target.kind](prepared.target) as site,
                    Control(site.endpoint) as control,
                ):
                    head = await _make_ready(prepared, control, progress)
                    watch.cancel()
                    meta["notes"] = [*meta["notes"], *site.notes]
                    meta["target"] = {**meta["target"], **describe_site(site)}
                    evidence = await _send_load(
                        prepared, stop, folder, meta, progress, chronicle, site, control, head
                    )
                    meta["ground_truth"] = await site.truth()
        except NotReady as error:
            evidence = chronicle.evidence("not ready", str(error), 0.0)
        if setup.cancelled_caught:
            evidence = chronicle.evidence(stop.how, f"{stop.reason}, before any load", 0.0)
        nursery.cancel_scope.cancel()
    return evidence


async def _cancel_setup(stop: Stop, setup: trio.CancelScope, watch: trio.CancelScope) -> None:
    """Before the first arrival a wish to stop ends everything; later the battle itself obeys it."""
    with watch:
        await stop.arrivals.wait()
        setup.cancel()


async def _make_ready(prepared: Prepared, control: Control, progress: Progress) -> Head:
    progress.say("waiting for the target")
    ready = prepared.target.ready
    await control.wait_ready(ready.method, ready.within)
    if not prepared.plan.needs_head:
        return Head()
    try:
        return Head(await control.read_head())
    except CallError as error:
        raise NotReady(f"the target's head is needed for $block and not to be had: {error}") from error


async def _send_load(
    prepared: Prepared,
    stop: Stop,
    folder: Path,
    meta: dict[str, Any],
    progress: Progress,
    chronicle: Chronicle,
    site: Site,
    control: Control,
    head: Head,
) -> Evidence:
    journal = Journal(
        folder, {"meta": meta, "frame": msgspec.to_builtins(prepared.frame)}, Masker(prepared.secrets)
    )
    safety = SafetyWatch(prepared.plan.min_success_rate, prepared.plan.safety_over)
    aborts = any(objective.abort_on_fail for objective in prepared.plan.frame.objectives)

    async def keep(line: Line) -> None:
        await _in_turns(journal.add_in_steps(line))
        await _in_turns(chronicle.add_in_steps(line))
        progress.show(line, chronicle)
        reason = safety.look(line.t, line.delta)
        if reason is None and aborts:
            reason = failed_objective(chronicle.evidence())
        if reason is not None:
            stop.request_once(reason.how, reason.text)

    poller = Poller()
    keep_head = [partial(control.keep_head, head)] if prepared.plan.needs_head else []
    forces = Forces(
        open_client=partial(open_client, site, poller),
        on_line=keep,
        services=(poller.serve, partial(_stop_at_end, site, stop), *keep_head),
        linger=poller.linger if poller.can_linger else None,
    )
    try:
        ending = await fight(prepared.plan, forces, meta["run_id"], stop, head)
    finally:
        journal.close()
    return chronicle.evidence(ending.how, ending.reason, round(ending.at, STORED_DIGITS))


async def _in_turns(steps: Iterator[None]) -> None:
    """Work of milliseconds done bit by bit; a thread would keep the interpreter from the loop for longer."""
    with trio.CancelScope(shield=True):
        for _ in steps:
            await trio.lowlevel.checkpoint()


async def _stop_at_end(site: Site, stop: Stop) -> None:
    """A lab that is gone by itself is no target that failed: no fault of the scenario did that."""
    stop.request_once("safety", await site.ended())
