"""The chain as it is read on a path of its own, and what of it was known when.

Rule: what was known by a time is a lower bound of the chain then, so nobody is called late for what was not
seen yet; and nobody is called early before a look has ended that began after the answer.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from itertools import islice

from battlectl.observe.streams.truth import Truth

MOST_RISES = 4096
LATER = 2


class ChainSeen(Truth):
    """A truth that also remembers when its head rose. Mutable: it is fed, look by look."""

    def __init__(self, patience: float = 10.0) -> None:
        super().__init__(patience=patience)
        self.highest: int | None = None
        self._times: list[float] = []
        self._heights: list[int] = []
        self._looks: deque[float] = deque(maxlen=MOST_RISES)

    def see(self, t: float, number: int, hash_: str, parent: str, asked: float | None = None) -> None:
        """See `Truth.see`."""
        super().see(t, number, hash_, parent, asked)
        self._looks.append(t)
        if self.highest is None or number > self.highest:
            self.highest = number
            self._times.append(t)
            self._heights.append(number)
            if len(self._times) > MOST_RISES:
                del self._times[: MOST_RISES // 2], self._heights[: MOST_RISES // 2]

    def highest_by(self, t: float) -> int | None:
        """The highest block that was known at t; None when none was, or that is forgotten."""
        place = bisect_right(self._times, t)
        return self._heights[place - 1] if place else None

    def highest_after(self, t: float) -> int | None:
        """The highest block that was known when a look had ended that surely began after t; None before that.

        One look follows another, and some only fill in what lay between: the third after t is taken.
        """
        later = islice((look for look in self._looks if look >= t), LATER, None)
        ended = next(later, None)
        return None if ended is None else self.highest_by(ended)

    def turned_between(self, since: float, until: float) -> bool:
        """Whether a branch went in this time, as far as is known by now."""
        index = self.reorgs_seen - 1
        while (reorg := self.reorg(index)) is not None and reorg.seen >= since:
            if reorg.seen <= until:
                return True
            index -= 1
        return False
