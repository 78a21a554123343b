"""One stream of pending transactions: how many, how many twice, and whether it went on.

Rule: no truth is asked: what is pending is each node's own opinion. A hash is a duplicate if it was among the
last `remembered` different ones of this stream. Silence is time without a new hash; longer than `stall_after`
it is a stall: on a chain where nothing may be pending for so long, the terms say infinity.
"""

from __future__ import annotations

from battlectl.observe.streams.book import Book, Finished
from battlectl.observe.streams.cell import StreamCells
from battlectl.observe.streams.life import Life
from battlectl.observe.streams.terms import Terms


class PendingStream:
    """See the rule. Mutable: it follows a stream while it runs. Times must not go back."""

    __slots__ = ("_book", "_life", "_remembered", "_seen", "_since")

    def __init__(self, name: str, cells: StreamCells, terms: Terms, t: float, remembered: int = 256) -> None:
        self._book = Book(name, cells)
        self._life = Life(name, cells, terms, t)
        self._remembered = remembered
        self._seen: dict[int, None] = {}
        self._since: float | None = None

    def pending(self, t: float, hash_: str) -> None:
        """A transaction hash came."""
        self._book.count("events", t)
        key = hash(hash_)
        if key in self._seen:
            self._book.find("duplicates", t, 0)
            return
        self._seen[key] = None
        if len(self._seen) > self._remembered:
            del self._seen[next(iter(self._seen))]
        self._life.news(t, self._since, 0)
        self._since = t
        self._book.count("observed", t)

    def opened(self, t: float) -> None:
        """The subscription was granted."""
        self._life.opened(t)
        if self._since is None:
            self._since = t

    def resubscribed(self, t: float) -> None:
        """Another subscription was granted in place of the one before."""
        self.opened(t)

    def ended(self, t: float, visible: bool, why: str) -> None:
        """The subscription is no more: the client was told so, or has found out by itself."""
        self._life.ended(t, visible, why, self._since)

    def look(self, t: float) -> None:
        """Count the time."""
        self._life.account(t)

    def finish(self, t: float) -> Finished:
        """It is wanted no more. Nothing may come after it."""
        self._life.finish(t, self._since, 0)
        return Finished(self._book.name, self._book.counts)

    @property
    def counts(self) -> dict[str, int]:
        """What it is found to have done so far; names of `cell.COUNTS`."""
        return self._book.counts
