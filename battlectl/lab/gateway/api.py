"""What the gateway tells of itself: /api/health, /api/chains, /api/metrics, /api/status, /lab/truth.

Rule: every figure is counted, none is made up; what there is no figure for is null or empty. The fields are
Lasso's; docs/gateway.md says what each of them means here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from battlectl.lab.gateway.ledger import ledger_document
from battlectl.lab.gateway.metrics import metrics_document
from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.gateway.status import availability, breaker_state, status_document
from battlectl.lab.gateway.truth import truth_document
from battlectl.lab.net.http_server import json_response
from battlectl.lab.net.wire import Request, Response

VERSIONS = {"current": "0.2.0", "2025-10": "0.1.0"}
"""Of the contract that is kept, for those who look at it."""

Document = dict[str, Any]


def handle_api(gateway: Gateway, request: Request, path: str) -> Response | None:
    """The answer to a GET of one of these paths; None for any other."""
    if request.method != "GET":
        return None
    settings = gateway.settings
    if path.startswith("/api/metrics/"):
        return _metrics(gateway, path.removeprefix("/api/metrics/"))
    if path in (f"/api/chains/{settings.chain_name}/status", f"/api/chains/{settings.chain_id}/status"):
        # Recorded of 2025-10 only; the current revision has no such page.
        return _json({"status": "not implemented"}) if settings.revision == "2025-10" else None
    page = PAGES.get(path)
    return None if page is None else _json(page(gateway))


def health_document(gateway: Gateway) -> Document:
    """GET /api/health: `healthy` when every provider may be asked, `down` when none is."""
    up = sum(availability(gateway, provider) == "up" for provider in gateway.providers)
    document: Document = {
        "status": "healthy" if up == len(gateway.providers) else "degraded" if up else "down",
        "timestamp": timestamp(gateway),
        "version": VERSIONS[gateway.settings.revision],
        **_revision_fields(gateway),
    }
    document["chain"], document["chain_id"] = gateway.settings.chain_name, gateway.settings.chain_id
    document["providers"] = [_provider_health(gateway, provider) for provider in gateway.providers]
    document["counters"] = {
        "requests": gateway.requests,
        "failed_over": gateway.failed_over,
        "exhausted": gateway.exhausted,
    }
    return document


def chains_document(gateway: Gateway) -> Document:
    """GET /api/chains."""
    settings = gateway.settings
    names = {"chain_name": settings.chain_name, "chain_id": str(settings.chain_id)}
    chain = {"name": settings.chain_title, "supported": True, **names}
    return {"chains": [chain] if gateway.is_serving else []}


def timestamp(gateway: Gateway) -> str:
    """Now, as Lasso writes it."""
    return datetime.fromtimestamp(gateway.truth.clock(), UTC).isoformat().replace("+00:00", "Z")


def _revision_fields(gateway: Gateway) -> Document:
    uptime = int(gateway.uptime())
    if gateway.settings.revision == "2025-10":
        return {"uptime": uptime}
    nodes = {"nodes_connected": 1, "nodes_responding": 1, "nodes_total": 1}
    cluster = {"enabled": False, "status": "healthy", "regions": [], **nodes}
    return {"cluster": cluster, "uptime_seconds": uptime}


def _provider_health(gateway: Gateway, provider: Provider) -> Document:
    return {
        "id": provider.id,
        "state": availability(gateway, provider),
        "head": provider.head,
        "breakers": {
            transport: breaker_state(gateway, provider, transport) for transport in provider.breakers
        },
        "attempts": provider.attempts,
        "failures": provider.failures,
        "last_failure": provider.last_failure,
    }


def _metrics(gateway: Gateway, chain: str) -> Response:
    settings = gateway.settings
    if not gateway.is_serving or chain not in (settings.chain_name, str(settings.chain_id)):
        available = [settings.chain_name] if gateway.is_serving else []
        missing = {"error": "Chain not found", "chain": chain, "available_chains": available}
        return _json(missing, 404)
    return _json(metrics_document(gateway))


def _json(document: Document, status: int = 200) -> Response:
    return json_response(status, msgspec.json.encode(document))


PAGES: dict[str, Callable[[Gateway], Document]] = {
    "/api/health": health_document,
    "/api/chains": chains_document,
    "/api/status": lambda gateway: status_document(gateway, timestamp(gateway)),
    "/lab/truth": lambda gateway: truth_document(gateway.truth),
    "/lab/truth/requests": lambda gateway: ledger_document(gateway.ledger, gateway.truth.clock),
}
