"""Blocks that the truth never had and that a stream has shown.

Rule: after such a block, and until it goes on, the stream may show again, once, what stands at its height and
above: that is how it comes back. The same wrong block again is a duplicate, unless it may have been right.
Of too many the oldest are forgotten.
"""

from __future__ import annotations

MOST_STRAYS = 64


class Strays:
    """Mutable: it grows with what is shown, up to so many blocks (of logs: logs) each way.

    `last` is the stray that was shown last, if nothing else was since.
    """

    __slots__ = ("_lowest", "_most", "_returned", "_strays", "last")

    def __init__(self, most: int = MOST_STRAYS) -> None:
        self._most = most
        self.last: str | None = None
        self._lowest: int | None = None
        self._strays: dict[str, tuple[int, float | None]] = {}
        self._returned: set[str] = set()

    def add(self, number: int, hash_: str, since: float | None = None) -> bool:
        """One more; whether it is new. `since`: when its branch began, if that may be the chain's."""
        self.last = hash_
        self._returned.clear()
        is_new = hash_ not in self._strays
        if is_new and len(self._strays) == self._most:
            del self._strays[next(iter(self._strays))]
        if is_new or since is not None:
            self._strays[hash_] = number, since
        if not is_new:
            return False
        self._lowest = number if self._lowest is None else min(self._lowest, number)
        return True

    def has(self, hash_: str) -> bool:
        """Whether it was shown, as far as is remembered."""
        return hash_ in self._strays

    def branch_below(self, number: int, parent: str) -> float | None:
        """When the first of the branch was shown that this lies on; None where it is none, or a wrong one."""
        below, since = self._strays.get(parent, (None, None))
        return since if below == number - 1 else None

    def forward(self) -> None:
        """The stream has gone on: it is back."""
        self._lowest = self.last = None
        self._returned.clear()

    def is_return(self, number: int, hash_: str) -> bool:
        """Whether this block, shown before, is shown again because the stream comes back."""
        self.last = None
        if self._lowest is None or number < self._lowest or hash_ in self._returned:
            return False
        if len(self._returned) >= self._most:
            return False
        self._returned.add(hash_)
        return True
