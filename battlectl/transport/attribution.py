"""What a reply's headers say of who served it.

Rule: headers are read as RFC 9110 has them (any case, a repeated one is one list); a value that is no name or
no count is not observable rather than an error: the target may write what it likes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from battlectl.observe.served import OTHERS, UNNAMED, Served

LONGEST_NAME = 64
MOST_ATTEMPT_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Attribution:
    """The names of the two headers, None for one that the target does not send."""

    provider: str | None
    attempts: str | None

    def read(self, headers: Sequence[tuple[bytes, bytes]]) -> Served:
        """Who served this reply."""
        provider = _value(headers, self.provider)
        return Served(_name(provider) if provider else UNNAMED, _count(_value(headers, self.attempts)))


def _value(headers: Sequence[tuple[bytes, bytes]], wanted: str | None) -> bytes:
    if wanted is None:
        return b""
    key = wanted.lower().encode()
    return b", ".join(value.strip() for name, value in headers if name.lower() == key)


def _name(value: bytes) -> str:
    """Names that begin with a bracket are ours; one that is endless or not text is nobody's."""
    name = value.decode("utf-8", "replace")
    is_name = len(name) <= LONGEST_NAME and name.isprintable() and not name.startswith("(")
    return name if is_name else OTHERS


def _count(value: bytes) -> int | None:
    return int(value) if value.isdigit() and len(value) <= MOST_ATTEMPT_DIGITS else None
