"""The administration of the gateway's chain, with the resources of Lasso 2025-10, in both revisions.

Rule: what is answered with 200 is in force: a replaced chain's new providers are asked by the next request,
removed ones finish what they have begun. A document is taken whole or not at all, and a mistake is a 400
that says where. A gateway has one chain: a second one is a 409.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

from battlectl.lab.gateway.settings import GatewaySettings, ProviderSettings
from battlectl.lab.gateway.state import Gateway, configure
from battlectl.lab.gateway.status import provider_config
from battlectl.lab.net.http_server import json_response
from battlectl.lab.net.wire import Request, Response

Document = dict[str, Any]
ROOT = "/api/admin/chains"
CONNECTION: Document = {
    "heartbeat_interval": 30_000,
    "reconnect_interval": 5_000,
    "max_reconnect_attempts": 10,
}
FAILOVER: Document = {"enabled": True, "max_backfill_blocks": 100, "backfill_timeout": 30_000}
NO_CHAIN = {"error": "Chain not found"}


class ProviderDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A provider in a chain document; what is Lasso's own and has no meaning here is taken and forgotten."""

    id: str
    url: str
    ws_url: str | None = None
    name: str = ""
    priority: int = 1
    type: Literal["public", "free", "paid"] = "public"


class ChainDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A chain: its title, its id, and all of its providers."""

    name: str
    chain_id: Annotated[int, msgspec.Meta(ge=0)]
    providers: Annotated[list[ProviderDocument], msgspec.Meta(min_length=1)]
    id: str | None = None


class Envelope(msgspec.Struct, frozen=True):
    """What is sent."""

    chain: ChainDocument


async def handle_admin(gateway: Gateway, request: Request, path: str) -> Response | None:
    """The answer to a request below /api/admin/; None where nothing is."""
    match request.method, path.removeprefix(ROOT):
        case "GET", "":
            return _json({"chains": [_summary(gateway)] if gateway.is_serving else []})
        case "POST", "":
            return await _create(gateway, request.body)
        case "POST", "/validate":
            return _validate(gateway, request.body)
        case "POST", "/backup":
            return _json(_backup(gateway))
        case method, name if path.startswith(f"{ROOT}/") and name.count("/") == 1:
            return await _handle_chain(gateway, method, name[1:], request.body)
        case _:
            return None


async def _handle_chain(gateway: Gateway, method: str, name: str, body: bytes) -> Response | None:
    known = gateway.is_serving and name in (gateway.settings.chain_name, str(gateway.settings.chain_id))
    if method not in ("GET", "PUT", "DELETE"):
        return None
    if not known:
        return _json(NO_CHAIN, 404)
    if method == "PUT":
        return await _replace(gateway, body, gateway.settings.chain_name)
    if method == "DELETE":
        none = msgspec.structs.replace(gateway.settings, providers=())
        await configure(gateway, none, is_serving=False)
        return _json({"message": "Chain deleted successfully"})
    return _json({"chain": chain_document(gateway)})


async def _create(gateway: Gateway, body: bytes) -> Response:
    """A chain where there is none any more."""
    if gateway.is_serving:
        return _json(
            {"error": f"this gateway has one chain, {gateway.settings.chain_name}: PUT replaces it"}, 409
        )
    return await _replace(gateway, body, None, 201)


async def _replace(gateway: Gateway, body: bytes, name: str | None, status: int = 200) -> Response:
    try:
        settings = read_chain(gateway.settings, body, name)
    except (ValueError, RecursionError) as error:
        return _json({"error": f"invalid chain: {error}"}, 400)
    await configure(gateway, settings)
    return _json({"chain": chain_document(gateway)}, status)


def _validate(gateway: Gateway, body: bytes) -> Response:
    try:
        read_chain(gateway.settings, body, None)
    except (ValueError, RecursionError) as error:
        return _json({"message": f"invalid chain: {error}", "valid": False}, 400)
    return _json({"message": "Chain configuration is valid", "valid": True})


def read_chain(settings: GatewaySettings, body: bytes, name: str | None) -> GatewaySettings:
    """The settings with the chain that `body` describes; ValueError says what is wrong with it.

    The chain keeps the `name` by which it is addressed; None takes it from the document.
    """
    chain = msgspec.json.decode(body, type=Envelope).chain
    providers = [
        ProviderSettings(
            id=found.id,
            url=found.url,
            ws_url=found.ws_url,
            priority=found.priority,
            tier="paid" if found.type == "paid" else "free",
            name="" if found.name == found.id else found.name,  # which is how one without a name is shown
        )
        for found in chain.providers
    ]
    changed = msgspec.structs.replace(
        settings,
        providers=tuple(providers),
        chain_title=chain.name,
        chain_id=chain.chain_id,
        chain_name=name or chain.id or settings.chain_name,
    )
    # Built by hand, it has not been through the checks that a document goes through.
    return msgspec.json.decode(msgspec.json.encode(changed), type=GatewaySettings)


def chain_document(gateway: Gateway) -> Document:
    """The chain with all that PUT takes."""
    settings = gateway.settings
    return {
        "id": settings.chain_name,
        "name": settings.chain_title,
        "chain_id": settings.chain_id,
        "providers": [provider_config(provider.settings) for provider in gateway.providers],
        "connection": CONNECTION,
        "failover": FAILOVER,
    }


def _summary(gateway: Gateway) -> Document:
    return {**chain_document(gateway), "provider_count": len(gateway.providers)}


def _backup(gateway: Gateway) -> Document:
    """The document itself: this gateway writes no files."""
    at = datetime.fromtimestamp(gateway.truth.clock(), UTC).strftime("%Y-%m-%dT%H-%M-%S.%fZ")
    filename = f"chains_backup_{at}.json"
    chains = [chain_document(gateway)] if gateway.is_serving else []
    return {
        "message": "Backup created successfully",
        "filename": filename,
        "backup_path": "",
        "chains": chains,
    }


def _json(document: Document, status: int = 200) -> Response:
    return json_response(status, msgspec.json.encode(document))
