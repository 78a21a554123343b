"""Single questions to a target beside the load, as a client would ask them; every answer is a value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import httpx
import msgspec
import trio

from battlectl.observe.served import OWN_NAMES
from battlectl.targets.control import CallError, Control, open_httpx, read_bounded
from battlectl.transport.base import Endpoint

ASK_TIMEOUT = 5.0
MOST_BODY = 8 * 2**20
"""Bytes of an answer that are read: the logs of a block may be many."""


class Answer(NamedTuple):
    """`has_result`: it is one, and `result` may still be None. `code` is that of a JSON-RPC error.

    Times are trio's; `provider` is "" where nothing says who served it; `why` says what came instead of a
    JSON-RPC reply.
    """

    sent: float
    done: float
    has_result: bool
    result: Any = None
    code: int | None = None
    provider: str = ""
    why: str = ""


class Asker:
    """Use it as an async context manager. Mutable: it holds connections, and counts what it asked.

    `control` counts with it: whatever battlectl asks of its own accord is no load.
    """

    def __init__(self, endpoint: Endpoint, control: Control) -> None:
        self._control = control
        self._endpoint = endpoint
        self.asked = 0
        self.unanswered = 0
        self._client = open_httpx(endpoint, ASK_TIMEOUT)

    async def __aenter__(self) -> Asker:
        return self

    async def __aexit__(self, *_: object) -> None:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
            await self._client.aclose()

    async def ask(self, method: str, params: Sequence[Any] = ()) -> Answer:
        """The answer within `ASK_TIMEOUT`, whatever it is."""
        self.asked += 1
        self._control.asked += 1
        sent = trio.current_time()
        with trio.move_on_after(ASK_TIMEOUT):
            answer = await self._ask(method, params, sent)
            self.unanswered += not answer.has_result and answer.code is None
            return answer
        self.unanswered += 1
        return Answer(sent, trio.current_time(), False, why=f"no whole answer within {ASK_TIMEOUT:g} s")

    async def _ask(self, method: str, params: Sequence[Any], sent: float) -> Answer:
        message = {"jsonrpc": "2.0", "id": self.asked, "method": method, "params": list(params)}
        try:
            async with self._client.stream("POST", self._endpoint.url, json=message) as response:
                body = await read_bounded(response, MOST_BODY)
        except (httpx.HTTPError, CallError) as error:
            return Answer(sent, trio.current_time(), False, why=f"{type(error).__name__}: {error}")
        try:
            told = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Answer(sent, trio.current_time(), False, why=f"status {response.status_code}, no JSON")
        return _read(sent, trio.current_time(), told, self._provider(response.headers.raw, body))

    def _provider(self, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> str:
        reader = self._endpoint.attribution
        name = "" if reader is None else reader.read(headers, body).provider
        return "" if name in OWN_NAMES else name


def _read(sent: float, done: float, told: Any, provider: str) -> Answer:
    if not isinstance(told, dict):
        return Answer(sent, done, False, why="JSON, and no JSON-RPC reply")
    error = told.get("error")
    if isinstance(error, dict) and isinstance(error.get("code"), int):
        return Answer(sent, done, False, code=error["code"], provider=provider)
    why = "" if "result" in told else "no result and no error in the reply"
    return Answer(sent, done, "result" in told, told.get("result"), provider=provider, why=why)
