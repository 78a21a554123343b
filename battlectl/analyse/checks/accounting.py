"""Does every arrival have exactly one outcome, and did as many come due as were planned?

Rule: arrivals issued = the sum of all outcomes, per workload; in a run that completed, arrivals issued = the
plan's. Streams likewise: begun = finished, and as many as were planned. A sum that does not agree makes every
other figure doubtful.
"""

from __future__ import annotations

from collections.abc import Iterator

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.verdict import Finding, Verdict
from battlectl.plan.frame import WorkloadFrame
from battlectl.plan.streams import StreamFrame


def check_accounting(evidence: Evidence) -> Finding:
    """See the rule."""
    problems = [problem for w in evidence.frame.workloads for problem in _disagreements(w, evidence)]
    problems += [
        problem for s in evidence.frame.streams for problem in _disagreements_of_streams(s, evidence)
    ]
    issued = sum(evidence.issued.values())
    streams = evidence.tally.streams(evidence.frame.all_segments).count("streams")
    if problems:
        return Finding("check", "accounting", Verdict.FAIL, "; ".join(problems), samples=issued + streams)
    if not issued and (evidence.frame.workloads or not streams):
        nothing = "no arrival came due" if evidence.frame.workloads else "no stream was begun"
        return Finding("check", "accounting", Verdict.INCONCLUSIVE, nothing, samples=0)
    uncounted = [w.name for w in evidence.frame.workloads if w.arrivals is None and w.users is None]
    names = ", ".join(uncounted)
    unproven = f"; not compared with the plan, which is too long to count: {names}" if uncounted else ""
    followed = f"each of {streams:,} streams was followed to its end" if evidence.frame.streams else ""
    ended = f"each of {issued:,} arrivals has exactly one outcome{unproven}" if issued else ""
    summary = "; ".join(clause for clause in (ended, followed) if clause)
    return Finding("check", "accounting", Verdict.PASS, summary, samples=issued + streams)


def _disagreements_of_streams(streams: StreamFrame, evidence: Evidence) -> Iterator[str]:
    cell = evidence.tally.streams(evidence.frame.all_segments, streams.name)
    begun, finished = cell.count("begun"), cell.count("streams")
    planned = None if streams.clients is None else streams.clients * streams.subscriptions
    if begun != finished:
        yield f"{streams.name}: {begun:,} streams were begun and {finished:,} finished"
    if evidence.completed and planned is not None and planned != begun:
        yield f"{streams.name}: {planned:,} streams were planned and {begun:,} begun"


def _disagreements(workload: WorkloadFrame, evidence: Evidence) -> Iterator[str]:
    name = workload.name
    issued = evidence.issued.get(name, 0)
    ended = evidence.tally.cell(evidence.frame.all_segments, name).total
    if issued != ended:
        yield f"{name}: {issued:,} arrivals were issued and {ended:,} ended"
    if evidence.completed and workload.arrivals is not None and workload.arrivals != issued:
        yield f"{name}: {workload.arrivals:,} arrivals were planned and {issued:,} issued"
