"""`battlectl report DIR`: everything anew from stored data, and new objectives judged on it.

Rule: a run that was killed has a journal and no report; what is rebuilt from it is inconclusive at best.
New objectives are judged and shown, the stored report stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from battlectl.analyse.evidence import KILLED, Evidence
from battlectl.analyse.judge import judge
from battlectl.chaos.journal import NAME, BadJournal, read_journal, unhealed
from battlectl.commands.documents import NAME as DOCUMENTS
from battlectl.commands.documents import read_documents_of
from battlectl.commands.engage import STORED_DIGITS
from battlectl.commands.folders import write_results
from battlectl.commands.run import RunResult, code_of
from battlectl.commands.telemetry import NAME as TELEMETRY
from battlectl.commands.telemetry import read_telemetry_of
from battlectl.errors import UserError
from battlectl.observe.faults import Campaign
from battlectl.observe.journal import decode_lines
from battlectl.plan.frame import Frame
from battlectl.report.document import SCHEMA_VERSION, build_document, read_evidence
from battlectl.report.fold import Chronicle
from battlectl.scenario.metrics import Scope, scope_kind
from battlectl.scenario.objectives import Objective, parse_objective


def report(folder: Path, objectives: Sequence[str]) -> RunResult:
    """Rebuild the report of a results folder; with `objectives`, judge those instead and write nothing."""
    meta, evidence = _read(folder)
    if objectives:
        asked = tuple(_parse(text, evidence.frame, meta) for text in objectives)
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
            return _rebuild(journal, folder)
    except (OSError, msgspec.MsgspecError, KeyError, TypeError, ValueError, BadJournal) as error:
        raise UserError(
            f"{folder}: the stored data cannot be read ({type(error).__name__}: {error})"
        ) from error
    raise UserError(f"{folder}: neither report.json nor journal.jsonl is there; name the folder of one run")


def _checked(document: Any, path: Path) -> dict[str, Any]:
    if not isinstance(document, dict) or document.get("schema_version") != SCHEMA_VERSION:
        raise UserError(f"{path}: not a report of schema version {SCHEMA_VERSION}")
    return document


def _rebuild(journal: Path, folder: Path) -> tuple[dict[str, Any], Evidence]:
    head, _, lines = journal.read_bytes().partition(b"\n")
    header = _checked(msgspec.json.decode(head), journal)
    chronicle = Chronicle(msgspec.convert(header["frame"], Frame))
    for line in decode_lines(lines):
        chronicle.add(line)
    lost = chronicle.abandon_unfinished()
    reason = f"the journal breaks off; {lost:,} arrivals were under way and count as abandoned"
    campaign, notes = _rebuild_campaign(folder / NAME)
    meta = {**header["meta"], "rebuilt": True, "notes": [*header["meta"]["notes"], *notes]}
    at = round(chronicle.at, STORED_DIGITS)
    told = read_telemetry_of(folder / TELEMETRY)
    evidence = chronicle.evidence(KILLED, reason, at, campaign, told)
    return meta, replace(evidence, documents=read_documents_of(folder / DOCUMENTS))


def _rebuild_campaign(faults: Path) -> tuple[Campaign, list[str]]:
    """What was done to providers, of a run that was killed, and notes; what was seen is lost."""
    if not faults.is_file():
        return Campaign(), []
    header, deeds = read_journal(faults.read_bytes())
    if header is None:
        return Campaign(), []
    left = () if header.ends_with_run else unhealed(deeds)
    names = ", ".join(f"{deed.fault} at {deed.provider}" for deed in left)
    note = f"the journal tells of no healing of {names}: `battlectl heal` looks after that"
    return Campaign(driver=header.config["driver"], deeds=deeds), [note] if left else []


def _parse(text: str, frame: Frame, meta: Mapping[str, Any]) -> Objective:
    try:
        objective = parse_objective(text)
    except ValueError as error:
        raise UserError(f"--objective: {error}") from error
    if objective.window not in frame.windows:
        raise UserError(f"--objective: no window {objective.window}; there are {', '.join(frame.windows)}")
    scopes = list(dict.fromkeys(_scopes(scope_kind(objective.metric), frame, meta)))
    if objective.scope is not None and objective.scope not in scopes:
        there = ", ".join(scopes) or "none"
        raise UserError(f"--objective: nothing is called {objective.scope}; there are {there}")
    return objective


def _scopes(kind: Scope, frame: Frame, meta: Mapping[str, Any]) -> Iterator[str]:
    """What the brackets of a metric can name in this run."""
    if kind == "fault":
        for injection in frame.injections:
            yield from (injection.fault, injection.name)
    elif kind == "provider":
        yield from (provider["id"] for provider in meta["target"].get("providers", ()))
    elif kind == "stream":
        yield from (streams.name for streams in frame.streams)
    else:
        for workload in frame.workloads:
            yield from (workload.name, *(f"{workload.name}/{label}" for label in workload.labels))
