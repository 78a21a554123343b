"""Does every arrival have exactly one outcome, and did as many come due as were planned?

Rule: arrivals issued = the sum of all outcomes, per workload; in a run that completed, arrivals issued = the
plan's. A sum that does not agree makes every other figure doubtful.
"""

from __future__ import annotations

from collections.abc import Iterator

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.verdict import Finding, Verdict
from battlectl.plan.frame import WorkloadFrame


def check_accounting(evidence: Evidence) -> Finding:
    """See the rule."""
    problems = [problem for w in evidence.frame.workloads for problem in _disagreements(w, evidence)]
    issued = sum(evidence.issued.values())
    if problems:
        return Finding("check", "accounting", Verdict.FAIL, "; ".join(problems), samples=issued)
    if not issued:
        return Finding("check", "accounting", Verdict.INCONCLUSIVE, "no arrival came due", samples=0)
    uncounted = [w.name for w in evidence.frame.workloads if w.arrivals is None and w.users is None]
    names = ", ".join(uncounted)
    unproven = f"; not compared with the plan, which is too long to count: {names}" if uncounted else ""
    summary = f"each of {issued:,} arrivals has exactly one outcome{unproven}"
    return Finding("check", "accounting", Verdict.PASS, summary, samples=issued)


def _disagreements(workload: WorkloadFrame, evidence: Evidence) -> Iterator[str]:
    name = workload.name
    issued = evidence.issued.get(name, 0)
    ended = evidence.tally.cell(evidence.frame.all_segments, name).total
    if issued != ended:
        yield f"{name}: {issued:,} arrivals were issued and {ended:,} ended"
    if evidence.completed and workload.arrivals is not None and workload.arrivals != issued:
        yield f"{name}: {workload.arrivals:,} arrivals were planned and {issued:,} issued"
