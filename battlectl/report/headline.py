"""The verdict in words, and the findings that it comes from.

Rule: the first thing said is the verdict; a run whose exit code is not 0 is never called a pass without
saying so in the same line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from battlectl.errors import ExitCode

Document = Mapping[str, Any]
Stored = Mapping[str, Any]

EXIT_MEANINGS: dict[int, str] = {
    ExitCode.PASS: "passed",
    ExitCode.CRASHED: "battlectl crashed",
    ExitCode.USAGE: "bad usage or scenario",
    ExitCode.INCONCLUSIVE: "inconclusive",
    ExitCode.NOT_READY: "target or driver not ready",
    ExitCode.SAFETY: "stopped by a safety limit",
    ExitCode.UNHEALED: "a fault could not be healed, a person must act",
    ExitCode.FAILED: "objectives failed",
    ExitCode.INTERRUPTED: "interrupted",
    ExitCode.TERMINATED: "terminated",
}


NEVER_BEGUN = ("not ready", "impossible")
"""Endings of runs that sent nothing."""


def has_begun(document: Document) -> bool:
    """Whether anything can have been sent; else the reason is all that there is to tell."""
    return document["ending"]["how"] not in NEVER_BEGUN


def verdict_word(document: Document) -> str:
    """PASS, FAIL or INCONCLUSIVE; a pass that is none says why."""
    word = str(document["verdict"]).upper()
    if word == "PASS" and not document["passed"]:
        return f"{word} BUT {show_exit(document).upper()}"
    return word


def show_exit(document: Document) -> str:
    """`exit code 99: objectives failed`."""
    code = document["exit_code"]
    return f"exit code {code}: {EXIT_MEANINGS.get(code, 'unknown')}"


def findings_of(document: Document, kind: str) -> list[Stored]:
    """The findings of objectives, or of checks."""
    return [finding for finding in document["findings"] if finding["kind"] == kind]


def weighing(document: Document) -> list[Stored]:
    """The findings that weigh against a pass, failures first, objectives before checks."""
    adverse = [finding for finding in document["findings"] if finding["weighs"] != "pass"]
    return sorted(adverse, key=lambda f: (f["weighs"] != "fail", f["kind"] != "objective"))


def noted(document: Document) -> list[Stored]:
    """The findings that are adverse and only shown."""
    return [f for f in document["findings"] if f["verdict"] != "pass" and f["weighs"] == "pass"]


def why(document: Document) -> str:
    """The verdict's reason in one sentence; its text is as untrusted as the scenario's."""
    adverse = weighing(document)
    if not adverse:
        return f"{tally_objectives(document)}, and no check weighs against it."
    more = f", and {len(adverse) - 1} more" if len(adverse) > 1 else ""
    return f"{describe(adverse[0])}{more}."


def describe(finding: Stored) -> str:
    """One finding as a clause."""
    name, summary = finding["name"], finding["summary"]
    if finding["kind"] == "check":
        return f"{name}: {summary}"
    if finding["verdict"] == "fail":
        return f"{name} failed: {measured_and_required(finding)}"
    return f"{name} could not be judged: {summary}"


def measured_and_required(finding: Stored) -> str:
    """What was measured beside what was asked for, and on how many samples."""
    if finding["measured"] is None:
        return f"{finding['summary']}, required {finding['expected']}"
    samples = "" if finding["samples"] is None else f", {finding['samples']:,} samples"
    return f"measured {finding['measured_text']}, required {finding['expected']}{samples}"


def tally_objectives(document: Document) -> str:
    """How many objectives ended how."""
    verdicts = Counter(finding["verdict"] for finding in findings_of(document, "objective"))
    total = sum(verdicts.values())
    if not total:
        return "there are no objectives"
    if verdicts["pass"] == total:
        return "the one objective holds" if total == 1 else f"all {total} objectives hold"
    names = {"fail": "failed", "inconclusive": "inconclusive", "pass": "passed"}
    parts = [f"{verdicts[verdict]} {name}" for verdict, name in names.items() if verdicts[verdict]]
    return (
        f"of {total} objectives {', '.join(parts)}" if total > 1 else f"the one objective {_alone(verdicts)}"
    )


def _alone(verdicts: Mapping[str, int]) -> str:
    return "failed" if verdicts["fail"] else "is inconclusive"
