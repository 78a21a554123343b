"""report.json: the document that everything else is rendered from.

Rule: renderers read this and nothing else, and `read_evidence` takes a run out of it again bit by bit (see
report.record), so `battlectl report` needs no new run. Names carry their units. Its size is bounded by the
plan: at most 3,600 slices, and sketches whose bins are bounded, whatever the length of the run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from battlectl.analyse.checks.generator import busy_seconds, held_rate, longest_stall, stream_lag
from battlectl.analyse.evidence import Evidence, statistic
from battlectl.analyse.judge import Judgement
from battlectl.analyse.objective_finding import format_value
from battlectl.analyse.verdict import Finding, Verdict
from battlectl.errors import ExitCode
from battlectl.observe import outcome
from battlectl.observe.digest import centroids
from battlectl.observe.example import example_json
from battlectl.observe.served import OWN_NAMES
from battlectl.observe.sketch import Sketch
from battlectl.observe.tally import CallCell, merged_cells
from battlectl.plan.frame import WorkloadFrame
from battlectl.plan.workload import Window
from battlectl.report.document_configuration import configuration_json
from battlectl.report.document_consistency import consistency_json
from battlectl.report.document_faults import faults_json
from battlectl.report.document_routing import routing_json
from battlectl.report.document_streams import streams_json
from battlectl.report.document_telemetry import telemetry_json
from battlectl.report.original import original_names
from battlectl.report.record import read_evidence, record_json
from battlectl.report.series import series_json

SCHEMA_VERSION = 1
STATS = ("min", "p50", "p75", "p90", "p95", "p99", "p99.9", "p99.99", "max", "mean")

__all__ = ["SCHEMA_VERSION", "build_document", "encode_document", "latency_json", "read_evidence"]


def build_document(
    meta: Mapping[str, Any], evidence: Evidence, judgement: Judgement, code: ExitCode
) -> dict[str, Any]:
    """The whole document. `meta` is what the shell knows: run id, times, target, environment, scenario."""
    frame = evidence.frame
    faults = faults_json(evidence, is_fit(judgement))
    return {
        "schema_version": SCHEMA_VERSION,
        "verdict": judgement.verdict.value,
        "passed": judgement.verdict is Verdict.PASS and code is ExitCode.PASS,
        "exit_code": int(code),
        "meta": dict(meta),
        "frame": msgspec.to_builtins(frame),
        "ending": {"how": evidence.how, "reason": evidence.reason, "at_s": round(evidence.ended_at, 3)},
        "findings": [_finding_json(finding) for finding in judgement.findings],
        "windows": [_window_json(name, window, evidence) for name, window in frame.windows.items()],
        "workloads": [_workload_json(workload, evidence) for workload in frame.workloads],
        **faults,
        **routing_json(evidence),
        "streams": streams_json(evidence),
        "consistency": consistency_json(evidence),
        "telemetry": telemetry_json(evidence),
        "configuration": configuration_json(evidence),
        "generator": _generator_json(evidence),
        "examples": [
            [example_json(first), example_json(worst)] for first, worst in evidence.tally.examples()
        ],
        "series": series_json(evidence.tally, frame.slice_width),
        "digests": {w.name: centroids(_latency(evidence, frame.run, w.name)) for w in frame.workloads},
        "analysis": {**original_names(evidence, faults["breakers"]), "providers": _providers_json(evidence)},
        "slo_results": {f.name: _slo_json(f) for f in judgement.objectives},
        "record": record_json(evidence),
    }


def is_fit(judgement: Judgement) -> bool:
    """Whether latencies are the target's: no verdict on it was drawn from a generator that was late."""
    return all(check.verdict is Verdict.PASS for check in judgement.checks if check.name == "generator")


