"""Asking an admin API: one request, one answer, or a DriverError that shows no secret.

Rule: every request has a connection of its own, so that one that was dropped in between cannot pass for an
answer; redirects are not followed; an answer is bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec
import trio

from battlectl.chaos.driver import DriverError
from battlectl.chaos.exchange import exchange

ANSWER_WITHIN = 5.0
MOST_BODY = 8 * 2**20
MOST_SHOWN = 160
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AdminAnswer:
    """A status and a body."""

    status: int
    body: bytes

    @property
    def is_success(self) -> bool:
        """2xx."""
        return 200 <= self.status < 300

    @property
    def shown(self) -> str:
        """Short, for a person."""
        text = self.body[:MOST_SHOWN].decode("utf-8", "replace").strip()
        return f"{self.status} {text}".strip()

    def read(self, kind: type[T]) -> T:
        """The body as JSON of that type; DriverError when it is something else."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise DriverError(f"the answer is not what was asked for ({error}): {self.shown}") from None


class AdminApi:
    """An admin API at a URL; an async context manager. `origin` is where its paths begin, without a login."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        self.origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
        self._client = httpx.AsyncClient(
            base_url=url,
            headers={"User-Agent": "battlectl", "Accept-Encoding": "identity", **headers},
            timeout=ANSWER_WITHIN,
            trust_env=False,
            follow_redirects=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def beside(self, listen: str) -> str:
        """The URL of what listens on the same machine; every address of it is the one that we know."""
        host, _, port = listen.rpartition(":")
        own = urlsplit(self.origin).hostname or ""
        own = f"[{own}]" if ":" in own else own
        return f"http://{own if host in ('', '0.0.0.0', '[::]') else host}:{port}"

    async def __aenter__(self) -> AdminApi:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
            await self._client.aclose()

    async def ask(
        self,
        method: str,
        path: str,
        document: Any = None,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AdminAnswer:
        """Send JSON, or bytes as they are; DriverError when there is no whole answer in `ANSWER_WITHIN`."""
        content = body if document is None else msgspec.json.encode(document)
        own = {"Content-Type": "application/json"} if content is not None else {}
        try:
            with trio.fail_after(ANSWER_WITHIN):
                answer = await exchange(
                    self._client, method, path, content, MOST_BODY, headers={**own, **(headers or {})}
                )
            if answer.body is not None:
                return AdminAnswer(answer.status, answer.body)
            reason = f"an answer of more than {MOST_BODY} bytes"
        except trio.TooSlowError:
            reason = f"no whole answer within {ANSWER_WITHIN:g}s"
        except httpx.InvalidURL:
            reason = "that is no path of a URL"
        except httpx.TransportError as error:
            reason = f"{type(error).__name__} {error}".strip()
        raise DriverError(f"{method} {self.origin}{path.partition('?')[0]}: {reason}")
