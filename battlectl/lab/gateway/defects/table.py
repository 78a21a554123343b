"""All defects, by area and by name.

Rule: a new one is a value in the file of its area; docs/defects.md is written from this table.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from battlectl.lab.gateway.defects import (
    backfill,
    batching,
    breaker,
    caching,
    chain,
    delivery,
    errors,
    failover,
    head,
    ids,
    leaks,
    metadata,
    routing,
    telemetry,
    timeouts,
)
from battlectl.lab.gateway.defects.defect import Area, Defect

BY_AREA: dict[Area, tuple[Defect, ...]] = {
    "failover": failover.DEFECTS,
    "breaker": breaker.DEFECTS,
    "routing": routing.DEFECTS,
    "batching": batching.DEFECTS,
    "metadata": metadata.DEFECTS,
    "telemetry": telemetry.DEFECTS,
    "head": head.DEFECTS,
    "subscriptions": (*backfill.DEFECTS, *delivery.DEFECTS),
    "timeouts": timeouts.DEFECTS,
    "leaks": leaks.DEFECTS,
    "errors": errors.DEFECTS,
    "caching": caching.DEFECTS,
    "chain": chain.DEFECTS,
    "ids": ids.DEFECTS,
}

DEFECTS: dict[str, Defect] = {defect.name: defect for defects in BY_AREA.values() for defect in defects}


def check_names(names: Iterable[str]) -> None:
    """ValueError for one that no defect has, or that is there twice: it says what to try."""
    seen: set[str] = set()
    for name in names:
        if name not in DEFECTS:
            near = get_close_matches(name.lower().replace("_", "-"), DEFECTS, 1, 0.4)
            hint = f'did you mean "{near[0]}"? ' if near else ""
            raise ValueError(f'there is no defect "{name}": {hint}`battlectl lab defects` lists them')
        if name in seen:
            raise ValueError(f'the defect "{name}" is named twice: it can be planted once')
        seen.add(name)
