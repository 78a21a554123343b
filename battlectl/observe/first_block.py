"""Which chain a target is on: the hash of its first block, which no two chains share.

Rule: what is expected is what was read on another path or is written in the config; without either, the first
that was told, and then only a change can be seen. `is_new` says whether a fault is so new that the target
need not know of it.
"""

from __future__ import annotations

from collections.abc import Callable

from battlectl.observe.consistency import Book, Seen

CHECK = "chain"


class FirstBlock:
    """See the rule. Mutable: it may have to learn what is expected."""

    def __init__(self, book: Book, is_new: Callable[[float], bool], expected: str | None) -> None:
        self._book = book
        self._is_new = is_new
        self.expected = expected

    def hear(self, t: float, hash_: str, provider: str, subject: str) -> None:
        """The target told this hash of its first block."""
        if self.expected is None:
            self.expected = hash_
        if hash_ == self.expected:
            self._book.add(t, CHECK, "right", subject)
            return
        kind = "not_noticed_yet" if self._is_new(t) else "wrong"
        words = f"first block {hash_[:18]}... where {self.expected[:18]}... is expected"
        self._book.add(t, CHECK, kind, subject, Seen(t, provider, 1.0, words))
