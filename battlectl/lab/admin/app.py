"""The admin API as one HTTP handler: routes, who may ask, how long an answer may take.

Rule: with a token, nothing but GET /version is answered without it. Then the router decides, then browsers
are turned away (a page that a victim opens could otherwise reach a port on loopback), then the handler runs.
An answer that takes longer than Toxiproxy would wait is a 503, and what it did is kept.
"""

from __future__ import annotations

import hmac
import secrets

import trio

from battlectl.lab.admin import chain, lease_handlers, providers, proxies, toxics
from battlectl.lab.admin.documents import encode, error_answer
from battlectl.lab.admin.errors import ApiError
from battlectl.lab.admin.routes import Found, Route, find_handler, plain_text
from battlectl.lab.admin.state import Admin
from battlectl.lab.net.http_server import Handler
from battlectl.lab.net.wire import Request, Response
from battlectl.lab.provider.shared_chain import SharedChain
from battlectl.lab.proxies.table import ProxyTable

VERSION = "2.12.0"
"""Of Toxiproxy, whose API this is: its clients ask."""

ANSWER_SECONDS = 25.0
TIMEOUT_PAGE = b"<html><head><title>Timeout</title></head><body><h1>Timeout</h1></body></html>"


async def show_version(admin: Admin, request: Request) -> Response:
    """GET /version."""
    body = b'{"version": "%s"}\n' % VERSION.encode()
    return Response(200, ((b"content-type", b"application/json;charset=utf-8"),), body)


ROUTES = (
    Route("/version", {"GET": show_version}),
    Route("/proxies", {"GET": proxies.list_proxies, "POST": proxies.create_proxy}),
    Route(
        "/proxies/{proxy}",
        {
            "GET": proxies.show_proxy,
            "POST": proxies.update_proxy,
            "PATCH": proxies.update_proxy,
            "DELETE": proxies.delete_proxy,
        },
    ),
    Route("/proxies/{proxy}/toxics", {"GET": toxics.list_toxics, "POST": toxics.create_toxic}),
    Route(
        "/proxies/{proxy}/toxics/{toxic}",
        {
            "GET": toxics.show_toxic,
            "POST": toxics.update_toxic,
            "PATCH": toxics.update_toxic,
            "DELETE": toxics.delete_toxic,
        },
    ),
    Route("/populate", {"POST": proxies.populate}),
    Route("/reset", {"POST": proxies.reset}),
    Route("/providers", {"GET": providers.list_providers}),
    Route("/providers/{proxy}", {"GET": providers.show_provider}),
    Route("/chain/reorg", {"POST": chain.reorg_chain}),
    Route("/chain/rpc", {"POST": chain.ask_chain}),
    Route("/leases", {"GET": lease_handlers.list_leases, "POST": lease_handlers.grant_lease}),
    Route(
        "/leases/{id}",
        {
            "GET": lease_handlers.show_lease,
            "PUT": lease_handlers.renew_lease,
            "DELETE": lease_handlers.end_lease,
        },
    ),
)


def admin_handler(
    table: ProxyTable, nursery: trio.Nursery, token: str | None = None, shared: SharedChain | None = None
) -> Handler:
    """The handler, whose leases are watched in `nursery`; `shared` is the chain of the simulated nodes."""
    admin = Admin(table, shared)
    nursery.start_soon(admin.leases.watch, nursery, admin.end_lease)

    async def handle(request: Request) -> Response:
        if token is not None and not _is_allowed(request, token):
            return _unauthorized()
        found = find_handler(ROUTES, request)
        if isinstance(found, Response):
            return found
        response = await _answer(admin, request, found)
        own = (b"x-toxiproxy-request-id", secrets.token_hex(10).encode())
        return Response(response.status, (*response.headers, own), response.body)

    return handle


async def _answer(admin: Admin, request: Request, found: Found) -> Response:
    if (request.header(b"user-agent") or b"").startswith(b"Mozilla/"):
        return plain_text(403, b"User agent not allowed\n")
    with trio.move_on_after(ANSWER_SECONDS):
        try:
            return await found.handle(admin, request, *found.names)
        except ApiError as error:
            return error_answer(error)
    return Response(503, ((b"content-type", b"text/html"),), TIMEOUT_PAGE)


def _is_allowed(request: Request, token: str) -> bool:
    if request.method == "GET" and request.target.partition("?")[0] == "/version":
        return True
    given = request.header(b"authorization") or b""
    return hmac.compare_digest(given, b"Bearer " + token.encode())


def _unauthorized() -> Response:
    body = encode({"error": "the token of this lab is missing or wrong", "status": 401})
    headers = ((b"content-type", b"application/json"), (b"www-authenticate", b"Bearer"))
    return Response(401, headers, body)
