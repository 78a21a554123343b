"""Asking a provider itself, past the aggregator: on a fresh connection, and on one that was open before.

Rule: a probe ends within `WAIT` as one of the outcomes that load has, judged as strictly. A kept connection
is never replaced behind its back: once it is gone, that is the answer.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from types import TracebackType
from typing import Any, Protocol

import httpx
import msgspec
import trio

from battlectl.chaos.exchange import exchange
from battlectl.jsonrpc.reply import judge_reply
from battlectl.observe import outcome
from battlectl.plan.calls import Item

WAIT = 2.0
"""Seconds that an answer is waited for."""
MOST_BODY = 2**20
MOST_SEEN = 200
HEADERS = {
    "User-Agent": "battlectl-probe",
    "Accept-Encoding": "identity",
    "Content-Type": "application/json",
}

PARAMS: Mapping[str, Sequence[Any]] = {
    "eth_getBlockByNumber": ["latest", False],
    "eth_getBlockTransactionCountByNumber": ["latest"],
    "eth_getBalance": ["0x" + "00" * 20, "latest"],
    "eth_getTransactionCount": ["0x" + "00" * 20, "latest"],
    "eth_getCode": ["0x" + "00" * 20, "latest"],
    "eth_getStorageAt": ["0x" + "00" * 20, "0x0", "latest"],
    "eth_getLogs": [{"fromBlock": "latest", "toBlock": "latest"}],
    "eth_call": [{"to": "0x" + "00" * 20, "data": "0x"}, "latest"],
    "eth_estimateGas": [{"to": "0x" + "00" * 20, "data": "0x"}],
    "eth_feeHistory": ["0x1", "latest", []],
}
"""What methods need to be answered; all others are asked with nothing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a question ended: its outcome, the seconds that took, and what was seen, shortened."""

    outcome: str
    seconds: float
    seen: str = ""


class Prober(Protocol):
    """Who asks. A `line` is a kept connection by its name; "" is a fresh one for this question alone."""

    def knows(self, provider: str) -> bool:
        """Whether its own address is known."""

    async def ask(self, provider: str, line: str, method: str) -> Answer:
        """One question. A line is opened by its first; one that is gone is `closed` from then on."""

    async def let_go(self, provider: str, line: str) -> None:
        """Close a line, if there is one."""


class _Gone(Exception):
    """The kept connection would be replaced by another one."""


class _Line:
    """One kept connection. Mutable: it is open, then gone."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.is_open = False

    async def watch(self, event: str, _info: Any) -> None:
        """httpcore tells each step; a second connection is refused."""
        if event == "connection.connect_tcp.started" and self.is_open:
            raise _Gone


class HttpProber:
    """Asks by httpx; `urls` are the providers' own. An async context manager: it holds connections."""

    def __init__(self, urls: Mapping[str, str], verify: ssl.SSLContext | None = None) -> None:
        self._urls = urls
        self._verify = verify or ssl.create_default_context()
        self._lines: dict[tuple[str, str], _Line] = {}
        self._ids = count(1)

    async def __aenter__(self) -> HttpProber:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for provider, line in list(self._lines):
            await self.let_go(provider, line)

    def knows(self, provider: str) -> bool:
        """Whether there is a URL for it."""
        return provider in self._urls

    async def ask(self, provider: str, line: str, method: str) -> Answer:
        """See `Prober`."""
        began = trio.current_time()
        label, seen = outcome.TIMEOUT, f"no whole answer within {WAIT:g}s"
        with trio.move_on_after(WAIT):
            if line:
                label, seen = await self._ask_line(provider, line, method)
            else:
                async with self._open() as client:
                    label, seen = await self._exchange(client, provider, method, None)
        return Answer(label, trio.current_time() - began, seen[:MOST_SEEN])

    async def let_go(self, provider: str, line: str) -> None:
        """See `Prober`."""
        found = self._lines.pop((provider, line), None)
        if found is not None:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
                await found.client.aclose()

    def _open(self) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=None)
        return httpx.AsyncClient(
            headers=HEADERS, timeout=None, verify=self._verify, trust_env=False, limits=limits
        )

    async def _ask_line(self, provider: str, line: str, method: str) -> tuple[str, str]:
        kept = self._lines.get((provider, line))
        if kept is None:
            kept = self._lines[provider, line] = _Line(self._open())
        try:
            answered = await self._exchange(kept.client, provider, method, kept.watch)
        except _Gone:
            return outcome.CLOSED, "the connection that was kept is gone"
        kept.is_open = kept.is_open or answered[0] in outcome.ANSWERED
        return answered

    async def _exchange(
        self,
        client: httpx.AsyncClient,
        provider: str,
        method: str,
        trace: Callable[[str, Any], Any] | None,
    ) -> tuple[str, str]:
        id_ = next(self._ids)
        message = {"jsonrpc": "2.0", "id": id_, "method": method, "params": PARAMS.get(method, [])}
        extensions = {} if trace is None else {"trace": trace}
        try:
            content = msgspec.json.encode(message)
            url = self._urls[provider]
            answer = await exchange(client, "POST", url, content, MOST_BODY, extensions=extensions)
        except httpx.TransportError as error:
            return _outcome_of(error), _words(error)
        if answer.body is None:
            return outcome.TOO_LARGE, f"an answer of more than {MOST_BODY} bytes"
        kind = answer.content_type.encode("latin-1", "replace")
        [(label, seen)] = judge_reply(
            answer.status, kind, answer.body, [Item(method, method, None)], id_, False
        )
        return label, seen if seen is not None else _result_of(answer.body)


def _result_of(body: bytes) -> str:
    return msgspec.json.encode(msgspec.json.decode(body)["result"])[: 4 * MOST_SEEN].decode(
        "utf-8", "replace"
    )


def _outcome_of(error: httpx.TransportError) -> str:
    causes = list(_causes(error))
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return outcome.TLS
    if isinstance(error, httpx.ConnectError):
        return outcome.REFUSED
    if any(isinstance(cause, ConnectionResetError | BrokenPipeError) for cause in causes):
        return outcome.RESET
    if isinstance(error, httpx.RemoteProtocolError) and "without sending a response" not in str(error):
        return outcome.MALFORMED
    return outcome.CLOSED


def _causes(error: BaseException | None) -> Any:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _words(error: httpx.TransportError) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
