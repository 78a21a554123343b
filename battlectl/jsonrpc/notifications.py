"""What a notification of a subscription says, read strictly; None for one that says nothing of the kind.

Rule: hashes are lower case, as the truth has them; a block without a timestamp has none, and is a block.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

LONGEST = 66
"""Characters of 32 bytes in hex."""
MOST_KEPT = 256
"""Headers that are remembered as read: all subscribers hear of the same."""


class HeadNote(NamedTuple):
    """A header. `block_time` is in seconds since 1970."""

    number: int
    hash: str
    parent: str
    block_time: float | None


class LogNote(NamedTuple):
    """A log, or that it was taken back."""

    number: int
    block_hash: str
    log_index: int
    is_removed: bool


def read_head(result: Any) -> HeadNote | None:
    """A result of `newHeads`."""
    try:
        return _head(result["number"], result["hash"], result["parentHash"], result.get("timestamp"))
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


@lru_cache(MOST_KEPT)
def _head(number: Any, hash_: Any, parent: Any, stamp: Any) -> HeadNote:
    block_time = None if stamp is None else float(_quantity(stamp))
    return HeadNote(_quantity(number), _hash(hash_), _hash(parent), block_time)


def read_log(result: Any) -> LogNote | None:
    """A result of `logs`."""
    try:
        return LogNote(
            _quantity(result["blockNumber"]),
            _hash(result["blockHash"]),
            _quantity(result["logIndex"]),
            result.get("removed") is True,
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def read_pending(result: Any) -> str | None:
    """A result of `newPendingTransactions`: a hash, or a transaction that has one."""
    try:
        return _hash(result["hash"] if isinstance(result, dict) else result)
    except (KeyError, TypeError, ValueError):
        return None


def _quantity(value: Any) -> int:
    if not isinstance(value, str) or not value.startswith("0x") or len(value) > LONGEST:
        raise ValueError("no quantity")
    return int(value[2:], 16)


def _hash(value: Any) -> str:
    if not isinstance(value, str) or len(value) != LONGEST or not value.startswith("0x"):
        raise ValueError("no hash")
    int(value[2:], 16)
    return value.lower()
