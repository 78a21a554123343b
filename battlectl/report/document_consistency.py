"""What was seen of a target's consistency, as the document holds it: every fact, with its first and worst."""

from __future__ import annotations

from typing import Any

from battlectl.analyse.evidence import Evidence
from battlectl.observe.consistency import Seen, by_subject
from battlectl.observe.errors_told import SHAPES

CHECKS = ("head", "chain", "consistency", "equality", "errors", SHAPES, "watch")


def consistency_json(evidence: Evidence) -> list[dict[str, Any]]:
    """A row for each check, kind and subject, in the order of the checks; empty where nothing was seen."""
    return [
        {
            "check": check,
            "kind": kind,
            "subject": subject,
            "count": count.number,
            "first": _seen(count.first),
            "worst": _seen(count.worst),
        }
        for check in CHECKS
        for subject, kinds in by_subject(evidence.tally.facts, check).items()
        for kind, count in kinds.items()
    ]


def _seen(seen: Seen | None) -> dict[str, Any] | None:
    if seen is None:
        return None
    return {
        "at_s": round(seen.t, 6),
        "provider": seen.provider or None,
        "size": seen.size,
        "words": seen.words,
    }
