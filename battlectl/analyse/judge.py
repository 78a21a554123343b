"""The judgement of a run: every check, every objective, one verdict.

Rule: a check that crashes is inconclusive with its error. A scenario without objectives promises nothing, so
nothing can be proven: inconclusive. A run that did not come to its end is never a pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from battlectl.analyse.checks import CHECKS
from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.proof import check_proof
from battlectl.analyse.objectives import judge_objective
from battlectl.analyse.objectives_streams import doubt_unfed
from battlectl.analyse.telemetry.latencies import unsettled_latencies
from battlectl.analyse.telemetry.silence import silent_sources
from battlectl.analyse.verdict import Finding, Verdict, at_level, merge_verdicts
from battlectl.observe.consistency import counted
from battlectl.scenario.objectives import Objective

SEVERITY = ("note", "inconclusive", "fail")
ONLY_ASKED = {"routing", "breaker"}
"""Checks of what many targets do not show: that weighs where a scenario asks for it."""
ONLY_TOLD = {"telemetry", "leak", "head", "chain", "consistency", "errors", "safety"}
"""Checks of what a target tells: where it tells nothing there is nothing to show, unless asked."""
UNSETTLED = "unsettled"
"""Of answers that look wrong, where the chain was not read around them."""
NEVER_BELOW = dict.fromkeys(("accounting", "generator", "proof", "configuration"), "inconclusive")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found, and what it comes to."""

    verdict: Verdict
    findings: tuple[Finding, ...]

    @property
    def objectives(self) -> tuple[Finding, ...]:
        """The findings of objectives."""
        return tuple(finding for finding in self.findings if finding.kind == "objective")

    @property
    def checks(self) -> tuple[Finding, ...]:
        """The findings of checks."""
        return tuple(finding for finding in self.findings if finding.kind == "check")


def judge(evidence: Evidence) -> Judgement:
    """Run every check and judge every objective."""
    checks = tuple(
        finding
        for name, (check, level) in CHECKS.items()
        if _is_about_something(name, evidence)
        and _says_anything(finding := _run_check(name, check, level, evidence), evidence)
    )
    fit = all(check.verdict is Verdict.PASS for check in checks if check.name == "generator")
    objectives = tuple(
        _run_objective(objective.text, partial(_judge_promise, objective, evidence, fit))
        for objective in evidence.frame.objectives
    )
    findings = (
        *objectives,
        *checks,
        *_proof(evidence),
        *_unknown_checks(evidence),
        *_ending(evidence),
        *_promises(evidence),
    )
    return Judgement(merge_verdicts(finding.weighs for finding in findings), findings)


def _is_about_something(check: str, evidence: Evidence) -> bool:
    """Replies need requests, continuity subscribers, routing somebody who expects something of it."""
    frame = evidence.frame
    about = {
        "replies": frame.workloads,
        "continuity": frame.streams,
        "equality": any(workload.twin_of for workload in frame.workloads),
        "routing": any(workload.routing is not None for workload in frame.workloads),
        "configuration": evidence.documents,
        "breaker": frame.injections and (frame.breaker is not None or "breaker" in frame.checks),
    }
    return bool(about.get(check, True))


def _says_anything(finding: Finding, evidence: Evidence) -> bool:
    """A target that tells nothing of itself is no finding, unless the scenario asks, or its config did.

    What looks wrong, and nobody can tell whether it is, is one.
    """
    is_silent = finding.name in ONLY_TOLD and finding.verdict is Verdict.INCONCLUSIVE
    is_missed = finding.name == "telemetry" and bool(
        silent_sources(evidence.telemetry) or unsettled_latencies(evidence)
    )
    looks_wrong = counted(evidence.tally.facts, finding.name, UNSETTLED).number > 0
    return is_missed or looks_wrong or not (is_silent and finding.level == "note")


def _run_check(name: str, check: Callable[[Evidence], Finding], level: str, evidence: Evidence) -> Finding:
    asked = evidence.frame.checks.get(name, level)
    least = NEVER_BELOW.get(name, "note")
    level = max(asked, least, key=SEVERITY.index)
    try:
        finding = check(evidence)
    except Exception as error:
        return _crashed("check", name, error)
    if finding.verdict is Verdict.INCONCLUSIVE and name not in ONLY_ASKED | ONLY_TOLD:
        level = max(level, "inconclusive", key=SEVERITY.index)  # Not even the check had evidence.
    return at_level(finding, level)


def _proof(evidence: Evidence) -> tuple[Finding, ...]:
    """Only a run with faults has any to prove."""
    if not evidence.frame.injections and not evidence.campaign.leftovers:
        return ()
    return (_run_check("proof", check_proof, "inconclusive", evidence),)


def _unknown_checks(evidence: Evidence) -> tuple[Finding, ...]:
    """A check that the scenario asks for and nothing runs proves nothing."""
    return tuple(
        Finding("check", name, Verdict.INCONCLUSIVE, "nothing in this run measures it", level="inconclusive")
        for name, level in evidence.frame.checks.items()
        if level != "note"
        and not (name in CHECKS and _is_about_something(name, evidence))
        and not (name == "proof" and evidence.frame.injections)
    )


def _judge_promise(objective: Objective, evidence: Evidence, fit: bool) -> Finding:
    """Proofs are asked for at the end only: while the run goes on, nothing but a failure counts."""
    return doubt_unfed(judge_objective(objective, evidence, fit), objective, evidence)


def _run_objective(text: str, judge_it: Callable[[], Finding]) -> Finding:
    try:
        return judge_it()
    except Exception as error:
        return _crashed("objective", text, error)


def _crashed(kind: str, name: str, error: Exception) -> Finding:
    return Finding(
        kind, name, Verdict.INCONCLUSIVE, f"crashed: {type(error).__name__}: {error}", level="inconclusive"
    )


def _ending(evidence: Evidence) -> tuple[Finding, ...]:
    if evidence.completed:
        return ()
    summary = f"{evidence.how} after {evidence.ended_at:.1f}s: {evidence.reason}"
    return (Finding("check", "completion", Verdict.INCONCLUSIVE, summary, level="inconclusive"),)


def _promises(evidence: Evidence) -> tuple[Finding, ...]:
    if evidence.frame.objectives:
        return ()
    return (
        Finding(
            "check",
            "objectives",
            Verdict.INCONCLUSIVE,
            "the scenario has no objectives",
            level="inconclusive",
        ),
    )
