"""Defects of what the gateway tells of itself: its pages say what is not so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from battlectl.lab.gateway.defects.defect import Defect
from battlectl.lab.gateway.defects.wrapping import Document, change_pages
from battlectl.lab.gateway.state import Gateway

STALE_SECONDS = 60.0
COUNTERS = frozenset(
    {
        *("requests", "failed_over", "exhausted", "attempts", "served", "failures"),
        *("total_calls", "failovers_last_minute", "recent_activity", "rpc_calls_per_second"),
        *("calls_last_minute", "total_races", "win_rate", "total_requests", "failed_requests"),
    }
)
FAILURES = frozenset(
    {
        *("failed_over", "exhausted", "failures", "failed_requests", "failovers_last_minute"),
        *("consecutive_failures", "error_rate_percent"),
    }
)
MEMORY = frozenset({"memory_mb", "total", "processes"})


def _rewrite(change: Callable[[str, Any], Any]) -> Callable[[Gateway], None]:
    """Plants `change` of each figure, by its key; what it is not about it returns as it is."""

    def deep(key: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: deep(name, inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [deep(key, inner) for inner in value]
        return change(key, value)

    return lambda gateway: change_pages(
        gateway, lambda path, document: {key: deep(key, value) for key, value in document.items()}
    )


def _zero(key: str, value: Any) -> Any:
    return 0 if key in COUNTERS else value


def _hide_failures(key: str, value: Any) -> Any:
    if key in ("success_rate", "win_rate"):
        return 100.0 if key == "success_rate" else 1.0
    return 0 if key in FAILURES else None if key in ("last_failure", "last_error") else value


def _double(key: str, value: Any) -> Any:
    return value * 2 if key in COUNTERS - {"win_rate"} and isinstance(value, int | float) else value


def _close_breakers(key: str, value: Any) -> Any:
    if key in ("http", "ws", "circuit_state"):
        return "closed"
    return "up" if key in ("state", "availability") and value in ("open", "half_open") else value


def _empty_circuit_states(gateway: Gateway) -> None:
    def empty(path: str, document: Document) -> Document:
        for chain in document.get("chains", {}).values() if path == "/api/status" else ():
            chain["circuit_states"] = {}
        return document

    _rewrite(_close_breakers)(gateway)
    change_pages(gateway, empty)


def _show_old_pages(gateway: Gateway) -> None:
    kept: dict[str, tuple[float, Document]] = {}

    def old(path: str, document: Document) -> Document:
        now = gateway.clock()
        if path not in kept or now - kept[path][0] > STALE_SECONDS:
            kept[path] = now, document
        return kept[path][1]

    change_pages(gateway, old)


def _exchange_providers(gateway: Gateway) -> None:
    """Each row of a provider has the name of the one after it."""

    def exchange(path: str, document: Document) -> Document:
        for key in ("providers", "rpc_performance_by_provider"):
            if isinstance(rows := document.get(key), list) and rows:
                names = [row["id"] for row in rows]
                for row, name in zip(rows, [*names[1:], names[0]], strict=True):
                    row["id"] = name
        return document

    change_pages(gateway, exchange)


def _hold_memory(gateway: Gateway) -> None:
    first: dict[str, Any] = {}

    def hold(key: str, value: Any) -> Any:
        is_memory = key in MEMORY and isinstance(value, int | float)
        return first.setdefault(key, value) if is_memory else value

    def held(path: str, document: Document) -> Document:
        for part in (document.get("system_metrics", {}), document.get("system", {}).get("memory_usage", {})):
            part |= {key: hold(key, value) for key, value in part.items()}
        return document

    change_pages(gateway, held)


DEFECTS = (
    Defect(
        name="telemetry-zero-counters",
        area="telemetry",
        summary="every counter of the pages stays at zero, whatever is served",
        when="always",
        finding="telemetry",
        plant=_rewrite(_zero),
    ),
    Defect(
        name="telemetry-counts-twice",
        area="telemetry",
        summary="every counter of the pages is twice what it should be",
        when="always",
        finding="telemetry",
        plant=_rewrite(_double),
    ),
    Defect(
        name="telemetry-stale",
        area="telemetry",
        summary="pages are up to a minute old, their own timestamps included",
        when="always",
        finding="telemetry",
        plant=_show_old_pages,
    ),
    Defect(
        name="telemetry-wrong-provider",
        area="telemetry",
        summary="what is told of a provider in health and metrics is so of the next one",
        when="shows where providers differ in what they serve or how they fare",
        finding="telemetry",
        plant=_exchange_providers,
    ),
    Defect(
        name="telemetry-breakers-closed",
        area="telemetry",
        summary="all breakers are told to be closed, and all providers to be up",
        when="while a breaker is open",
        finding="telemetry",
        plant=_empty_circuit_states,
    ),
    Defect(
        name="telemetry-failures-hidden",
        area="telemetry",
        summary="no failure of a provider and no failed request is ever told",
        when="while a provider fails",
        finding="telemetry",
        plant=_rewrite(_hide_failures),
    ),
    Defect(
        name="telemetry-memory-constant",
        area="telemetry",
        summary="the memory told is that of the first look, for ever",
        when="always; shows while memory changes",
        finding="telemetry",
        plant=_hold_memory,
    ),
)
