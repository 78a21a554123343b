"""GET /api/status: the process, the connections and the providers, in the shape of 2025-10.

Rule: `availability` is what a request would meet: "up" may be asked, "limited" and "behind" after the others,
"open" only when nobody else is left, "wrong_chain" never. Of a provider's URL the status page shows no more
than the host: the rest may be a key. (The administration shows it whole, or nothing could be put back.)
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import trio

from battlectl.lab.gateway import breaker as b
from battlectl.lab.gateway.figures import resident_bytes
from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.settings import ProviderSettings, Transport
from battlectl.lab.gateway.state import Gateway

Document = dict[str, Any]


def status_document(gateway: Gateway, timestamp: str) -> Document:
    """`timestamp` is now, in text."""
    used = resident_bytes()  # of one process: there is nothing to divide it between
    connections = [_connection(gateway, provider) for provider in gateway.providers]
    active = sum(connection["connected"] for connection in connections)
    return {
        "system": {
            "status": "operational",
            "timestamp": timestamp,
            "uptime": int(gateway.uptime()),
            "process_count": trio.lowlevel.current_statistics().tasks_living,
            "memory_usage": {"total": used, "processes": used, "system": 0},
        },
        "connections": {"active": active, "total": len(connections), "details": connections},
        "chains": {gateway.settings.chain_name: _chain(gateway, connections)} if gateway.is_serving else {},
    }


def availability(gateway: Gateway, provider: Provider) -> str:
    """What a request would meet at this provider over HTTP."""
    now = gateway.clock()
    if provider.is_wrong_chain:
        return "wrong_chain"
    if (state := breaker_state(gateway, provider, "http")) != "closed":
        return state
    if provider.is_lagging or provider.is_forked:
        return "behind"
    return "limited" if provider.limited_until > now else "up"


def breaker_state(gateway: Gateway, provider: Provider, transport: Transport) -> b.State:
    """What time has made of it, whether a request has noticed yet or not."""
    return b.at(provider.breakers[transport], gateway.clock()).state


def provider_config(settings: ProviderSettings) -> Document:
    """A provider as configuration documents show it."""
    return {
        "id": settings.id,
        "name": settings.name or settings.id,
        "priority": settings.priority,
        "type": "public" if settings.tier == "free" else "paid",
        "url": settings.url,
        "ws_url": settings.ws_url,
        "api_key_required": False,
        "region": "local",
    }


def shown_url(url: str | None) -> str | None:
    """Scheme, host and port, and "/..." in place of a path or query; no name and password."""
    if url is None:
        return None
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    rest = "/..." if parts.path.strip("/") or parts.query else ""
    return f"{parts.scheme}://{host}{rest}"


def provider_status(gateway: Gateway, provider: Provider) -> Document:
    """All that is known of a provider."""
    now, state = gateway.clock(), availability(gateway, provider)
    breaker = b.at(provider.breakers["http"], now)
    ends = max(provider.limited_until, breaker.until)
    cooldown = None if ends <= now else int((gateway.truth.clock() + ends - now) * 1000)
    probed = provider.last_probe
    return {
        "id": provider.id,
        "name": provider.settings.name or provider.id,
        "status": "healthy" if state == "up" else "unhealthy",
        "config": {
            **provider_config(provider.settings),
            "url": shown_url(provider.url),
            "ws_url": shown_url(provider.ws_url),
        },
        "availability": state,
        "consecutive_failures": provider.failures_in_a_row,
        "consecutive_successes": provider.successes_in_a_row,
        "cooldown_until": cooldown,
        "last_error": provider.last_failure,
        "last_health_check": None if probed is None else int(probed * 1000),
        "policy": {
            "availability": state,
            "cooldown_until": cooldown,
            "consecutive_failures": provider.failures_in_a_row,
        },
        "circuit_state": breaker.state,
        "is_in_cooldown": cooldown is not None,
    }


def _chain(gateway: Gateway, connections: list[Document]) -> Document:
    states = [availability(gateway, provider) for provider in gateway.providers]
    samples = gateway.traffic.latencies
    failovers = gateway.truth.events.get("failover")
    return {
        "stats": {
            "total_providers": len(states),
            "active_providers": sum(state not in ("open", "wrong_chain") for state in states),
            "healthy_providers": states.count("up"),
            "total_requests": gateway.requests,
            "failed_requests": gateway.exhausted,
            "avg_response_time": round(1000 * sum(samples) / len(samples), 3) if samples else 0,
            "last_failover": int(failovers[-1]["at"] * 1000) if failovers else None,
        },
        "providers": [provider_status(gateway, provider) for provider in gateway.providers],
        "chain_name": gateway.settings.chain_name,
        "total_providers": len(states),
        "active_providers": sum(state not in ("open", "wrong_chain") for state in states),
        "ws_connections": connections,
        "circuit_states": {
            f"{provider.id}:{transport}": breaker.state
            for provider in gateway.providers
            for transport, breaker in provider.breakers.items()
            if breaker.state != "closed"
        },
    }


def _connection(gateway: Gateway, provider: Provider) -> Document:
    return {
        "id": provider.id,
        "connected": provider.line is not None,
        "reconnect_attempts": max(0, provider.lines - 1),
        "subscriptions": 0 if provider.line is None else provider.line.subscriptions,
        "pending_messages": 0,
    }
