"""Blocks that the truth never had and that a stream has shown.

Rule: after such a block, and until it goes on, the stream may show again, once, what stands at its height and
above: that is how it comes back. The same wrong block again is a duplicate, unless it may have been right.
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
        self._strays: set[str] = set()
        self._returned: set[str] = set()

    def add(self, number: int, hash_: str) -> bool:
        """One more; whether it is new."""
        self.last = hash_
        self._returned.clear()
        if hash_ in self._strays:
            return False
        if len(self._strays) < self._most:
            self._strays.add(hash_)
        self._lowest = number if self._lowest is None else min(self._lowest, number)
        return True

    def has(self, hash_: str) -> bool:
        """Whether it was shown, as far as is remembered."""
        return hash_ in self._strays

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
