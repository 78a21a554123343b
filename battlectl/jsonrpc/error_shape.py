"""What an error looks like from outside, and whether it tells of what should stay inside.

Rule: the shape of an error is its HTTP status, its content type, its code and the names in its error object;
what it says in words is not. `data` may be there or not, so it counts only where one and the same call is
compared. An answer under an error status without a JSON-RPC error object is a bare one, whatever it says, and
so is one whose error is no such object.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

SERVER_CODES = frozenset({-32603, 429, *range(-32099, -31999)})
"""Codes by which a server says that it could not, whatever was asked."""
FINAL_CODES = frozenset({3, -32600, -32601, -32602})
"""Codes of errors that every right node gives to the same call."""
SHORTEST_KEY = 8
"""Characters of a path segment or a query value from which it is taken for a key."""
MOST_READ = 64 * 1024
"""Bytes of an answer that are searched."""

_URL = re.compile(r"(?:https?|wss?)://[^\s\"'<>\\)\],;]+", re.IGNORECASE)
_KEY = re.compile(r"(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{16,}")
_ADDRESS = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}|\[[0-9a-fA-F:]+\]|localhost")


@dataclass(frozen=True, slots=True)
class Shape:
    """See the rule; `code` is None for a bare one."""

    status: int
    content_type: str
    code: int | None
    names: tuple[str, ...] = ()

    @property
    def is_alarm(self) -> bool:
        """Whether its status says that the server failed, where the call itself was wrong."""
        return self.status >= 500 and self.code in FINAL_CODES

    @property
    def is_bare(self) -> bool:
        """Whether there is no JSON-RPC error object."""
        return self.code is None

    def tell(self, with_data: bool) -> str:
        """In words, the same for the same shape."""
        if self.is_bare:
            return f"status {self.status}, {self.content_type or 'no content type'}, no JSON-RPC error"
        names = ", ".join(name for name in self.names if with_data or name != "data")
        return f"status {self.status}, {self.content_type}, code {self.code}, with {names}"


class _Error(msgspec.Struct):
    error: dict[str, msgspec.Raw]


class _Anything(msgspec.Struct):
    error: msgspec.Raw = msgspec.Raw(b"null")


_decode = msgspec.json.Decoder(_Error).decode
_decode_anything = msgspec.json.Decoder(_Anything).decode
_decode_code = msgspec.json.Decoder(int).decode


def shape_of(status: int, content_type: bytes, body: bytes) -> Shape | None:
    """The shape of a single reply; None for one that is no error at all."""
    media = content_type.partition(b";")[0].strip().decode("latin-1").lower()
    try:
        error = _decode(body).error
        return Shape(status, media, _decode_code(error["code"]), tuple(sorted(error)))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError):
        is_error = not 200 <= status < 300 or _has_error(body)
        return Shape(status, media, None) if is_error else None


def _has_error(body: bytes) -> bool:
    """Whether it says so, in whatever form."""
    try:
        return bytes(_decode_anything(body).error) != b"null"
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


@dataclass(frozen=True, slots=True)
class Secret:
    """Something that no client may read: what it is, in words that do not tell it, and the text itself."""

    what: str
    text: str


def secrets_of(provider: str, url: str) -> Iterator[Secret]:
    """What the URL of a provider holds that is not a client's business."""
    parts = urlsplit(url)
    if parts.hostname:
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        told = f"{host}:{parts.port}" if parts.port is not None or _ADDRESS.fullmatch(host) else host
        yield Secret(f"the address of {provider}", told)
    words = [unquote(word) for word in parts.path.split("/")]
    words += [value for _, value in parse_qsl(parts.query)]
    words += [word for word in (parts.username, parts.password) if word]
    yield from (Secret(f"a key of {provider}", word) for word in words if len(word) >= SHORTEST_KEY)


def leak_in(body: bytes, secrets: Sequence[Secret], own_hosts: Iterable[str]) -> str | None:
    """What an error gives away, in words that do not repeat it; None when it gives nothing away.

    A URL of nobody known counts when it has what only an inner address has: a number for a host, a port,
    a login or a key. A link to a page for people is none.
    """
    text = body[:MOST_READ].decode("utf-8", "replace").replace("\\/", "/")
    for secret in sorted(secrets, key=lambda one: not one.what.startswith("a key")):
        if secret.text in text:
            return secret.what
    own = set(own_hosts)
    return next((what for url in _URL.findall(text) if (what := _inner(url, own))), None)


def _inner(url: str, own: set[str]) -> str | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname or parts.netloc.rpartition("@")[2] in own:
        return None
    if parts.username or parts.password or _KEY.search(f"{parts.path}?{parts.query}"):
        return f"a URL with a key, at {parts.hostname}"
    is_inner = port is not None or _ADDRESS.fullmatch(parts.hostname)
    return f"an inner address, at {parts.hostname}" if is_inner else None
