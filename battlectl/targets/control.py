"""Control traffic to a target: is it ready, and where is its head? By httpx, apart from the load."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from typing import Any

import httpx
import msgspec
import tenacity
import trio

from battlectl.errors import NotReady
from battlectl.transport.base import Endpoint, Head
from battlectl.transport.wire import ConnectError, resolve, tls_context

CALL_TIMEOUT = 5.0
ASK_EVERY = 0.25
HEAD_EVERY = 0.5
HTTP_OK = 200
MOST_BODY = 2**20
"""Bytes of an answer to control traffic that are read."""
LONGEST_ANSWER = 160
"""Characters of an answer that a message shows."""


class CallError(Exception):
    """A control call was not answered with a result."""


def brief(answer: Any) -> str:
    """The beginning of what was answered, as it came."""
    return msgspec.json.encode(answer).decode()[:LONGEST_ANSWER]


class Control:
    """A control client; use it as an async context manager. Mutable: it holds connections."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._last: CallError | None = None
        self.asked = 0
        """Calls that were made, answered or not."""
        self._client = open_httpx(endpoint, CALL_TIMEOUT)

    async def __aenter__(self) -> Control:
        return self

    async def __aexit__(self, *_: object) -> None:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
            await self._client.aclose()

    async def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The result of one JSON-RPC call; raises `CallError` saying why there is none in `CALL_TIMEOUT`."""
        with trio.move_on_after(CALL_TIMEOUT):
            return await self._call(method, params)
        raise CallError("no whole answer in time")

    async def _call(self, method: str, params: Sequence[Any]) -> Any:
        self.asked += 1
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        status, answer = await self._exchange("POST", self._endpoint.url, message)
        if not isinstance(answer, dict) or "result" not in answer:
            raise CallError(f"status {status}: {brief(answer)}")
        return answer["result"]

    async def fetch(self, url: str) -> Any:
        """A JSON page of the target; raises `CallError` saying why there is none in `CALL_TIMEOUT`."""
        with trio.move_on_after(CALL_TIMEOUT):
            status, answer = await self._exchange("GET", url)
            if status != HTTP_OK:
                raise CallError(f"status {status}: {brief(answer)}")
            return answer
        raise CallError("no whole answer in time")

    async def _exchange(self, verb: str, url: str, message: Any = None) -> tuple[int, Any]:
        try:
            async with self._client.stream(verb, url, json=message) as response:
                body = await read_bounded(response, MOST_BODY)
        except httpx.HTTPError as error:
            raise CallError(f"{type(error).__name__}: {error}") from error
        try:
            return response.status_code, msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise CallError(f"status {response.status_code}, not JSON: {body[:80]!r}") from error

    async def _call_until(self, deadline: float, method: str) -> Any:
        """As `call`; at the end of the wait what was seen before says more than that time ran out."""
        try:
            with trio.move_on_at(deadline):
                return await self.call(method)
        except CallError as error:
            self._last = error
            raise
        raise self._last or CallError("no whole answer in time")

    async def wait_ready(self, method: str, within: float) -> None:
        """Ask until answered; raises `NotReady` after `within` seconds, and at once for a forbidden host."""
        try:
            await resolve(self._endpoint)
        except ConnectError as error:
            raise NotReady(f"the target cannot be used: {error.reason.seen}") from error
        asking = tenacity.AsyncRetrying(
            sleep=trio.sleep,
            wait=tenacity.wait_fixed(ASK_EVERY),
            stop=tenacity.stop_after_delay(within),
            retry=tenacity.retry_if_exception_type(CallError),
            reraise=True,
        )
        try:
            await asking(self._call_until, trio.current_time() + within, method)
        except CallError as error:
            host = f"{self._endpoint.scheme}://{self._endpoint.authority}"
            raise NotReady(
                f"the target at {host} did not answer {method} within {within:g}s ({error}); "
                "is it running, and is its url right?"
            ) from error

    async def read_head(self) -> int:
        """The newest block number; raises `CallError`."""
        result = await self.call("eth_blockNumber")
        try:
            return int(result, 16)
        except (TypeError, ValueError) as error:
            raise CallError(f"eth_blockNumber answered {brief(result)}") from error

    async def keep_head(self, head: Head) -> None:
        """Keep the head up to date; a failed look is passed over, the target's troubles are its own."""
        while True:
            await trio.sleep(HEAD_EVERY)
            try:
                head.number = await self.read_head()
            except CallError:
                continue


def open_httpx(endpoint: Endpoint, timeout: float) -> httpx.AsyncClient:
    """A client for what battlectl asks of its own accord; whoever opens it closes it."""
    return httpx.AsyncClient(
        headers=list(endpoint.headers),
        timeout=timeout,
        verify=tls_context(endpoint) or ssl.create_default_context(),
        trust_env=False,
    )


async def read_bounded(response: httpx.Response, most: int) -> bytes:
    """The body; raises `CallError` when it has more than `most` bytes."""
    parts, size = [], 0
    with trio.CancelScope() as reading:
        async for part in response.aiter_bytes():
            parts.append(part)
            size += len(part)
            if size > most:
                reading.cancel()  # Ends the generators from within, where leaving the loop would not.
    if size > most:
        raise CallError(f"status {response.status_code}, an answer of more than {most} bytes")
    return b"".join(parts)
