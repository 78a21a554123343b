"""The seam between the run and the network.

Rule: a client is handed an `Exchange` by `submit`, which neither blocks nor raises, and calls its `finish`
exactly once, later or at once. The target's misbehaviour is data (`NoReply`); anything raised is our bug.
Times are trio's; the deadline belongs to the caller and covers connecting, sending and the whole reply.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

import trio

from battlectl.observe.served import UNANSWERED, Served
from battlectl.transport.attribution import Reader


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where requests go. `headers` are sent with each of them, beside those of the client itself.

    `attribution` reads of a reply who served it, None where no reply tells. It has no part in the hash: one
    that knows names has none.
    """

    scheme: str
    host: str
    port: int
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    verify_tls: bool = True
    ca_file: str | None = None
    allow_public: bool = False
    attribution: Reader | None = field(default=None, hash=False)

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"http": 80, "https": 443}[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole URL, credentials and all: mask it before showing it."""
        return f"{self.scheme}://{self.authority}{self.path}"


def parse_endpoint(url: str) -> Endpoint:
    """The endpoint of an http or https URL; its query stays part of the path, a login becomes a header."""
    parts = urlsplit(url)
    login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    basic = base64.b64encode(login.encode()).decode()
    headers = (("Authorization", f"Basic {basic}"),) if parts.username is not None else ()
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    return Endpoint(parts.scheme, parts.hostname or "", port, path, headers)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may use; `timeout` in seconds bounds connecting, `max_body` in bytes each reply.

    After `reuse` requests an HTTP connection is closed; None: never by us.
    """

    connections: int
    timeout: float
    max_body: int
    reuse: int | None = None


class Reply(NamedTuple):
    """A whole HTTP reply, as it was read. A named tuple because one is made for every request.

    `served` is None where nothing of the endpoint's replies tells it.
    """

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    served: Served | None = None

    @property
    def content_type(self) -> bytes:
        """The Content-Type, empty when there is none."""
        for name, value in self.headers:
            if len(name) == 12 and name.lower() == b"content-type":
                return value
        return b""


@dataclass(frozen=True, slots=True)
class NoReply:
    """Why there is no reply: one of `observe.outcome`, and what was seen."""

    outcome: str
    seen: str
    served: ClassVar[Served] = Served(UNANSWERED)


@dataclass(slots=True)
class Head:
    """The newest block number seen, for calls that name a block relative to it. Mutable: it is polled."""

    number: int | None = None


class Exchange:
    """One request under way. Mutable because the hot path fills in its times.

    `taken` is when it was noticed, `sent` when its bytes were handed to a connection (None: never), `done`
    when the answer was whole or given up. `carrier` is for the client, `context` for the caller. `before` is
    what the reply before on the same connection said, where the client knows of such.
    """

    __slots__ = (
        "answer",
        "before",
        "body",
        "carrier",
        "context",
        "deadline",
        "done",
        "finish",
        "request_id",
        "resent",
        "sent",
        "taken",
    )

    def __init__(
        self,
        body: bytes,
        request_id: str,
        taken: float,
        deadline: float,
        finish: Callable[[Exchange], None],
        context: Any = None,
    ) -> None:
        self.body = body
        self.request_id = request_id
        self.taken = taken
        self.deadline = deadline
        self.finish = finish
        self.context = context
        self.sent: float | None = None
        self.done: float | None = None
        self.answer: Reply | NoReply | None = None
        self.resent = False
        self.carrier: Any = None
        self.before: Served | None = None

    def end(self, answer: Reply | NoReply, done: float) -> None:
        """Finish it; the second call is a bug. What it carried is let go: lists may hold it a while."""
        assert self.done is None, "an exchange ended twice"
        self.answer = answer
        self.done = done
        self.finish(self)
        self.answer = self.context = self.carrier = None
        self.body = b""


class Client(Protocol):
    """What every transport offers."""

    opened: int
    """Connections made so far."""
    attributed: bool
    """Whether replies carry `served`."""

    def submit(self, exchange: Exchange) -> None:
        """Begin an exchange; never blocks, never raises."""

    def settle(self) -> None:
        """Finish every exchange whose answer has been read, if any still waits for its bookkeeping."""

    def abandon(self) -> None:
        """End every unfinished exchange as `abandoned`, now."""

    async def serve(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Be in service until cancelled; `submit` works from `started()` on."""
