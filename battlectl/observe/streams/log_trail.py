"""Which logs a stream has shown, and what is missing of each announcement when it is judged for good.

Rule: what was shown is kept by block hash until its last announcement is judged; then only a mark remains of
how far the judgement has come. A missing log is told by its place: before the first block shown, after the
last, between the two sides of a resume, where an abandoned block was shown, or in the middle.
"""

from __future__ import annotations

from collections import deque

from battlectl.observe.streams.announced import Announced
from battlectl.observe.streams.book import Book
from battlectl.observe.streams.log_truth import LogTruth
from battlectl.observe.streams.terms import Terms

MOST_RESUMES = 16
MOST_STALE = 256
NEVER = 1 << 62


class LogTrail:
    """One stream's. Mutable. `at` is the rank and index of the last log in order, `shown` whether a log is
    there (True) or gone again, by block hash and index; ranks below `settled` are judged."""

    __slots__ = (
        "_book",
        "_logs",
        "_quiet",
        "_returned",
        "_stale",
        "_terms",
        "at",
        "first",
        "floor",
        "opened",
        "resumes",
        "settled",
        "shown",
        "sizes",
    )

    def __init__(self, logs: LogTruth, book: Book, terms: Terms) -> None:
        self._logs, self._book, self._terms = logs, book, terms
        self.opened: float | None = None
        self.at: tuple[int, int] | None = None
        self.first = 0
        self.floor: int | None = None
        self.settled = self._quiet = -NEVER
        self.shown: dict[str, dict[int, bool]] = {}
        self.sizes = 0
        self.resumes: deque[tuple[int, int]] = deque(maxlen=MOST_RESUMES)
        self._stale: set[int] = set()
        self._returned: set[str] = set()

    def show(self, block_hash: str, index: int) -> None:
        """This log is there from now on."""
        logs = self.shown.setdefault(block_hash, {})
        self.sizes += index not in logs
        if logs.get(index) is False:
            self._returned.add(block_hash)
        logs[index] = True

    def shows_from(self, number: int) -> bool:
        """Whether a log is there, as the stream shows it, of a block that has this number or a higher one."""
        truth = self._logs.truth
        stands = truth.at(self.at[0]) if self.at is not None and truth.has(self.at[0]) else None
        if stands is not None and stands.hash not in self.shown and stands.number >= number:
            return True  # It is judged, so it was not taken back.
        return any(
            truth.at(ranks[-1]).number >= number
            for hash_, logs in self.shown.items()
            if any(logs.values()) and (ranks := truth.ranks_of(hash_))
        )

    def hold_from(self) -> int:
        """The first rank that the stream is held to; beyond all while there is none."""
        if self.floor is not None:
            return self.floor
        opened = self.opened
        first = None if opened is None else self._logs.truth.first_after(opened + self._terms.settle)
        return NEVER if first is None else first

    def next(self) -> Announced | None:
        """The first announcement of which logs are to come, as far as its logs are known."""
        truth, rank = self._logs.truth, self.hold_from()
        if self.at is not None and truth.has(self.at[0]):
            rank, index = self.at
            if any(one > index for one in self._logs.of(truth.at(rank).hash) or ()):
                return truth.at(rank)
            rank += 1
        rank = max(rank, self._quiet)
        while truth.has(rank):
            logs = self._logs.of(truth.at(rank).hash)
            if logs is None:
                return None
            if logs:
                return truth.at(rank)
            rank += 1
            self._quiet = rank
        return None

    def settle_until(self, last: int, t: float, is_final: bool = False) -> None:
        """Judge every announcement up to this one for good; with `is_final` none after it ever is."""
        oldest = self._logs.truth.oldest
        if oldest is None:
            return
        rank = max(self.settled, self.hold_from(), oldest.rank)
        while rank <= last and self._logs.truth.has(rank):
            self._settle(self._logs.truth.at(rank), t, last if is_final else None)
            rank += 1
            self.settled = rank

    def _settle(self, block: Announced, t: float, final: int | None) -> None:
        back = next((rank for rank in self._logs.truth.ranks_of(block.hash) if rank > block.rank), None)
        if back is not None:
            # The truth came back to it: it is judged there, if ever.
            if final is not None and back > final:
                self._settle_left(block, t, self._logs.truth.at(back).seen)
            return
        shown, logs = self.shown.pop(block.hash, {}), self._logs.of(block.hash)
        self.sizes -= len(shown)
        there = {index for index, is_there in shown.items() if is_there}
        stays = self._logs.truth.canonical(block.number)
        if stays is not None and stays.rank == block.rank:
            self._settle_missing(block, logs, there, t)
            self._stale.discard(block.number)
            return
        if shown and len(self._stale) < MOST_STALE:
            self._stale.add(block.number)
        self._returned.discard(block.hash)
        if there and self._was_left(block, t - self._terms.settle):
            self._find_unremoved(block, t, len(there))

    def _settle_left(self, block: Announced, t: float, back: float) -> None:
        """The truth left the block, and came `back` too late for its logs to be judged by where they end."""
        there = sum(self.shown.get(block.hash, {}).values())
        was_taken_back = block.hash in self._returned
        if there and not was_taken_back and self._was_left(block, back - self._terms.settle):
            self._find_unremoved(block, t, there)

    def _find_unremoved(self, block: Announced, t: float, logs: int) -> None:
        self._book.count("unremoved", block.seen, logs)
        self._book.keep("unremoved", block.seen, t, block.number, block.number, logs)

    def _settle_missing(
        self, block: Announced, logs: tuple[int, ...] | None, there: set[int], t: float
    ) -> None:
        if logs is None:
            self._book.count("unproven", block.seen)
            return
        missing = len(set(logs) - there)
        if missing:
            kind = self._kind(block)
            self._book.count(kind, block.seen, missing)
            self._book.lose(kind, block.seen, t, block.number, block.number, missing)

    def _kind(self, block: Announced) -> str:
        rank = block.rank
        if block.number in self._stale:
            return "missing_unreplaced"
        if self.at is None or rank > self.at[0]:
            return "missing_tail"
        if rank < self.first:
            return "missing_start"
        is_forward = any(before < rank < after for before, after in self.resumes)
        return "missing_forward" if is_forward else "missing_middle"

    def _was_left(self, block: Announced, by: float) -> bool:
        """Whether the truth had gone over to another branch by then."""
        for index in range(self._logs.truth.reorgs_forgotten, self._logs.truth.reorgs_seen):
            reorg = self._logs.truth.reorg(index)
            if reorg is not None and reorg.rank > block.rank and reorg.fork < block.number:
                return reorg.seen <= by
        return True
