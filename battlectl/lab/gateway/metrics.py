"""GET /api/metrics/:chain: what was served, by provider and by method, in Lasso's fields.

Rule: only clients' requests count here, no probes. A batch is one request; by method, each of its calls
counts. An attempt is one request, or by method one call, at one provider; `score` is a provider's mean
latency in ms as the strategies see it, lower being better.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import trio

from battlectl.lab.gateway.figures import MEBIBYTE, processor_seconds, resident_bytes
from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.gateway.status import availability
from battlectl.lab.gateway.traffic import WINDOW_SECONDS, percentile

Document = dict[str, Any]


def metrics_document(gateway: Gateway) -> Document:
    """The whole page."""
    truth = gateway.truth
    asked = [provider for provider in gateway.providers if provider.attempts]
    methods = sorted({(method, transport) for _, transport, method in truth.served})
    document: Document = {
        "timestamp": int(truth.clock() * 1000),
        "chain": gateway.settings.chain_name,
        "chain_id": gateway.settings.chain_id,
        "providers": [_provider(gateway, provider) for provider in asked],
        "last_updated": int(truth.clock() * 1000),
        "rpc_methods": [f"{method}@{transport}" for method, transport in methods],
        "chain_performance": _performance(gateway),
        "system_metrics": _system(gateway),
    }
    if gateway.settings.revision == "current":
        document["rpc_performance_by_method"] = _by_method(gateway)
        document["rpc_performance_by_provider"] = [_by_provider(provider) for provider in asked]
    return document


def _performance(gateway: Gateway) -> Document:
    lately = gateway.traffic.lately(gateway.clock())
    samples = gateway.traffic.latencies
    failed = gateway.exhausted / gateway.requests if gateway.requests else None
    return {
        "success_rate": None if failed is None else round(100 * (1 - failed), 3),
        "total_calls": gateway.requests,
        "total_providers": len(gateway.providers),
        "p50_latency": _ms(percentile(samples, 0.5)),
        "p95_latency": _ms(percentile(samples, 0.95)),
        "failovers_last_minute": lately["failovers"],
        "connected_providers": sum(availability(gateway, p) == "up" for p in gateway.providers),
        "recent_activity": lately["requests"],
        "rpc_calls_per_second": round(lately["requests"] / WINDOW_SECONDS, 3),
        "error_rate_percent": round(100 * lately["failed"] / max(1, lately["requests"]), 3),
    }


def _provider(gateway: Gateway, provider: Provider) -> Document:
    latency = _mean_latency(provider)
    return {
        "id": provider.id,
        "name": provider.settings.name or provider.id,
        "calls_last_minute": gateway.traffic.lately(gateway.clock())[f"to {provider.id}"],
        "avg_margin_ms": latency,
        "total_races": provider.attempts,
        "win_rate": round(provider.served / provider.attempts, 6),
        "score": latency,
    }


def _by_method(gateway: Gateway) -> list[Document]:
    asked: Counter[str] = Counter()
    served: Counter[str] = Counter()
    for (_, _, method), count in gateway.truth.attempts.items():
        asked[method] += count
    for (_, _, method), count in gateway.truth.served.items():
        served[method] += count
    return [
        {"method": method, "attempts": count, "served": served[method]}
        for method, count in sorted(asked.items())
    ]


def _by_provider(provider: Provider) -> Document:
    latencies = {method: _ms(score.seconds) for method, score in sorted(provider.latencies.items())}
    counts = {"attempts": provider.attempts, "served": provider.served, "failures": provider.failures}
    return {"id": provider.id, **counts, "latency_ms": latencies}


def _mean_latency(provider: Provider) -> float:
    scores = [score.seconds for score in provider.latencies.values()]
    return round(1000 * sum(scores) / len(scores), 3) if scores else 0.0


def _system(gateway: Gateway) -> Document:
    statistics = trio.lowlevel.current_statistics()
    uptime = gateway.uptime()
    return {
        "process_count": statistics.tasks_living,
        "run_queue": statistics.tasks_runnable,
        "memory_mb": round(resident_bytes() / MEBIBYTE, 1),
        "cpu_percent": round(100 * processor_seconds() / uptime, 3) if uptime > 0 else 0.0,
    }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(1000 * seconds, 3)
