"""Clients of one provider that are not ours: httpx over HTTP, `websockets` over WebSocket.

A visit keeps to one connection and says so when it was lost, where httpx by itself would open another.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

PATIENCE = 15.0
"""Seconds that a client waits where nothing is wrong: a machine may be busy."""

TLS = ssl.create_default_context()  # none is used, and making one for each client takes long


class Lost(Exception):
    """The connection of this visit is gone."""


@dataclass(frozen=True)
class Answer:
    """What came back, as it came; WebSockets have no status and no headers."""

    body: bytes
    seconds: float
    status: int | None = None
    headers: httpx.Headers | None = None
    body_seconds: float = 0.0  # from the headers to the end

    @property
    def json(self) -> Any:
        """ValueError when it is none."""
        return json.loads(self.body)


def request(method: str, *params: Any, id_: Any = 1) -> dict[str, Any]:
    """One JSON-RPC request."""
    return {"jsonrpc": "2.0", "id": id_, "method": method, "params": list(params)}


class HttpVisit:
    """One keep-alive connection; `http://` URL of a provider."""

    transport = "http"

    def __init__(self, url: str) -> None:
        self.url = url
        limits = httpx.Limits(max_connections=1, keepalive_expiry=None)
        self._client = httpx.Client(verify=TLS, trust_env=False, limits=limits, timeout=PATIENCE)
        self._port: int | None = None

    def exchange(self, payload: Any, patience: float = PATIENCE) -> Answer:
        """Raises what httpx raises, TimeoutError after `patience`, and Lost for another connection."""
        begin = time.monotonic()
        try:
            with self._client.stream("POST", self.url, json=payload, timeout=patience) as response:
                headed = time.monotonic()
                self._check_connection(response)
                body = response.read()
        except httpx.TimeoutException as error:
            raise TimeoutError from error
        end = time.monotonic()
        return Answer(body, end - begin, response.status_code, response.headers, end - headed)

    def call(self, method: str, *params: Any) -> Any:
        """The result of one call, or KeyError."""
        return self.exchange(request(method, *params)).json["result"]

    def close(self) -> None:
        self._client.close()

    def _check_connection(self, response: httpx.Response) -> None:
        port = response.extensions["network_stream"].get_extra_info("client_addr")[1]
        if self._port not in (None, port):
            raise Lost
        self._port = port


class WsVisit:
    """One WebSocket, subscribed to newHeads once it has begun; `failure` is why there is none."""

    transport = "ws"

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        self.failure: Exception | None = None
        self._events: list[dict[str, Any]] = []
        self._ids = iter(range(1_000, 1_000_000_000))
        self._stack = ExitStack()
        try:
            self.socket: ClientConnection = self._stack.enter_context(
                connect(
                    f"ws{url.removeprefix('http')}",
                    ping_interval=None,
                    compression=None,
                    proxy=None,
                    open_timeout=patience,
                    close_timeout=0.2,
                    max_queue=None,
                )
            )
        except Exception as error:
            self.failure = error

    def begin(self, patience: float = PATIENCE) -> None:
        """Subscribe, if the provider lets it."""
        if self.failure is None:
            with suppress(Lost, TimeoutError):
                self.exchange(request("eth_subscribe", "newHeads", id_=999), patience)

    def subscribe(self) -> dict[str, Any]:
        """The reply to eth_subscribe newHeads."""
        reply: dict[str, Any] = self.exchange(request("eth_subscribe", "newHeads", id_=999)).json
        return reply

    def exchange(self, payload: Any, patience: float = PATIENCE) -> Answer:
        """The next text that is no event; TimeoutError after `patience`, Lost when the socket is closed."""
        begin = time.monotonic()
        if self.failure is not None:
            raise self.failure
        try:
            self.socket.send(json.dumps(payload))
            while (text := self._receive(begin + patience)) is None:
                pass
        except ConnectionClosed as error:
            raise Lost from error
        return Answer(text, time.monotonic() - begin)

    def call(self, method: str, *params: Any) -> Any:
        """The result of one call, or KeyError."""
        return self.exchange(request(method, *params, id_=next(self._ids))).json["result"]

    def heads(self, count: int, patience: float = PATIENCE) -> list[dict[str, Any]]:
        """The next headers of the subscription: so many, or those that came in time."""
        deadline = time.monotonic() + patience
        try:
            while len(self._events) < count:
                self._receive(deadline)
        except TimeoutError:
            pass
        taken, self._events = self._events[:count], self._events[count:]
        return taken

    def forget_heads(self) -> None:
        """What has come so far does not count."""
        self._events.clear()

    def closes(self, patience: float = PATIENCE) -> int | None:
        """The code of the close frame, None without one; TimeoutError when it stays open."""
        deadline = time.monotonic() + patience
        try:
            while True:
                self._receive(deadline)
        except ConnectionClosed as end:
            return end.rcvd.code if end.rcvd else None

    def pongs(self, patience: float = PATIENCE) -> bool:
        """Whether a ping is answered."""
        return self.socket.ping().wait(patience)

    def close(self) -> None:
        self._stack.close()

    def _receive(self, deadline: float) -> bytes | None:
        """The next text; None for an event, which is kept."""
        text = self.socket.recv(timeout=max(0.0, deadline - time.monotonic()), decode=False)
        if b'"eth_subscription"' not in text:
            return bytes(text)
        self._events.append(json.loads(text)["params"]["result"])
        return None


Visit = HttpVisit | WsVisit


@contextmanager
def visiting(
    url: str, over: str, handshake: float = PATIENCE, subscription: float = PATIENCE
) -> Iterator[Visit]:
    """A visit that has begun, for the length of the block."""
    with closing(HttpVisit(url) if over == "http" else WsVisit(url, handshake)) as visit:
        if isinstance(visit, WsVisit):
            visit.begin(subscription)
        yield visit
