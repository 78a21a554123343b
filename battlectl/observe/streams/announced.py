"""What the truth knows of single blocks, and of branches that went.

Rule: when a block came to be is known to within one look: after `unseen`, when the look before was asked for
that did not show it, and by `seen`.
"""

from __future__ import annotations

from typing import NamedTuple

NEVER_LOOKED = float("-inf")
"""In `unseen`: the block was there at the first look of all."""


class Announced(NamedTuple):
    """One going-over of the truth to a block; `seen` is when the truth first knew of it on this branch."""

    rank: int
    number: int
    hash: str
    parent: str
    seen: float
    unseen: float


class Reorg(NamedTuple):
    """A branch that went: `rank` is the first of the one that came, `fork` the highest number that stayed,
    `top` the highest number that went."""

    rank: int
    fork: int
    top: int
    seen: float


class Loose(NamedTuple):
    """A block that does not link to the rest yet."""

    number: int
    hash: str
    parent: str
    seen: float
    unseen: float
