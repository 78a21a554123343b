"""The gateway's port over HTTP: JSON-RPC, what it tells of itself, and its administration.

Rule: what is not JSON-RPC is answered here; everything else goes to a provider, except eth_chainId on
Lasso's routes, which Lasso answers itself. Each answer to JSON-RPC says who gave it (X-Lab-Provider) and how
many were asked (X-Lab-Attempts). docs/gateway.md lists the routes, and where they differ from Lasso's.
"""

from __future__ import annotations

from typing import Any

import msgspec

from battlectl.lab.gateway.admin import handle_admin
from battlectl.lab.gateway.api import handle_api
from battlectl.lab.gateway.building import build_gateway
from battlectl.lab.gateway.forwarding import Outcome
from battlectl.lab.gateway.meta import meta_document, meta_headers, new_request_id, with_meta
from battlectl.lab.gateway.probing import run_background
from battlectl.lab.gateway.questions import Question, read_question
from battlectl.lab.gateway.routes import Route, RouteError, check_route, read_route
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.net.http_server import Handler, Upgrade, json_response
from battlectl.lab.net.wire import Headers, Request, Response
from battlectl.lab.rpc import envelope
from battlectl.lab.rpc.envelope import INVALID_REQUEST, PARSE_ERROR, UNKNOWN_METHOD, RpcError

__all__ = ["build_gateway", "gateway_handler", "run_background"]

PASSED_ON = (b"x-request-id",)
CORS = (b"access-control-allow-origin", b"*")
PREFLIGHT = (
    CORS,
    (b"access-control-allow-methods", b"GET,POST,OPTIONS"),
    (
        b"access-control-allow-headers",
        b"Content-Type,Authorization,X-Requested-With,X-Lasso-Provider,X-Lasso-Transport,X-Lasso-Include-Meta",
    ),
    (b"access-control-max-age", b"86400"),
)
BAD_REQUEST = b'{"errors":{"detail":"Bad Request"}}'
NOT_FOUND = b'{"errors":{"detail":"Not Found"}}'
SUBSCRIBING = frozenset({"eth_subscribe", "eth_unsubscribe"})
OVER_WEBSOCKET = "Method not supported over HTTP. Use WebSocket connection for subscriptions."


def gateway_handler(gateway: Gateway, upgrade: Handler | None = None) -> Handler:
    """All routes as one handler; a request to become a WebSocket goes to `upgrade`, where there is one."""

    async def handle(request: Request) -> Response | Upgrade:
        if upgrade is not None and _wants_websocket(request):
            return await upgrade(request)
        if request.method == "POST" and (route := read_route(request, gateway.settings.revision)):
            return await _handle_rpc(gateway, request, route)
        path = request.target.partition("?")[0]
        if request.method == "OPTIONS":
            return Response(204, PREFLIGHT)
        if path == "/":
            return json_response(405, b'{"error":"JSON-RPC wants POST"}', ((b"allow", b"POST"),))
        if path.startswith("/api/admin/"):
            return await handle_admin(gateway, request, path) or _not_found()
        return handle_api(gateway, request, path) or _not_found()

    return gateway.seams.front(handle)


def _not_found() -> Response:
    return json_response(404, NOT_FOUND)


def _wants_websocket(request: Request) -> bool:
    return request.method == "GET" and (request.header(b"upgrade") or b"").lower() == b"websocket"


async def _handle_rpc(gateway: Gateway, request: Request, route: Route) -> Response:
    began = gateway.clock()
    try:
        value = _decode(request, route)
        check_route(route, gateway.settings, gateway.is_serving)
    except RouteError as wrong:
        return _refusal(wrong.status, None, wrong.error)
    except RpcError as error:
        return _unreadable(gateway, route, error)
    if value == [] and not route.is_own and gateway.settings.revision == "2025-10":
        return json_response(200, b"[]", (CORS, (b"x-lab-attempts", b"0")))
    try:
        question = read_question(value, request.body, _passed_on(request), gateway.settings.batch_limit)
        local = _answered_here(gateway, question, route)
    except RpcError as error:
        return _refusal(200, envelope.readable_id(value), error)
    only = None if route.provider is None else gateway.find(route.provider)
    outcome = None
    if not local:
        forward = gateway.seams.forward
        outcome = await forward(gateway, question, route.strategy, route.transport, only)
    body = local or (outcome.body if outcome else b"")
    return _answer(gateway, question, route, outcome, body, began)


def _decode(request: Request, route: Route) -> Any:
    """The body as JSON; RpcError -32600 when there is none, or on Lasso's routes, of another type."""
    kind = request.header(b"content-type")
    if not request.body or not (route.is_own or kind is None or b"json" in kind.lower()):
        raise RpcError(INVALID_REQUEST, "Invalid Request")
    return envelope.decode(request.body)


def _unreadable(gateway: Gateway, route: Route, error: RpcError) -> Response:
    if error.code != PARSE_ERROR:
        return _refusal(200, None, error)
    if gateway.settings.revision == "2025-10" and not route.is_own:
        return json_response(400, BAD_REQUEST, (CORS, (b"x-lab-attempts", b"0")))
    return _refusal(400, None, error)


def _answered_here(gateway: Gateway, question: Question, route: Route) -> bytes | None:
    """What needs no provider; RpcError for what only a WebSocket can do."""
    if question.is_batch or not question.ids:
        return None
    if question.method in SUBSCRIBING:
        place = {"websocket_url": f"/ws/rpc/{gateway.settings.chain_name}"}
        raise RpcError(UNKNOWN_METHOD, OVER_WEBSOCKET, place)
    if question.method == "eth_chainId" and not route.is_own:
        # Upper case, as Lasso writes it: whoever compares chain ids as text should find out here.
        result = f"0x{gateway.settings.chain_id:X}"
        return msgspec.json.encode({"jsonrpc": "2.0", "id": question.ids[0], "result": result})
    return None


def _answer(
    gateway: Gateway, question: Question, route: Route, outcome: Outcome | None, body: bytes, began: float
) -> Response:
    headers = [CORS, (b"x-lab-attempts", b"%d" % (len(outcome.attempts) if outcome else 0))]
    if outcome is not None and outcome.provider is not None:
        headers.append((b"x-lab-provider", outcome.provider.id.encode()))
    if not body:
        return Response(204, headers)
    if route.include_meta in ("headers", "body"):
        strategy = route.strategy or gateway.settings.default_strategy
        seconds = gateway.clock() - began
        meta = meta_document(gateway.settings, new_request_id(), strategy, route.transport, outcome, seconds)
        if route.include_meta == "headers" and not (
            question.is_batch and gateway.settings.revision == "2025-10"
        ):
            headers.extend(meta_headers(meta))
        elif route.include_meta == "body" and not question.is_batch:
            body = with_meta(body, meta)
    return json_response(200, body, headers)


def _passed_on(request: Request) -> Headers:
    return [(key, found) for key in PASSED_ON if (found := request.header(key)) is not None]


def _refusal(status: int, id_: Any, error: RpcError) -> Response:
    return json_response(
        status, msgspec.json.encode(envelope.error_reply(id_, error)), (CORS, (b"x-lab-attempts", b"0"))
    )
