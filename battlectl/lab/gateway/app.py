"""The gateway: a small aggregator that keeps its promises, as an HTTP handler.

Rule: what is not JSON-RPC is answered here (-32700 as HTTP 400, -32600 as 200); everything else goes to a
provider. Each answer says who gave it (X-Lab-Provider) and how many were asked (X-Lab-Attempts).
Routes: POST / and /rpc/<chain name or id>, GET /api/health.
"""

from __future__ import annotations

from typing import Any

import msgspec
import trio

from battlectl.lab.chain.chain import CHAIN_ID, CHAIN_NAME
from battlectl.lab.gateway import cooldown
from battlectl.lab.gateway.forwarding import Gateway, Outcome, Provider, Question, forward
from battlectl.lab.net.http_server import Handler, json_response
from battlectl.lab.net.upstream import pool_for
from battlectl.lab.net.wire import Request, Response
from battlectl.lab.rpc import envelope
from battlectl.lab.rpc.envelope import INVALID_PARAMS, RpcError

CHAIN_ROUTES = frozenset({"/", f"/rpc/{CHAIN_NAME}", f"/rpc/{CHAIN_ID}"})
PASSED_ON = (b"x-request-id",)


def build_gateway(urls: dict[str, str], attempt_timeout: float) -> Gateway:
    """A gateway over providers given as id -> URL."""
    providers = tuple(Provider(id_, url, pool_for(url)) for id_, url in urls.items())
    return Gateway(providers, attempt_timeout)


def gateway_handler(gateway: Gateway) -> Handler:
    """The routes of the gateway as one handler; a wrong path is a 404, a wrong verb a 405."""

    async def handle(request: Request) -> Response:
        path = request.target.partition("?")[0]
        if path == "/api/health" and request.method == "GET":
            return json_response(200, msgspec.json.encode(health_document(gateway, trio.current_time())))
        if path not in CHAIN_ROUTES and not path.startswith("/rpc/"):
            return json_response(404, b'{"error":"not found: POST / or GET /api/health"}')
        if request.method != "POST":
            return json_response(405, b'{"error":"JSON-RPC wants POST"}', ((b"allow", b"POST"),))
        return await _handle_rpc(gateway, request, path in CHAIN_ROUTES)

    return handle


async def _handle_rpc(gateway: Gateway, request: Request, is_known_chain: bool) -> Response:
    try:
        value = envelope.decode(request.body)
    except RpcError as error:
        return _error_response(400, None, error)
    if not is_known_chain:
        unknown = RpcError(INVALID_PARAMS, f"unknown chain: this gateway has {CHAIN_NAME} ({CHAIN_ID})")
        return _error_response(400, envelope.readable_id(value), unknown)
    try:
        question = read_question(request, value)
    except RpcError as error:
        return _error_response(200, envelope.readable_id(value), error)
    return _response(await forward(gateway, question))


def read_question(request: Request, value: Any) -> Question:
    """What to forward, or RpcError; broken items of a batch are the provider's to refuse."""
    headers = [(key, found) for key in PASSED_ON if (found := request.header(key)) is not None]
    if not isinstance(value, list):
        call = envelope.read_call(value)
        return Question(request.body, [call.id] if call.wants_answer else [], False, headers)
    envelope.check_batch(value)
    return Question(request.body, [id_ for item in value for id_ in _expected_id(item)], True, headers)


def health_document(gateway: Gateway, now: float) -> dict[str, Any]:
    """What GET /api/health says; `now` is on the clock that the cool-downs were set by."""
    providers = [_provider_document(provider, now) for provider in gateway.providers]
    up = sum(provider["state"] == "up" for provider in providers)
    return {
        "status": "healthy" if up == len(providers) else "degraded" if up else "down",
        "chain": CHAIN_NAME,
        "chain_id": CHAIN_ID,
        "providers": providers,
        "counters": {
            "requests": gateway.requests,
            "failed_over": gateway.failed_over,
            "exhausted": gateway.exhausted,
        },
    }


def _provider_document(provider: Provider, now: float) -> dict[str, Any]:
    return {
        "id": provider.id,
        "url": provider.url,
        "state": "cooling" if cooldown.is_cooling(provider.health, now) else "up",
        "attempts": provider.attempts,
        "failures": provider.failures,
        "last_failure": provider.health.last_failure,
    }


def _expected_id(item: Any) -> list[Any]:
    try:
        call = envelope.read_call(item)
    except RpcError:
        return [envelope.readable_id(item)]
    return [call.id] if call.wants_answer else []


def _response(outcome: Outcome) -> Response:
    headers = [(b"x-lab-attempts", b"%d" % outcome.attempts)]
    if outcome.provider is not None:
        headers.append((b"x-lab-provider", outcome.provider.encode()))
    if not outcome.body:
        return Response(204, headers)
    return json_response(outcome.status, outcome.body, headers)


def _error_response(status: int, id_: Any, error: RpcError) -> Response:
    return json_response(status, msgspec.json.encode(envelope.error_reply(id_, error)))
