"""A simulated node as an HTTP handler: the chain's answers, after a delay when one is asked for."""

from __future__ import annotations

import time
from collections.abc import Callable

import trio

from battlectl.lab.chain.chain import Chain, view_at
from battlectl.lab.net.http_server import Handler, json_response
from battlectl.lab.net.wire import Request, Response
from battlectl.lab.rpc import methods as node_rpc


def node_handler(chain: Chain, latency: float, clock: Callable[[], float] = time.time) -> Handler:
    """`latency` in seconds is added to every answer; `clock` gives Unix time, which all providers share."""

    async def handle(request: Request) -> Response:
        if request.method != "POST":
            return json_response(405, b'{"error":"JSON-RPC wants POST"}', ((b"allow", b"POST"),))
        if latency:
            await trio.sleep(latency)
        body = node_rpc.answer(view_at(chain, clock()), request.body)
        return Response(204) if body is None else json_response(200, body)

    return handle
