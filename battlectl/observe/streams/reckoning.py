"""What a stream was to show next, what it left out, and what becomes of that.

Rule: a block is missing if it is on the chain, was jumped over or never reached, and never came, under
whatever rank. That is known at the end only, or when the truth is about to forget it; reorgs are judged
before the debts of the same time, for they ask what was shown.
"""

from __future__ import annotations

from battlectl.observe.streams.announced import Announced
from battlectl.observe.streams.book import Book
from battlectl.observe.streams.debts import Jump, Range
from battlectl.observe.streams.reorgs import judge_reorg
from battlectl.observe.streams.terms import Terms
from battlectl.observe.streams.trail import Trail, still_missing


class Reckoning:
    """One stream's. Mutable: debts come and go. `last` is the time of the last step forward."""

    __slots__ = ("_book", "_reorg", "_terms", "last", "trail")

    def __init__(self, trail: Trail, book: Book, terms: Terms, t: float) -> None:
        self.trail, self._book, self._terms = trail, book, terms
        self._reorg = trail.truth.reorgs_seen
        self.last = t

    def next(self, opened: float | None) -> Announced | None:
        """The first announcement that is to come; before the first block, of those it is held to."""
        truth, rank = self.trail.truth, self.trail.rank
        if rank is None:
            found = None if opened is None else truth.first_after(opened + self._terms.settle)
        else:
            oldest = truth.oldest
            found = max(rank + 1, oldest.rank if oldest is not None else 0)
        return truth.at(found) if found is not None and truth.has(found) else None

    def owe(self, withheld: Announced, until: int, kind: str, t: float) -> None:
        """From `withheld` to this rank nothing came; what the truth has forgotten is missing at once."""
        trail = self.trail
        forgotten = withheld.number - trail.number - 1
        if trail.rank is not None and withheld.rank > trail.rank + 1 and forgotten > 0:
            self._book.count(kind, self.last, forgotten)
            self._book.lose(kind, self.last, t, trail.number + 1, withheld.number - 1, forgotten)
        if withheld.rank <= until:
            jump = Jump(kind, self.last, t, withheld.seen, until - withheld.rank + 1)
            trail.debts.owe(withheld.rank, until, jump)

    def retire(self, t: float) -> None:
        """Judge what would be forgotten."""
        trail, truth, debts = self.trail, self.trail.truth, self.trail.debts
        while debts.lowest is not None and (debts.is_full or truth.forgets_soon(debts.lowest)):
            ranges = debts.by_jump()[0]
            self._judge_reorgs(ranges[-1].hi, t)
            self._settle(ranges)
            debts.drop(ranges)
            trail.floor = ranges[-1].hi + 1
        reorg = truth.reorg(self._reorg)
        if reorg is not None and truth.forgets_soon(reorg.rank):
            self._judge_reorgs(reorg.rank, t)

    def finish(self, t: float) -> None:
        """Judge all."""
        self._judge_reorgs(None, t)
        for ranges in self.trail.debts.by_jump():
            self._settle(ranges)

    def _settle(self, ranges: list[Range]) -> None:
        """What is still missing of one jump is missing for good; a run of it is one gap for each kind."""
        missing = still_missing(self.trail, ranges, self._terms.newest_only)
        jump, truth = ranges[0].jump, self.trail.truth
        forgotten = sum(not truth.has(rank) for one in ranges for rank in range(one.lo, one.hi + 1))
        if forgotten:
            self._book.count("unproven", jump.before, forgotten)
        for kind in dict.fromkeys(kind for kind, _ in missing):
            blocks = [block for other, block in missing if other == kind]
            for block in blocks:
                self._book.count(kind, block.seen)
            self._book.lose(kind, jump.before, jump.after, blocks[0].number, blocks[-1].number, len(blocks))

    def _judge_reorgs(self, until_rank: int | None, t: float) -> None:
        """Those that began by this rank, or all."""
        truth = self.trail.truth
        while self._reorg < truth.reorgs_seen:
            reorg = truth.reorg(self._reorg)
            if reorg is not None and until_rank is not None and reorg.rank > until_rank:
                return
            found = judge_reorg(truth, self._reorg, self.trail.has_shown, t, self._terms.settle)
            self._reorg += 1
            if found is not None and reorg is not None:
                self._book.count(found.name, reorg.seen)
                blocks = found.last - found.first + 1
                self._book.keep(found.name, reorg.seen, t, found.first, found.last, blocks)
