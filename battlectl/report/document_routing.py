"""The parts of report.json about routing and the promises of breakers: what was claimed, what was found.

Rule: a part that crashes costs the report that part alone; `holds` is null where nothing can be said.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from battlectl.analyse.breakers.promises import points_of
from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.known import Known, know
from battlectl.analyse.routing.verdicts import Stretch, routing_of

DIGITS = 9


def routing_json(evidence: Evidence) -> dict[str, Any]:
    """`routing` and `breaker_promises` of a document; empty where nothing was expected."""
    frame = evidence.frame
    wanted: dict[str, bool] = {
        "routing": any(workload.routing is not None for workload in frame.workloads),
        "breaker_promises": frame.breaker is not None and bool(frame.injections),
    }
    known = know(evidence) if any(wanted.values()) else None
    return {name: _part(part, known if wanted[name] else None) for name, part in PARTS.items()}


def _part(part: Callable[[Known], list[dict[str, Any]]], known: Known | None) -> list[dict[str, Any]]:
    try:
        return [] if known is None else part(known)
    except Exception:
        return []  # The check of the same name crashes likewise, and says why.


PARTS: dict[str, Callable[[Known], list[dict[str, Any]]]] = {
    "routing": lambda known: [_stretch(stretch) for stretch in routing_of(known)],
    "breaker_promises": lambda known: [
        {
            "provider": point.provider,
            "fault": point.fault,
            "promise": point.promise,
            "holds": point.holds,
            "words": point.words,
        }
        for point in points_of(known)
    ],
}


def _stretch(stretch: Stretch) -> dict[str, Any]:
    return {
        "workload": stretch.workload,
        "strategy": stretch.strategy,
        "source": stretch.source or None,
        "from_s": stretch.field.start,
        "to_s": stretch.field.end,
        "judged_from_s": stretch.judged_from,
        "out": list(stretch.field.out),
        "late": [
            {"provider": name, "least_s": least, "most_s": most}
            for name, (least, most) in stretch.field.delays
        ],
        "settled_after_requests": None if stretch.settled is None else list(stretch.settled),
        "holds": stretch.holds,
        "words": stretch.words,
        "claims": [
            {
                "who": list(ruling.claim.who),
                "among": list(ruling.claim.among),
                "least_ratio": _rounded(ruling.claim.least),
                "most_ratio": _rounded(ruling.claim.most),
                "share_ratio": _rounded(ruling.share),
                "requests": ruling.requests,
                "holds": ruling.holds,
            }
            for ruling in stretch.rulings
        ],
    }


def _rounded(ratio: float | None) -> float | None:
    return None if ratio is None else round(ratio, DIGITS)
