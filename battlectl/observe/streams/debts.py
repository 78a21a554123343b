"""Blocks that a stream has jumped over: they may still come.

Rule: what is owed are ranks of the truth, kept as ranges, each with the jump that left it behind. A block
that comes after all leaves its range. What is still owed when the stream is finished, or when there are more
than MOST_RANGES ranges (the oldest then), is judged for good.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

MOST_RANGES = 64


@dataclass(slots=True)
class Jump:
    """One jump: its kind, the time of the last new block before it and of the event that jumped, when the
    truth first saw what was left out, and how many ranks are still owed. Mutable for that number alone."""

    kind: str
    before: float
    after: float
    seen: float
    left: int


@dataclass(frozen=True, slots=True)
class Range:
    """Ranks lo to hi, both owed."""

    lo: int
    hi: int
    jump: Jump


class Debts:
    """The ranges in ascending order. Mutable: they come and are paid."""

    __slots__ = ("_ranges",)

    def __init__(self) -> None:
        self._ranges: list[Range] = []

    def owe(self, lo: int, hi: int, jump: Jump) -> None:
        """These ranks, all above those owed so far, were jumped over."""
        self._ranges.append(Range(lo, hi, jump))

    def holds(self, rank: int) -> bool:
        """Whether this rank is owed."""
        return self._find(rank) is not None

    def pay(self, rank: int) -> Jump:
        """The rank came; the jump that it was owed by. It must be owed."""
        place = self._find(rank)
        assert place is not None, f"rank {rank} is not owed"
        paid = self._ranges[place]
        rest = [Range(paid.lo, rank - 1, paid.jump), Range(rank + 1, paid.hi, paid.jump)]
        self._ranges[place : place + 1] = [one for one in rest if one.lo <= one.hi]
        paid.jump.left -= 1
        return paid.jump

    @property
    def is_full(self) -> bool:
        """Whether the oldest must be judged."""
        return len(self._ranges) > MOST_RANGES

    @property
    def lowest(self) -> int | None:
        """The lowest rank that is owed."""
        return self._ranges[0].lo if self._ranges else None

    @property
    def ranks(self) -> int:
        """How many are owed."""
        return sum(one.hi - one.lo + 1 for one in self._ranges)

    def by_jump(self) -> list[list[Range]]:
        """The ranges of each jump, the oldest first."""
        groups: dict[int, list[Range]] = {}
        for one in self._ranges:
            groups.setdefault(id(one.jump), []).append(one)
        return list(groups.values())

    def drop(self, ranges: list[Range]) -> None:
        """These are owed no more."""
        self._ranges = [one for one in self._ranges if one not in ranges]

    def _find(self, rank: int) -> int | None:
        place = bisect_right(self._ranges, rank, key=lambda one: one.lo) - 1
        return place if place >= 0 and self._ranges[place].hi >= rank else None
