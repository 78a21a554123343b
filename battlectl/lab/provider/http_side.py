"""The HTTP side of a provider: requests of one connection, each past the faults that touch it.

Rule: the hooks are asked in the order of effect.py. An answer is taken apart only for faults that touch
single calls or replies; without faults it goes from the backend to the socket as it is, in one piece.
"""

from __future__ import annotations

import math
import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import trio

from battlectl.lab.faults.effect import Delivery
from battlectl.lab.net.http_server import (
    HEADER_LIMIT,
    IDLE_SECONDS,
    RECEIVE_BYTES,
    Received,
    Refusal,
    json_response,
    receive_request,
    refuse,
)
from battlectl.lab.net.wire import BODILESS, Request, Response, response_bytes
from battlectl.lab.net.ws_server import wants_websocket
from battlectl.lab.provider.apart import assemble, numbered_ids, read_message, take_answer, take_apart
from battlectl.lab.provider.backend import Unreachable
from battlectl.lab.provider.connection import Connection
from battlectl.lab.provider.delivery import deliver
from battlectl.lab.provider.handshake import serve_websocket
from battlectl.lab.provider.touches import Touches

if TYPE_CHECKING:
    from battlectl.lab.provider.provider import Provider

ON_CALLS = ("answer", "ask", "reply", "replies")
BUG = Response(500, ((b"content-type", b"text/plain"),), b"internal error of the lab\n")


async def serve_http(provider: Provider, connection: Connection) -> None:
    """Answer requests until either side ends the connection; a client's doing never raises."""
    rest: bytes | None = b""
    try:
        while rest is not None:
            rest = await _one_exchange(provider, connection, rest)
    except Refusal as refusal:
        await refuse(connection.stream, refusal)
    except Unreachable:
        connection.stream.reset()
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass  # the client left: nothing is owed to it


async def _one_exchange(provider: Provider, connection: Connection, pending: bytes) -> bytes | None:
    """What the client has sent beyond the request that was answered; None when this was the last."""
    connection.begin_to_wait()
    received = await receive_request(connection.stream, pending)
    connection.begin_to_work()
    if received is None:
        return None
    if wants_websocket(received.request):
        return await _upgrade(provider, connection, received)
    provider.counters.messages_http += 1
    message, elements = read_message("http", connection.number, received.request.body)
    for call in message.calls:
        provider.counters.count_call(call.method)
    touches = provider.touches(message)
    if not touches.faults:
        response = await provider.backend.respond(received.request, received.request.body, provider.see)
        return await _send(connection, received, response)
    extra = await _hold(connection, touches)
    if extra is None:
        return None
    received = replace(received, rest=received.rest + extra)
    response = await _loudly_respond(provider, received.request, elements, touches)
    return await _deliver(connection, received, response, touches)


async def _upgrade(provider: Provider, connection: Connection, received: Received) -> bytes | None:
    refusal = provider.refused_handshake(connection.number)
    if refusal is None:
        refusal = await serve_websocket(provider, connection, received)
    if refusal is None:
        return None
    return await _send(connection, replace(received, is_last=True), refusal)


async def _hold(connection: Connection, touches: Touches) -> bytes | None:
    """Wait as the faults ask for; what the client sent meanwhile, None when it left."""
    if not touches.have("hold"):
        return b""
    extra = bytearray()
    has_left = False
    async with trio.open_nursery() as nursery:

        async def listen() -> None:
            nonlocal has_left
            has_left = await _hear_end(connection, extra)
            if has_left:
                nursery.cancel_scope.cancel()

        nursery.start_soon(listen)
        await touches.hold()
        nursery.cancel_scope.cancel()
    return None if has_left else bytes(extra)


async def _hear_end(connection: Connection, extra: bytearray) -> bool:
    """Whether the client left; False when it has sent so much that the rest may wait."""
    while len(extra) < HEADER_LIMIT:
        try:
            data = await connection.stream.receive_some(RECEIVE_BYTES)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return True
        if not data:
            return True
        extra += data
    return False


async def _loudly_respond(
    provider: Provider, request: Request, elements: Sequence[Any], touches: Touches
) -> Response:
    try:
        return await _respond(provider, request, elements, touches)
    except Unreachable:
        raise
    except Exception:
        traceback.print_exc(file=sys.stderr)
        return BUG


async def _respond(
    provider: Provider, request: Request, elements: Sequence[Any], touches: Touches
) -> Response:
    if touches.message.calls and touches.have(*ON_CALLS):
        response = await _respond_apart(provider, request, elements, touches)
    else:
        response = await provider.backend.respond(request, request.body, provider.see_for(touches))
    if response.status not in BODILESS:
        response = replace(response, body=touches.change_body(response.body))
    for fault in touches.faults_on():
        response = touches.change(fault, response, fault.effect.response(touches.message, response))
    return response


async def _respond_apart(
    provider: Provider, request: Request, elements: Sequence[Any], touches: Touches
) -> Response:
    apart = await take_apart(elements, touches, numbered_ids())
    response = Response(204)
    if (question := apart.question) is not None:
        response = await provider.backend.respond(request, question, provider.see_for(touches))
        if response.body and not take_answer(apart, _decoded(response.body)):
            return response  # the node refused the whole of it, in words of its own
    body = assemble(apart)
    if body is None:
        return response
    return replace(response, body=body) if response.body else json_response(200, body)


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except ValueError:
        return None


async def _send(connection: Connection, received: Received, response: Response) -> bytes | None:
    connection.begin_to_work(IDLE_SECONDS)
    await connection.stream.send_all(response_bytes(response, received.request.method, received.is_last))
    return None if received.is_last else received.rest


async def _deliver(
    connection: Connection, received: Received, response: Response, touches: Touches
) -> bytes | None:
    delivery = Delivery(response_bytes(response, received.request.method, received.is_last))
    for fault in touches.faults_on():
        delivery = touches.change(fault, delivery, fault.effect.delivery(touches.message, delivery))
    connection.begin_to_work(math.inf if delivery.bytes_per_s is not None else IDLE_SECONDS)
    is_kept = await deliver(connection.stream, delivery, touches.effects_with("delivery"))
    return received.rest if is_kept and not received.is_last else None
