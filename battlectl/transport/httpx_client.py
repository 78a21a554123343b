"""`client: httpx`: the slower client for HTTP/2 and proxies, which the lean one does not speak.

Rule: httpx's pool is quadratic in its connections and would report its own queue as the target's latency,
so it is sharded: ten connections to a client, exchanges dealt in turn. Waiting for a shard is backlog.
"""

from __future__ import annotations

from itertools import count

import httpx
import trio

from battlectl.observe import outcome
from battlectl.transport.base import Endpoint, Exchange, Limits, NoReply, Reply
from battlectl.transport.wire import tls_context

SHARD_CONNECTIONS = 10
HOP_HEADERS = frozenset({b"content-encoding", b"transfer-encoding"})


class HttpxClient:
    """Shards of `httpx.AsyncClient`. See the rule above."""

    def __init__(self, endpoint: Endpoint, limits: Limits) -> None:
        self._endpoint = endpoint
        self._limits = limits
        self._nursery: trio.Nursery | None = None
        self._unfinished: dict[Exchange, None] = {}
        self._turn = count()
        self.opened = 0
        self.attributed = endpoint.attribution is not None
        sizes = [
            min(SHARD_CONNECTIONS, limits.connections - first)
            for first in range(0, limits.connections, SHARD_CONNECTIONS)
        ]
        self._shards = [(self._open_shard(size), trio.CapacityLimiter(size)) for size in sizes]

    async def serve(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Be in service until cancelled; the shards are closed then."""
        try:
            async with trio.open_nursery() as self._nursery:
                task_status.started()
                await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
                for client, _ in self._shards:
                    await client.aclose()

    def submit(self, exchange: Exchange) -> None:
        """Begin an exchange on the next shard."""
        assert self._nursery is not None, "the client is not in service"
        self._unfinished[exchange] = None
        client, places = self._shards[next(self._turn) % len(self._shards)]
        self._nursery.start_soon(self._exchange, client, places, exchange)

    def settle(self) -> None:
        """Nothing waits here."""

    def abandon(self) -> None:
        """End every unfinished exchange."""
        for exchange in list(self._unfinished):
            self._end(exchange, NoReply(outcome.ABANDONED, "the run was stopped"))

    def _open_shard(self, connections: int) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            http2=True,
            verify=tls_context(self._endpoint) or True,
            timeout=None,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            headers={
                "User-Agent": "battlectl",
                "Accept-Encoding": "identity",
                **dict(self._endpoint.headers),
            },
        )

    async def _exchange(
        self, client: httpx.AsyncClient, places: trio.CapacityLimiter, exchange: Exchange
    ) -> None:
        answer: Reply | NoReply = NoReply(outcome.TIMEOUT, "no connection was free")
        with trio.CancelScope(deadline=exchange.deadline):
            async with places:
                exchange.sent = trio.current_time()
                answer = NoReply(outcome.TIMEOUT, "sent, no whole answer")
                answer = await self._answer(client, exchange)
        self._end(exchange, answer)

    async def _answer(self, client: httpx.AsyncClient, exchange: Exchange) -> Reply | NoReply:
        headers = {"Content-Type": "application/json", "X-Request-Id": exchange.request_id}
        try:
            async with client.stream(
                "POST", self._endpoint.url, content=exchange.body, headers=headers
            ) as response:
                return await self._read(response)
        except httpx.ConnectError as error:
            return NoReply(_connect_outcome(error), str(error))
        except httpx.RemoteProtocolError as error:
            ended = "without sending a response" in str(error)
            return NoReply(outcome.CLOSED if ended else outcome.MALFORMED, str(error))
        except httpx.ReadError as error:
            return NoReply(outcome.RESET, f"{type(error).__name__} {error}")
        except httpx.TransportError as error:
            return NoReply(outcome.CLOSED, f"{type(error).__name__} {error}")

    async def _read(self, response: httpx.Response) -> Reply | NoReply:
        parts, size = [], 0
        with trio.CancelScope() as rest:  # A return from within would leave httpx's generators unfinished.
            async for part in response.aiter_raw():
                size += len(part)
                if size > self._limits.max_body:
                    rest.cancel()
                else:
                    parts.append(part)
        if size > self._limits.max_body:
            return NoReply(outcome.TOO_LARGE, f"body of more than {self._limits.max_body} bytes")
        headers = tuple(
            (name, value) for name, value in response.headers.raw if name.lower() not in HOP_HEADERS
        )
        attribution = self._endpoint.attribution
        body = b"".join(parts)
        served = None if attribution is None else attribution.read(headers, body)
        return Reply(response.status_code, headers, body, served)

    def _end(self, exchange: Exchange, answer: Reply | NoReply) -> None:
        if exchange in self._unfinished:
            del self._unfinished[exchange]
            exchange.end(answer, trio.current_time())


def _connect_outcome(error: httpx.ConnectError) -> str:
    text = str(error).lower()
    if "ssl" in text or "certificate" in text or "tls" in text:
        return outcome.TLS
    if "name or service" in text or "getaddrinfo" in text or "resolution" in text:
        return outcome.UNRESOLVED
    return outcome.REFUSED
