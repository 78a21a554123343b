"""Fetching a page of telemetry: over HTTP, or from HAProxy's runtime socket.

Rule: a page that does not come whole, in time and within its largest size is a `PollError` that says why. It
goes through the parser of the load and on a connection that is kept: a page costs a tenth of what it would by
httpx, and the load goes on beside it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import quote

import trio

from battlectl.targets.telemetry.haproxy_stat import COMMAND
from battlectl.transport.base import Endpoint, NoReply, Reply
from battlectl.transport.known_heads import KnownHeads
from battlectl.transport.reply_parser import ReplyParser
from battlectl.transport.request_head import OURS
from battlectl.transport.wire import ConnectError, Wire, connect, resolve, tls_context

POLL_WITHIN = 2.0
MOST_BODY = 2 * 2**20
NOT_FOUND, FOUND = 404, 200

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
    fetcher = PageFetcher(endpoint)
    try:
        yield fetcher.fetch
    finally:
        fetcher.close()


class PageFetcher:
    """One connection to where pages are, one page at a time. Mutable: it holds the connection."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._context = tls_context(endpoint)
        self._turn = trio.Lock()
        self._wire: Wire | None = None

    async def fetch(self, path: str) -> bytes:
        """The body of the page; raises `PollError`."""
        with trio.move_on_after(POLL_WITHIN):
            async with self._turn:
                reply = await self._ask(path)
            if reply.status == NOT_FOUND:
                raise NoSuchPage("there is no such page (404)")
            if reply.status != FOUND:
                raise PollError(f"status {reply.status}")
            return reply.body
        raise PollError(f"no whole answer within {POLL_WITHIN:g} s")

    def close(self) -> None:
        """End the connection."""
        if self._wire is not None:
            self._wire.close()
        self._wire = None

    async def _ask(self, path: str) -> Reply:
        """Once more on a new connection, where a kept one was closed before a word was said."""
        if self._wire is not None:
            reply = await self._exchange(self._wire, path)
            if reply is not None:
                return reply
        try:
            self._wire = await connect(await resolve(self._endpoint), self._endpoint, self._context)
        except ConnectError as error:
            raise PollError(error.reason.seen) from error
        reply = await self._exchange(self._wire, path)
        if reply is None:
            raise PollError("the connection was closed without an answer")
        return reply

    async def _exchange(self, wire: Wire, path: str) -> Reply | None:
        """None where the connection ended before any answer; kept only after a whole one."""
        parser, is_whole = ReplyParser(MOST_BODY, KnownHeads()), False
        try:
            reply = await _say(wire, parser, self._request(path))
            if isinstance(reply, NoReply):
                raise PollError(reply.seen)
            is_whole = reply is not None and parser.reusable
            return reply
        except OSError as error:
            if parser.began:
                raise PollError(f"{type(error).__name__}: {error}") from error
            return None
        finally:
            if not is_whole:
                self.close()

    def _request(self, path: str) -> bytes:
        given = [(name, value) for name, value in self._endpoint.headers if name.lower() not in OURS]
        own = [
            ("Host", self._endpoint.authority),
            ("Accept-Encoding", "identity"),
            ("User-Agent", "battlectl"),
        ]
        lines = [f"GET {quote(path, safe='/?&=;%:,')} HTTP/1.1", *(f"{n}: {v}" for n, v in (*own, *given))]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def _say(wire: Wire, parser: ReplyParser, request: bytes) -> Reply | NoReply | None:
    while request := wire.send(request):
        await wire.writable()
    while True:
        await wire.readable()
        data = wire.receive()
        if data is not None:
            answer = parser.feed(data) if data else parser.end()
            if answer is not None or not data:
                return answer


async def ask_socket(path: str) -> bytes:
    """`show stat` on HAProxy's runtime socket; raises `PollError`."""
    with trio.move_on_after(POLL_WITHIN):
        try:
            async with await trio.open_unix_socket(path) as stream:
                await stream.send_all(COMMAND)
                return await _read_bounded(stream)
        except (OSError, trio.BrokenResourceError, RuntimeError) as error:
            raise PollError(f"{path}: {error}") from error
    raise PollError(f"{path}: no whole answer within {POLL_WITHIN:g} s")


async def _read_bounded(stream: trio.SocketStream) -> bytes:
    read, size = [], 0
    while part := await stream.receive_some(65_536):
        read.append(bytes(part))
        size += len(part)
        if size > MOST_BODY:
            raise PollError(f"an answer of more than {MOST_BODY} bytes")
    return b"".join(read)
