"""What a stream is told, in order.

Rule: whatever cannot be judged yet waits for the truth, and all that comes after it waits behind it, ends and
openings included: so the verdicts do not depend on whether the truth or the event came first.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias


class Header(NamedTuple):
    """A block header came; `block_time` is its own timestamp, on the same clock as `t`, if that is known."""

    t: float
    number: int
    hash: str
    parent: str
    block_time: float | None


class Opened(NamedTuple):
    """A subscription was granted."""

    t: float


class Ended(NamedTuple):
    """A subscription ended."""

    t: float
    visible: bool
    why: str


Input: TypeAlias = Header | Opened | Ended
