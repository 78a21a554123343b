"""Fetching a page of telemetry: over HTTP, or from HAProxy's runtime socket.

Rule: a page that does not come whole, in time and within its largest size is a `PollError` that says why.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import trio

from battlectl.targets.telemetry.haproxy_stat import COMMAND
from battlectl.transport.base import Endpoint
from battlectl.transport.wire import ConnectError, resolve, tls_context

POLL_WITHIN = 2.0
MOST_BODY = 2 * 2**20

Fetch = Callable[[str], Awaitable[bytes]]
"""The body of the page at a path; raises `PollError`."""


class PollError(Exception):
    """A page could not be had."""


class NoSuchPage(PollError):
    """The target says that there is no such page."""


@asynccontextmanager
async def open_fetch(endpoint: Endpoint, socket: str | None) -> AsyncIterator[Fetch]:
    """How pages are had: over HTTP from where the endpoint is, or `show stat` on a socket."""
    if socket is not None:
        yield lambda _path: ask_socket(socket)
        return
    client = httpx.AsyncClient(
        headers=list(endpoint.headers),
        timeout=POLL_WITHIN,
        verify=tls_context(endpoint) or ssl.create_default_context(),
        trust_env=False,
    )
    try:
        yield lambda path: _get(client, endpoint, path)
    finally:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
            await client.aclose()


async def _get(client: httpx.AsyncClient, endpoint: Endpoint, path: str) -> bytes:
    with trio.move_on_after(POLL_WITHIN):
        try:
            await resolve(endpoint)
            url = f"{endpoint.scheme}://{endpoint.authority}{path}"
            async with client.stream("GET", url) as response:
                body = await _read_bounded(response.aiter_bytes())
        except ConnectError as error:
            raise PollError(error.reason.seen) from error
        except httpx.HTTPError as error:
            raise PollError(f"{type(error).__name__}: {error}") from error
        if response.status_code == 404:
            raise NoSuchPage("there is no such page (404)")
        if response.status_code != 200:
            raise PollError(f"status {response.status_code}")
        return body
    raise PollError(f"no whole answer within {POLL_WITHIN:g} s")


async def _read_bounded(parts: AsyncIterator[bytes]) -> bytes:
    read, size = [], 0
    async for part in parts:
        read.append(part)
        size += len(part)
        if size > MOST_BODY:
            raise PollError(f"a page of more than {MOST_BODY} bytes")
    return b"".join(read)


async def ask_socket(path: str) -> bytes:
    """`show stat` on HAProxy's runtime socket; raises `PollError`."""
    with trio.move_on_after(POLL_WITHIN):
        try:
            async with await trio.open_unix_socket(path) as stream:
                await stream.send_all(COMMAND)
                return await _read_bounded(_parts(stream))
        except (OSError, trio.BrokenResourceError, RuntimeError) as error:
            raise PollError(f"{path}: {error}") from error
    raise PollError(f"{path}: no whole answer within {POLL_WITHIN:g} s")


async def _parts(stream: trio.SocketStream) -> AsyncIterator[bytes]:
    while part := await stream.receive_some(65_536):
        yield bytes(part)