def encode_document(document: Mapping[str, Any]) -> bytes:
    """Compact JSON in UTF-8, the same bytes each time; a lone surrogate becomes a question mark."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return f"{text}\n".encode("utf-8", "replace")


def latency_json(sketch: Sketch) -> dict[str, float | int | None]:
    """Count and statistics of a sketch, in milliseconds, None without samples."""
    values = {f"{stat}_ms": _ms(statistic(sketch, stat)) for stat in STATS}
    return {"count": sketch.count, **values}


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1e3, 6)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "name": finding.name,
        "verdict": finding.verdict.value,
        "level": finding.level,
        "weighs": finding.weighs.value,
        "summary": finding.summary,
        "measured": finding.measured,
        "measured_text": format_value(finding.measured, finding.unit),
        "unit": finding.unit,
        "expected": finding.expected,
        "samples": finding.samples,
        "first": None if finding.first is None else example_json(finding.first),
        "worst": None if finding.worst is None else example_json(finding.worst),
    }


def _window_json(name: str, window: Window, evidence: Evidence) -> dict[str, Any]:
    segments = evidence.frame.segments(window)
    seconds = evidence.reached(window)
    own = {w.name: evidence.tally.cell(segments, w.name) for w in evidence.frame.workloads}
    cells = {"(all)": merged_cells(own.values()), **own}
    return {
        "name": name,
        "start_s": window.start,
        "end_s": window.end,
        "gaps_s": [list(gap) for gap in window.gaps],
        "seen_s": round(seconds, 3),
        "workloads": {workload: _cell_json(cell, seconds) for workload, cell in cells.items()},
    }


def _cell_json(cell: CallCell, seconds: float) -> dict[str, Any]:
    return {
        "total": cell.total,
        "ok": cell.ok,
        "success_ratio": _ratio(cell.ok, cell.total),
        "arrivals_per_s": cell.total / seconds if seconds else None,
        "ok_per_s": cell.ok / seconds if seconds else None,
        "outcomes": dict(sorted(cell.outcomes.items())),
        "latency": latency_json(cell.latency),
        "ok_latency": latency_json(cell.ok_latency),
    }


def _workload_json(workload: WorkloadFrame, evidence: Evidence) -> dict[str, Any]:
    segments = evidence.frame.segments(evidence.frame.run)
    seconds = evidence.reached(evidence.frame.run)
    flow = evidence.tally.flow(segments, workload.name)
    cells = {label: evidence.tally.cell(segments, workload.name, label) for label in workload.labels}
    return {
        "name": workload.name,
        "issued": evidence.issued.get(workload.name, 0),
        "sent_requests": flow.sent,
        "reconnects": flow.reconnects,
        "retries": flow.retries,
        "lag": latency_json(flow.lag),
        "backlog": latency_json(flow.backlog),
        "service": latency_json(flow.service),
        "calls": {label: _cell_json(cell, seconds) for label, cell in cells.items()},
    }


def _latency(evidence: Evidence, window: Window, workload: str | None) -> Sketch:
    return evidence.tally.cell(evidence.frame.segments(window), workload).latency


def _generator_json(evidence: Evidence) -> dict[str, Any]:
    flow = evidence.tally.flow(evidence.frame.segments(evidence.frame.run))
    cell = evidence.tally.cell(evidence.frame.all_segments)
    cpu = [health["cpu_ratio"] for _, health in evidence.health if "cpu_ratio" in health]
    return {
        "lag": latency_json(flow.lag),
        "stream_lag": latency_json(stream_lag(evidence)) if evidence.frame.streams else None,
        "dropped": cell.outcomes.get(outcome.DROPPED, 0),
        "abandoned": cell.outcomes.get(outcome.ABANDONED, 0),
        "longest_stall_ms": longest_stall(evidence) * 1e3,
        "busy_seconds": busy_seconds(evidence),
        "cpu_mean_ratio": sum(cpu) / len(cpu) if cpu else None,
        "cpu_max_ratio": max(cpu, default=None),
        "held_per_s": held_rate(evidence),
    }


def _providers_json(evidence: Evidence) -> list[dict[str, Any]] | None:
    """Who served the requests of the run after warm-up; None where the replies do not say."""
    served = evidence.tally.served(evidence.frame.segments(evidence.frame.run))
    total = sum(cell.requests for cell in served.values())
    return [
        {
            "provider": provider,
            "requests": cell.requests,
            "share_ratio": _ratio(cell.requests, total),
            "ok": cell.ok,
            "success_ratio": _ratio(cell.ok, cell.requests),
            "latency": latency_json(cell.latency),
            "coarse_bits": cell.coarse,
        }
        for provider, cell in sorted(served.items(), key=lambda item: (item[0] in OWN_NAMES, item[0]))
    ] or None


def _slo_json(finding: Finding) -> dict[str, Any]:
    passed = {Verdict.PASS: True, Verdict.FAIL: False}.get(finding.verdict)
    return {
        "passed": passed,
        "actual": finding.measured,
        "required": finding.expected,
        "summary": finding.summary,
    }
