"""Control traffic to a target: is it ready, and where is its head? By httpx, apart from the load."""

from __future__ import annotations

import ssl
from typing import Any

import httpx
import tenacity
import trio

from battlectl.errors import NotReady
from battlectl.transport.base import Endpoint, Head
from battlectl.transport.wire import ConnectError, resolve, tls_context

CALL_TIMEOUT = 5.0
ASK_EVERY = 0.25
HEAD_EVERY = 0.5


class CallError(Exception):
    """A control call was not answered with a result."""


class Control:
    """A control client; use it as an async context manager. Mutable: it holds connections."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._client = httpx.AsyncClient(
            headers=list(endpoint.headers),
            timeout=CALL_TIMEOUT,
            verify=tls_context(endpoint) or ssl.create_default_context(),
            trust_env=False,
        )

    async def __aenter__(self) -> Control:
        return self

    async def __aexit__(self, *_: object) -> None:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
            await self._client.aclose()

    async def call(self, method: str, params: list[Any] | None = None) -> Any:
        """The result of one JSON-RPC call; raises `CallError` saying why there is none."""
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or []}
        try:
            response = await self._client.post(self._endpoint.url, json=message)
            answer = response.json()
        except httpx.HTTPError as error:
            raise CallError(f"{type(error).__name__}: {error}") from error
        except ValueError as error:
            raise CallError(f"status {response.status_code}, not JSON: {response.text[:80]!r}") from error
        if not isinstance(answer, dict) or "result" not in answer:
            raise CallError(f"status {response.status_code}: {str(answer)[:160]}")
        return answer["result"]

    async def _call_until(self, deadline: float, method: str) -> Any:
        with trio.move_on_at(min(deadline, trio.current_time() + CALL_TIMEOUT)):
            return await self.call(method)
        raise CallError("no whole answer in time")

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
            raise CallError(f"eth_blockNumber answered {str(result)[:80]!r}") from error

    async def keep_head(self, head: Head) -> None:
        """Keep the head up to date; a failed look is passed over, the target's troubles are its own."""
        while True:
            await trio.sleep(HEAD_EVERY)
            try:
                head.number = await self.read_head()
            except CallError:
                continue
