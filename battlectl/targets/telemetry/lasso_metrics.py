"""Lasso's /api/health, /api/metrics/:chain and /api/status, of both revisions.

Rule: whatever is not there or of another shape is unsaid. Fields beyond Lasso's own (the lab's gateway has
some) are read where they are. `total_races` of a provider are the requests that were tried there. Memory of
zero is that of a system which does not say how much it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from battlectl.observe.telemetry import ProviderTold, Told, few, real, whole
from battlectl.targets.telemetry.json_pages import part, read_page, rows

MEBIBYTE = 2**20


def read_metrics(body: bytes) -> Told:
    """GET /api/metrics/:chain; raises ValueError for what is no such page."""
    page = read_page(body)
    performance, system = part(page, "chain_performance"), part(page, "system_metrics")
    latencies = {stat: _seconds(performance.get(f"{stat}_latency")) for stat in ("p50", "p95")}
    memory = real(system.get("memory_mb"))
    return Told(
        requests=whole(performance.get("total_calls")),
        success_ratio=_ratio(performance.get("success_rate")),
        latency_s={stat: seconds for stat, seconds in latencies.items() if seconds is not None},
        providers=_providers(page.get("providers"), _raced),
        memory_bytes=round(memory * MEBIBYTE) if memory else None,
        processes=whole(system.get("process_count")),
    )


def read_by_provider(body: bytes) -> Told:
    """The same page's `rpc_performance_by_provider`, which the current revision has beside the rest."""
    return Told(providers=_providers(read_page(body).get("rpc_performance_by_provider"), _counted))


def read_health(body: bytes) -> Told:
    """GET /api/health; raises ValueError."""
    page = read_page(body)
    counters = part(page, "counters")
    listed = page.get("providers")
    return Told(
        requests=whole(counters.get("requests")),
        failures=whole(counters.get("exhausted")),
        providers=_providers(listed, lambda row: ProviderTold(attempts=whole(row.get("attempts")))),
        breakers=few(_breakers(listed)),
        uptime_s=real(page.get("uptime_seconds", page.get("uptime"))),
    )


def read_status(body: bytes) -> Told:
    """GET /api/status, of 2025-10; raises ValueError. Of several chains the first is read."""
    page = read_page(body)
    system = part(page, "system")
    chain = next((chain for chain in part(page, "chains").values() if isinstance(chain, dict)), {})
    stats = part(chain, "stats")
    return Told(
        requests=whole(stats.get("total_requests")),
        failures=whole(stats.get("failed_requests")),
        breakers=few(
            (row.get("id"), _text(row.get("circuit_state"))) for row in rows(chain.get("providers"))
        ),
        memory_bytes=whole(part(system, "memory_usage").get("total")) or None,
        processes=whole(system.get("process_count")),
        uptime_s=real(system.get("uptime")),
    )


def _providers(listed: Any, read: Any) -> dict[str, ProviderTold] | None:
    """None where rows are there and none of them tells a number of attempts."""
    if not isinstance(listed, list):
        return None
    told = few((row.get("id"), read(row)) for row in rows(listed))
    return told if not listed or any(one.attempts is not None for one in told.values()) else None


def _raced(row: dict[str, Any]) -> ProviderTold:
    races, won = whole(row.get("total_races")), real(row.get("win_rate"))
    served = None if races is None or won is None or won > 1 else round(races * won)
    errors = None if races is None or served is None else races - served
    return ProviderTold(races, served, errors, _seconds(row.get("avg_margin_ms")))


def _counted(row: dict[str, Any]) -> ProviderTold:
    return ProviderTold(whole(row.get("attempts")), whole(row.get("served")), whole(row.get("failures")))


def _breakers(listed: Any) -> Iterator[tuple[object, str]]:
    for row in rows(listed):
        for transport, state in part(row, "breakers").items():
            if isinstance(row.get("id"), str):
                yield f"{row['id']}:{transport}", _text(state)


def _text(state: object) -> str:
    return state[:20] if isinstance(state, str) else "unknown"


def _seconds(milliseconds: object) -> float | None:
    value = real(milliseconds)
    return None if value is None else value / 1e3


def _ratio(told: object) -> float | None:
    """Told in per cent, or as a ratio where it is at most 1: which of the two, below 1 %, nobody can tell."""
    value = real(told)
    return None if value is None or value > 100 else value / 100 if value > 1 else value
