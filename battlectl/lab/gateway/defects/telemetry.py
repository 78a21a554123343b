"""Defects of what the gateway tells of itself: its pages say what is not so."""

from __future__ import annotations

from battlectl.lab.gateway.defects.defect import Defect
from battlectl.lab.gateway.defects.wrapping import Document, change_pages
from battlectl.lab.gateway.state import Gateway

COUNTERS = frozenset(
    {
        *("requests", "failed_over", "exhausted", "attempts", "served", "failures"),
        *("total_calls", "failovers_last_minute", "recent_activity", "rpc_calls_per_second"),
        *("calls_last_minute", "total_races", "win_rate", "total_requests", "failed_requests"),
    }
)


def _count_nothing(gateway: Gateway) -> None:
    def zero(path: str, document: Document) -> Document:
        return {key: _zeroed(key, value) for key, value in document.items()}

    change_pages(gateway, zero)


def _zeroed(key: str, value: object) -> object:
    if isinstance(value, dict):
        return {name: _zeroed(name, inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_zeroed(key, inner) for inner in value]
    return 0 if key in COUNTERS else value


DEFECTS = (
    Defect(
        name="telemetry-zero-counters",
        area="telemetry",
        summary="every counter of the pages stays at zero, whatever is served",
        when="always",
        finding="telemetry",
        plant=_count_nothing,
    ),
)
