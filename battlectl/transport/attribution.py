"""What a reply says of who served it, how fast and behind which breaker: by headers, or places in its body.

Rule: headers are read as RFC 9110 has them (any case, a repeated one is one list); a value that is no name,
no count or no time is not observable rather than an error: the target may write what it likes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeAlias

import msgspec

from battlectl.observe.served import OTHERS, STATES, UNNAMED, Served

LONGEST_NAME = 64
MOST_ATTEMPT_DIGITS = 6
LONGEST_TOLD_MS = 1e7
"""Milliseconds, near three hours: no request waits so long, so a larger number is none of these."""

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]


class Reader(Protocol):
    """What tells of a reply who served it; it never raises."""

    @property
    def reads_body(self) -> bool:
        """Whether replies with the same headers may differ in who served them."""

    def read(self, headers: Headers, body: bytes = b"") -> Served:
        """Who served this reply."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """The names of headers, None for one that the target does not send.

    `retries` is one less than attempts; a plus before it is read over. `names` has what the target calls a
    provider -> our id, where the two differ. `after`: the name is what follows the last of this in the value;
    a list then names nobody. `upstream_ms` holds how long that provider took, in milliseconds, `breaker` the
    state of its breaker.
    """

    provider: str | None
    attempts: str | None
    retries: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    after: str = ""
    upstream_ms: str | None = None
    breaker: str | None = None
    reads_body: ClassVar[bool] = False

    def read(self, headers: Headers, body: bytes = b"") -> Served:
        """Who served this reply."""
        attempts = count_of(value_of(headers, self.attempts))
        if attempts is None and self.retries is not None:
            retries = count_of(value_of(headers, self.retries).removeprefix(b"+"))
            attempts = None if retries is None else retries + 1
        provider = value_of(headers, self.provider)
        if self.after:
            if b"," in provider:
                return Served(OTHERS, attempts)
            provider = provider.rpartition(self.after.encode())[2]
        upstream = None if self.upstream_ms is None else time_of(value_of(headers, self.upstream_ms))
        state = "" if self.breaker is None else state_of(value_of(headers, self.breaker).decode("latin-1"))
        return Served(name_of(provider, self.names), attempts, None, upstream, state)


Steps: TypeAlias = tuple[str | int, ...]
"""The way to a value inside JSON: keys, and numbers from 0 on for the elements of a list."""


@dataclass(frozen=True, slots=True)
class BodyAttribution:
    """Places in the JSON of a reply, None for what it does not say; a batch has none.

    Every body is decoded once more for this: it costs what large results cost.
    """

    provider: Steps | None
    attempts: Steps | None
    retries: Steps | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    upstream_ms: Steps | None = None
    breaker: Steps | None = None
    reads_body: ClassVar[bool] = True

    def read(self, headers: Headers, body: bytes = b"") -> Served:
        """Who served this reply."""
        try:
            document = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Served()
        provider = _at(document, self.provider)
        attempts = whole(_at(document, self.attempts))
        if attempts is None:
            retries = whole(_at(document, self.retries))
            attempts = None if retries is None else retries + 1
        name = provider if isinstance(provider, str) else ""
        upstream = seconds(_at(document, self.upstream_ms))
        state = state_of(_at(document, self.breaker))
        return Served(checked_name(self.names.get(name, name)), attempts, None, upstream, state)


def value_of(headers: Headers, wanted: str | None) -> bytes:
    """The value of a header, empty where there is none; one that is repeated is a list with commas."""
    if wanted is None:
        return b""
    key = wanted.lower().encode()
    return b", ".join(value.strip() for name, value in headers if name.lower() == key)


def name_of(value: bytes, names: Mapping[str, str]) -> str:
    """Names that begin with a bracket are ours; one that is endless or not text is nobody's."""
    if not value:
        return UNNAMED
    told = value.decode("utf-8", "replace")
    return checked_name(names.get(told, told))


def checked_name(name: str) -> str:
    """The same of a name that is text already."""
    is_name = len(name) <= LONGEST_NAME and name.isprintable() and not name.startswith("(")
    return (name if is_name else OTHERS) if name else UNNAMED


def count_of(value: bytes) -> int | None:
    """A header's count, None for what is none."""
    return int(value) if value.isdigit() and len(value) <= MOST_ATTEMPT_DIGITS else None


def time_of(value: bytes) -> float | None:
    """A header's milliseconds in seconds, None for what is no time."""
    try:
        return seconds(float(value))
    except ValueError:
        return None


def seconds(value: Any) -> float | None:
    """A JSON value's milliseconds in seconds, None for what is no time."""
    return value / 1e3 if type(value) in (float, int) and 0 <= value < LONGEST_TOLD_MS else None


def state_of(value: Any) -> str:
    """A breaker's state as it was told, "" for what is none."""
    return value.lower() if isinstance(value, str) and value.lower() in STATES else ""


def whole(value: Any) -> int | None:
    """A JSON value that is a count, None for what is none."""
    return value if type(value) is int and 0 <= value < 10**MOST_ATTEMPT_DIGITS else None


def _at(document: Any, steps: Steps | None) -> Any:
    if steps is None:
        return None
    for step in steps:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return None
    return document
