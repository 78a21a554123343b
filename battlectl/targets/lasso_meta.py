"""What Lasso tells of how a request was served: `X-Lasso-Meta`, or `lasso_meta` in the body.

Rule: metadata that is missing, too long, no base64, no JSON or of another shape tells nothing, and neither do
figures in it that cannot all be true. As recorded: `candidate_providers` are channels in order, of which the
one at `retries` answered; a longer list has channels that were not asked; a shorter one, or another channel
at that place, leaves open how many attempts there were. An answer in Lasso's own words was given by nobody,
whomever the metadata names, and took nobody any time. A batch has the metadata of one of its calls, which
says nothing of the others.
"""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec

from battlectl.observe.served import OVER_WS, UNNAMED, Served
from battlectl.transport.attribution import MOST_ATTEMPT_DIGITS, Headers, checked_name, seconds, state_of

HEADER = b"x-lasso-meta"
HEADER_LENGTH = len(HEADER)
MOST_BYTES = 4_096
OWN_WORDS = ("No channels available", "Request dispatch budget exhausted")
"""Messages of errors that Lasso gives when no provider answered."""
LONGEST_OWN = 2_048
"""Bytes of a reply beyond which it is no error of Lasso's own."""
MOST_RETRIES = 10**MOST_ATTEMPT_DIGITS

_NO_CHANNELS, _EXHAUSTED = (words.encode() for words in OWN_WORDS)
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")


class _Channel(msgspec.Struct):
    id: str
    protocol: str = ""


class _Meta(msgspec.Struct):
    retries: int | None = None
    selected_provider: _Channel | None = None
    candidate_providers: list[str] = []
    upstream_latency_ms: Any = None
    circuit_breaker_state: Any = None


class _Error(msgspec.Struct):
    message: str = ""


class _Body(msgspec.Struct):
    lasso_meta: _Meta | None = None
    error: _Error | None = None


_META = msgspec.json.Decoder(_Meta)
_BODY = msgspec.json.Decoder(_Body)


@dataclass(frozen=True, slots=True)
class LassoMeta:
    """Reads Lasso's metadata of a reply."""

    reads_body: ClassVar[bool] = True

    def read(self, headers: Headers, body: bytes = b"") -> Served:
        """Who served this reply."""
        if body[:1] == b"[":
            return Served()
        meta = _in_headers(headers)
        if meta is None and b'"lasso_meta"' in body:
            meta = _in_body(body)
        if meta is None:
            return Served()
        served = _understand(meta)
        if served.provider != UNNAMED and _is_own(body):
            return served._replace(provider=UNNAMED, upstream=None, breaker="")
        return served


def _in_headers(headers: Headers) -> _Meta | None:
    value = b""
    for name, found in headers:
        if len(name) == HEADER_LENGTH and name.lower() == HEADER:
            if value:
                return None  # A list is no base64.
            value = found
    if not value or len(value) > MOST_BYTES:
        return None
    try:
        return _META.decode(_from_base64(value))
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _from_base64(value: bytes) -> bytes:
    bare = value.translate(_TO_STANDARD).rstrip(b"= ")
    return binascii.a2b_base64(bare + b"==="[: -len(bare) % 4], strict_mode=True)


def _in_body(body: bytes) -> _Meta | None:
    document = _decode_body(body)
    return None if document is None else document.lasso_meta


def _decode_body(body: bytes) -> _Body | None:
    try:
        return _BODY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _is_own(body: bytes) -> bool:
    if len(body) > LONGEST_OWN or not (_NO_CHANNELS in body or _EXHAUSTED in body):
        return False
    document = _decode_body(body)
    return document is not None and document.error is not None and document.error.message in OWN_WORDS


def _understand(meta: _Meta) -> Served:
    selected, channels, retries = meta.selected_provider, meta.candidate_providers, meta.retries
    name = UNNAMED if selected is None else checked_name(selected.id)
    attempts = hops = None
    if retries is not None and 0 <= retries < MOST_RETRIES:
        attempts, hops = (
            _unserved(channels, retries) if selected is None else _asked(selected, channels, retries)
        )
    if selected is None:
        return Served(name, attempts, hops)
    state = state_of(meta.circuit_breaker_state)
    over = OVER_WS if state and selected.protocol != "http" else ""
    return Served(name, attempts, hops, seconds(meta.upstream_latency_ms), over + state)


def _asked(selected: _Channel, channels: Sequence[str], retries: int) -> tuple[int | None, int | None]:
    """Attempts and hops of the answer of a channel."""
    answered = f"{selected.id}:{selected.protocol}"
    if retries < len(channels) and channels[retries] == answered:
        return retries + 1, _providers(channels[: retries + 1]) if retries else 1
    if retries + 1 < len(channels) and answered in channels:
        return retries + 1, None  # All that were considered, and some of them passed over.
    return None, None


def _unserved(channels: Sequence[str], retries: int) -> tuple[int | None, int | None]:
    """Attempts and hops of an answer in whose stead no provider is named."""
    if not channels:
        return (0, 0) if retries == 0 else (None, None)
    if len(channels) == retries + 1:
        return retries + 1, _providers(channels)
    return None, None


def _providers(channels: Sequence[str]) -> int:
    return len({channel.rpartition(":")[0] for channel in channels})
