"""A block header as a subscription carries it, read from what a provider said.

Rule: what is read is number, hash and parent hash; the rest is passed on as it came. A block that was
fetched over HTTP shows the same fields as one that was streamed: its bodies are left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

Header = dict[str, Any]

BODIES = frozenset({"transactions", "uncles", "withdrawals"})
"""Of a block and not of its header (execution-apis: newHeads carries headers)."""

_HASH = re.compile(r"0x[0-9a-fA-F]{64}")
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,16}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where on a branch: enough to link by, little enough to remember by the thousand."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class Block:
    """One header; two with the same hash are the same block."""

    number: int
    hash: str
    parent: str
    header: Header

    @property
    def place(self) -> Place:
        """Its number and hash."""
        return Place(self.number, self.hash)


def read_block(document: Any) -> Block | None:
    """The header in a notification or in a block; None when it is neither."""
    if not isinstance(document, dict):
        return None
    number, hash_, parent = (document.get(key) for key in ("number", "hash", "parentHash"))
    if not (_is(_QUANTITY, number) and _is(_HASH, hash_) and _is(_HASH, parent)):
        return None
    header = {key: value for key, value in document.items() if key not in BODIES}
    return Block(int(str(number), 16), str(hash_).lower(), str(parent).lower(), header)


def timestamp_of(block: Block) -> int | None:
    """In whole seconds, or None when the header does not say."""
    value = block.header.get("timestamp")
    return int(str(value), 16) if _is(_QUANTITY, value) else None


def _is(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None
