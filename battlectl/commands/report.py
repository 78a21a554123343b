"""`battlectl report DIR`: everything anew from stored data, and new objectives judged on it.

Rule: a run that was killed has a journal and no report; what is rebuilt from it is inconclusive at best.
New objectives are judged and shown, the stored report stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.judge import judge
from battlectl.commands.engage import STORED_DIGITS
from battlectl.commands.folders import write_results
from battlectl.commands.run import RunResult, code_of
from battlectl.errors import UserError
from battlectl.observe.journal import decode_lines
from battlectl.plan.frame import Frame
from battlectl.report.document import SCHEMA_VERSION, build_document, read_evidence
from battlectl.report.fold import Chronicle
from battlectl.scenario.objectives import Objective, parse_objective

KILLED = "killed"


def report(folder: Path, objectives: Sequence[str]) -> RunResult:
    """Rebuild the report of a results folder; with `objectives`, judge those instead and write nothing."""
    meta, evidence = _read(folder)
    if objectives:
        asked = tuple(_parse(text, evidence.frame) for text in objectives)
        evidence = replace(evidence, frame=replace(evidence.frame, objectives=asked))
    judgement = judge(evidence)
    code = code_of(evidence, judgement)
    document = build_document(meta, evidence, judgement, code)
    if objectives:
        notice = "judged on these objectives alone, instead of the scenario's own; nothing was stored"
        return RunResult(code, folder, document, notice)
    write_results(folder, document)
    return RunResult(code, folder, document)


def _read(folder: Path) -> tuple[dict[str, Any], Evidence]:
    stored, journal = folder / "report.json", folder / "journal.jsonl"
    try:
        if stored.is_file():
            document = _checked(msgspec.json.decode(stored.read_bytes()), stored)
            return dict(document["meta"]), read_evidence(document)
        if journal.is_file():
            return _rebuild(journal)
    except (OSError, msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{folder}: the stored data cannot be read ({type(error).__name__}: {error})"
        ) from error
    raise UserError(f"{folder}: neither report.json nor journal.jsonl is there; name the folder of one run")


def _checked(document: Any, path: Path) -> dict[str, Any]:
    if not isinstance(document, dict) or document.get("schema_version") != SCHEMA_VERSION:
        raise UserError(f"{path}: not a report of schema version {SCHEMA_VERSION}")
    return document


def _rebuild(journal: Path) -> tuple[dict[str, Any], Evidence]:
    head, _, lines = journal.read_bytes().partition(b"\n")
    header = _checked(msgspec.json.decode(head), journal)
    chronicle = Chronicle(msgspec.convert(header["frame"], Frame))
    for line in decode_lines(lines):
        chronicle.add(line)
    lost = chronicle.abandon_unfinished()
    reason = f"the journal breaks off; {lost:,} arrivals were under way and count as abandoned"
    return {**header["meta"], "rebuilt": True}, chronicle.evidence(
        KILLED, reason, round(chronicle.at, STORED_DIGITS)
    )


def _parse(text: str, frame: Frame) -> Objective:
    try:
        objective = parse_objective(text)
    except ValueError as error:
        raise UserError(f"--objective: {error}") from error
    if objective.window not in frame.windows:
        raise UserError(f"--objective: no window {objective.window}; there are {', '.join(frame.windows)}")
    scopes = [
        scope for w in frame.workloads for scope in (w.name, *(f"{w.name}/{label}" for label in w.labels))
    ]
    if objective.scope is not None and objective.scope not in scopes:
        raise UserError(f"--objective: nothing is called {objective.scope}; there are {', '.join(scopes)}")
    return objective
