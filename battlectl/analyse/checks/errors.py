"""Did one failure always look the same, and did no error give away what is inside?

Rule: errors of one code, or of one call that must fail, have one shape whichever provider they come from. An
error status without a JSON-RPC error, another code than the expected one and anything that tells of an
upstream's address or key are adverse by themselves. A shape that came once proves nothing about the next, and
errors that were too many to be kept apart prove nothing about any.
"""

from __future__ import annotations

from collections.abc import Mapping

from battlectl.analyse.checks.facts import account_of, tell_seen
from battlectl.analyse.evidence import Evidence
from battlectl.analyse.verdict import Finding, Verdict
from battlectl.observe.consistency import OTHERS, Count, by_subject
from battlectl.observe.errors_told import CHECK, SHAPES
from battlectl.quantities import format_times

LEAST = 2
"""Errors from which anything can be said of their likeness."""
ADVERSE = {
    "leak": "gave something away",
    "recoded": "had another code than expected",
    "bare": "were no JSON-RPC error",
    "alarm": "were the caller's own and came as a failure of the server",
}


def check_errors(evidence: Evidence) -> Finding:
    """See the rule."""
    account = account_of(evidence, CHECK)
    shapes = by_subject(evidence.tally.facts, SHAPES)
    errors = account.number("errors")
    if not errors and not account.number(*ADVERSE):
        return account.finding(Verdict.INCONCLUSIVE, "no error was told", 0)
    if adverse := [text for text in (account.tell(ADVERSE), *_unlike(shapes)) if text]:
        summary = f"of {errors:,} errors, {'; '.join(adverse)}"
        return account.finding(Verdict.FAIL, summary, errors, ADVERSE)
    if lost := shapes.get(OTHERS):
        number = sum(count.number for count in lost.values())
        summary = f"{number:,} of {errors:,} errors were of too many kinds to be compared"
        return account.finding(Verdict.INCONCLUSIVE, summary, errors)
    alike = {failed: sum(count.number for count in kinds.values()) for failed, kinds in shapes.items()}
    alike = {failed: number for failed, number in alike.items() if number >= LEAST}
    if not alike:
        summary = f"{errors:,} errors, and no two of the same failure: nothing to compare"
        return account.finding(Verdict.INCONCLUSIVE, summary, errors)
    told = ", ".join(f"{failed} {format_times(number)}" for failed, number in alike.items())
    return account.finding(Verdict.PASS, f"one shape for each failure ({told})", errors)


def _unlike(shapes: Mapping[str, Mapping[str, Count]]) -> list[str]:
    """What failed in more than one shape, with the first of each."""
    return [
        f"{failed} came in {len(kinds)} shapes ({_told(kinds)})"
        for failed, kinds in shapes.items()
        if len(kinds) > 1
    ]


def _told(kinds: Mapping[str, Count]) -> str:
    return "; ".join(
        format_times(count.number) + ("" if count.first is None else f", first {tell_seen(count.first)}")
        for _, count in sorted(kinds.items(), key=lambda item: -item[1].number)
    )
