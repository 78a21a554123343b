"""Does a target take WebSockets? Asked before the load, by trio-websocket, apart from the load's own client.

Rule: a handshake that is taken is enough. What a WebSocket says then, or does not, is for the run to find.
"""

from __future__ import annotations

from collections.abc import Iterable

import tenacity
import trio
from trio_websocket import ConnectionRejected, HandshakeError, wrap_client_stream

from battlectl.errors import NotReady
from battlectl.targets.site import WS_SCHEMES
from battlectl.transport.base import Endpoint
from battlectl.transport.wire import ConnectError, resolve, tls_context

ASK_EVERY = 0.25
ONE_TRY = 5.0
GOOD_BYE = 0.5
"""Seconds for the close frame's answer: whoever gives none is not asked to."""


class _NoHandshake(Exception):
    """The message says why."""


async def wait_for_sockets(endpoints: Iterable[Endpoint], within: float) -> None:
    """Return when each has taken a handshake; raises `NotReady` after `within` seconds."""
    deadline = trio.current_time() + within
    for endpoint in dict.fromkeys(endpoints):
        await _wait_for(endpoint, deadline, within)


async def _wait_for(endpoint: Endpoint, deadline: float, within: float) -> None:
    asking = tenacity.AsyncRetrying(
        sleep=trio.sleep,
        wait=tenacity.wait_fixed(ASK_EVERY),
        stop=lambda _: trio.current_time() >= deadline,
        retry=tenacity.retry_if_exception_type(_NoHandshake),
        reraise=True,
    )
    try:
        await resolve(endpoint)
        await asking(_shake_hands, endpoint, deadline)
    except ConnectError as error:
        raise NotReady(f"the target cannot be used: {error.reason.seen}") from error
    except _NoHandshake as error:
        host = f"{WS_SCHEMES[endpoint.scheme]}://{endpoint.authority}"
        raise NotReady(
            f"the target at {host} took no WebSocket within {within:g}s ({error}); is its ws_url right?"
        ) from error


async def _shake_hands(endpoint: Endpoint, deadline: float) -> None:
    headers = [(name.encode(), value.encode()) for name, value in endpoint.headers]
    try:
        with trio.move_on_after(max(ASK_EVERY, min(ONE_TRY, deadline - trio.current_time()))):
            stream = await _open_stream(endpoint)
            try:
                async with trio.open_nursery() as nursery:
                    opened = await wrap_client_stream(
                        nursery, stream, endpoint.authority, endpoint.path, extra_headers=headers
                    )
                    with trio.move_on_after(GOOD_BYE):
                        await opened.aclose()
                    nursery.cancel_scope.cancel()
                return
            finally:
                await trio.aclose_forcefully(stream)
    except Exception as error:
        # The library raises what it meets, alone or in groups: a refusal, a reset, bytes that are no HTTP.
        raise _NoHandshake(_why(error)) from error
    raise _NoHandshake("no answer in time")


async def _open_stream(endpoint: Endpoint) -> trio.SocketStream | trio.SSLStream[trio.SocketStream]:
    stream = await trio.open_tcp_stream(endpoint.host, endpoint.port)
    context = tls_context(endpoint)
    return stream if context is None else trio.SSLStream(stream, context, server_hostname=endpoint.host)


def _why(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, ConnectionRejected):
        return f"refused with HTTP {error.status_code}"
    if isinstance(error, HandshakeError):
        return "no answer in time"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
