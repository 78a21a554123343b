"""What a client is told of how its request was served, in the fields of Lasso's contract; pure.

Rule: X-Lasso-Meta is base64url JSON without padding, and absent above META_LIMIT bytes. The current revision
lists the channels that were asked, 2025-10 all that were considered, in order; `retries` is how many were
asked in vain in both. Where no provider answered, none is named.
"""

from __future__ import annotations

import base64
import secrets
from typing import Any

import msgspec

from battlectl.lab.gateway.forwarding import Outcome
from battlectl.lab.gateway.settings import GatewaySettings, Strategy, Transport
from battlectl.lab.net.wire import Headers

META_LIMIT = 4_096


def new_request_id() -> str:
    """32 hex digits."""
    return secrets.token_hex(16)


def meta_document(
    settings: GatewaySettings,
    request_id: str,
    strategy: Strategy,
    transport: Transport,
    outcome: Outcome | None,
    seconds: float,
) -> dict[str, Any]:
    """`outcome` is None for what the gateway answered without a provider; `seconds` is the whole of it."""
    is_current = settings.revision == "current"
    document: dict[str, Any] = {
        "version": "1.0",
        "strategy": strategy.replace("-", "_"),
        "request_id": request_id,
        "transport": transport,
        **({"chain_id": settings.chain_id} if is_current else {"chain": settings.chain_name}),
        "circuit_breaker_state": "unknown",
        "retries": 0,
        "candidate_providers": [],
    }
    return document if outcome is None else {**document, **_served(outcome, seconds, is_current)}


def meta_headers(document: dict[str, Any]) -> Headers:
    """The two headers, or one when the document is too large."""
    request_id = (b"x-lasso-request-id", document["request_id"].encode())
    encoded = base64.urlsafe_b64encode(msgspec.json.encode(document)).rstrip(b"=")
    return (request_id,) if len(encoded) > META_LIMIT else (request_id, (b"x-lasso-meta", encoded))


def with_meta(body: bytes, document: dict[str, Any]) -> bytes:
    """A single reply with the document in it."""
    return msgspec.json.encode({**msgspec.json.decode(body), "lasso_meta": document})


def _served(outcome: Outcome, seconds: float, is_current: bool) -> dict[str, Any]:
    asked = [made.provider for made in outcome.attempts]
    channels = asked if is_current else outcome.candidates
    told: dict[str, Any] = {
        "retries": max(0, len(asked) - 1),
        "candidate_providers": [f"{provider.id}:{outcome.transport}" for provider in channels],
        "upstream_latency_ms": None,
        "selection_latency_ms": _ms(outcome.selection_s),
        "end_to_end_latency_ms": _ms(seconds),
    }
    if outcome.provider is not None:
        answered = next(made for made in reversed(outcome.attempts) if made.provider is outcome.provider)
        told["selected_provider"] = {"id": outcome.provider.id, "protocol": outcome.transport}
        told["circuit_breaker_state"] = answered.breaker
        told["upstream_latency_ms"] = _ms(answered.seconds)
        if is_current:
            told["lasso_overhead_ms"] = _ms(seconds - answered.seconds)
    return told


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
