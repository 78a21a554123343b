"""Where a stream stands, and which announcements of the truth it has shown.

Rule: shown is every rank from `floor` to `rank` that is not owed. That is all that is kept of the past, so a
stream that tells everything costs no memory however long it runs.
"""

from __future__ import annotations

from collections.abc import Sequence

from battlectl.observe.streams.announced import Announced
from battlectl.observe.streams.debts import Debts, Jump, Range
from battlectl.observe.streams.truth import Truth

MOST_BLIND = 256


class Trail:
    """Mutable: it moves on with each step. `blind` are numbers of events that could not be proven."""

    __slots__ = ("blind", "debts", "floor", "number", "rank", "top", "truth")

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.rank: int | None = None
        self.floor = 0
        self.number = 0
        self.top = 0
        self.debts = Debts()
        self.blind: set[int] = set()

    def step_to(self, ranks: Sequence[int], until: float) -> int | None:
        """The rank that a block with these ranks leads on to, None when it is no step forward.

        A going-back to it that the truth saw later than `until` cannot be what the stream meant.
        """
        if self.rank is None:
            return max((r for r in ranks if self.truth.at(r).seen <= until), default=ranks[0])
        for rank in ranks:
            if rank > self.rank and (rank == ranks[0] or self.truth.at(rank).seen <= until):
                return rank
        return None

    def has_shown(self, rank: int) -> bool:
        """Whether this announcement has been shown."""
        return self.rank is not None and self.floor <= rank <= self.rank and not self.debts.holds(rank)

    def has_shown_block(self, hash_: str) -> bool:
        """Whether the block has been shown, under whatever rank."""
        return any(map(self.has_shown, self.truth.ranks_of(hash_)))

    def go_to(self, to: Announced) -> None:
        """Stand there now."""
        if self.rank is None:
            self.floor = to.rank
        self.rank, self.number = to.rank, to.number
        self.top = max(self.top, to.number)

    def doubt(self, number: int) -> None:
        """Nothing can be proven of this number."""
        if len(self.blind) < MOST_BLIND:
            self.blind.add(number)


def still_missing(trail: Trail, ranges: Sequence[Range], newest_only: bool) -> list[tuple[str, Announced]]:
    """What of these ranges is missing for good: the name of the count and the block, for each."""
    truth = trail.truth
    return [
        (_kind(trail, rank, one.jump, newest_only), truth.at(rank))
        for one in ranges
        for rank in range(one.lo, one.hi + 1)
        if truth.has(rank) and _is_missing(trail, truth.at(rank))
    ]


def _is_missing(trail: Trail, block: Announced) -> bool:
    """On the chain to this day, and never shown."""
    stays = trail.truth.canonical(block.number)
    if stays is None or stays.rank != block.rank or block.number in trail.blind:
        return False
    return not trail.has_shown_block(block.hash)


def _kind(trail: Trail, rank: int, jump: Jump, newest_only: bool) -> str:
    versions = trail.truth.versions(trail.truth.at(rank).number)
    is_stale = any(trail.has_shown(one) for one in versions if one < rank)
    kind = "missing_unreplaced" if is_stale else jump.kind
    return "skipped" if newest_only and kind in ("missing_unreplaced", "missing_middle") else kind
