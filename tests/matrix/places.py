"""Whom and which moment a finding names.

Rule: a provider is named by the finding's own words, or by its first example; where neither has one, those
are given in brackets that a fault had struck by then, which is what the run knows of who it was.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from battlectl.quantities import format_duration, parse_duration

NAMED = re.compile(r"\bprovider_[a-z]\b")
MOMENT = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?(?:ms|s))\b")
BEFORE = re.compile(r"(?:\b(?:at|from)|/\d+\.\d+,) $")
DIGITS = 2


def when_of(finding: Mapping[str, Any]) -> float | None:
    """Seconds into the load of the first of it, as its example or its words have it."""
    if finding["first"] is not None:
        return float(finding["first"]["due_s"])
    told = finding["summary"]
    for match in MOMENT.finditer(told):
        if BEFORE.search(told[: match.start()]):
            return parse_duration(match[1])
    return None


def who_of(finding: Mapping[str, Any], report: Mapping[str, Any]) -> str:
    """See the rule."""
    seen = "" if finding["first"] is None else finding["first"]["seen"]
    named = sorted(set(NAMED.findall(f"{finding['name']} {finding['summary']} {seen}")))
    if named:
        return ", ".join(named)
    struck = sorted(_struck(report, when_of(finding)))
    return f"({', '.join(struck)})" if struck else ""


def tell_when(at: float | None) -> str:
    """For a table."""
    return "" if at is None else format_duration(round(at, DIGITS))


def _struck(report: Mapping[str, Any], at: float | None) -> set[str]:
    return {
        provider["provider"]
        for fault in report["faults"]
        if at is None or fault["at_s"] <= at
        for provider in fault["providers"]
    }
