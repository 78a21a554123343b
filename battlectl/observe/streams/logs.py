"""One stream of logs, judged against the truth, block by block.

Rule: a log is its block hash and its index. It is there once it was shown, and gone once it was shown with
`removed`. Shown while it is there, or removed while it is gone, it is a duplicate. It is out of order if it
comes after a log of a later announcement, or of a higher index in the same one; back-filled besides, if it
had been jumped over. Shown again after the stream itself took it back for a wrong fork, it is rightly
re-emitted, once. A log of a block that the truth never had is judged as in `strangers`, when a header would
be; one that the truth does not have in a block it knows is unexpected.

Each announcement is judged for good when the stream is finished, or when it is DEEP announcements old. In a
block that is on the chain every log that is not there is missing: all counts are of logs, and each such block
is one gap. In a block that is not, every log that is still there is unremoved, if the truth left the block
`settle` or longer before the end, or before it came back to it too late to be judged. What a stream is held
to, is as for headers; `look` must be called about once a second, for it is what moves the judgement on while
no log comes.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

from battlectl.observe.streams.announced import Announced
from battlectl.observe.streams.book import Book, Finished
from battlectl.observe.streams.cell import StreamCells
from battlectl.observe.streams.inputs import Ended, Opened
from battlectl.observe.streams.life import Life
from battlectl.observe.streams.log_trail import LogTrail
from battlectl.observe.streams.log_truth import LogTruth
from battlectl.observe.streams.strangers import UNPROVEN, Stranger, judge_stranger
from battlectl.observe.streams.strays import Strays
from battlectl.observe.streams.terms import Terms

DEEP = 64
MOST_SHOWN = 16_384
"""Logs that are remembered as shown: those of more are unproven, so that no flood fills the memory."""

MOST_STRAY_LOGS = 1_024


class Log(NamedTuple):
    """A log came, or was taken back."""

    t: float
    number: int
    hash: str
    log_index: int
    removed: bool
    block_time: float | None


class LogStream:
    """See the rule. Mutable: it follows a stream while it runs. Times must not go back."""

    __slots__ = ("_book", "_life", "_logs", "_strayed", "_strays", "_terms", "_trail", "_truth", "_waiting")

    def __init__(self, name: str, logs: LogTruth, cells: StreamCells, terms: Terms, t: float) -> None:
        self._logs, self._truth, self._terms = logs, logs.truth, terms
        self._book = Book(name, cells)
        self._life = Life(name, cells, terms, t)
        self._trail = LogTrail(logs, self._book, terms)
        self._strays = Strays(MOST_STRAY_LOGS)
        self._strayed: tuple[int, float] | None = None
        self._waiting: deque[Log | Opened | Ended] = deque()

    def log(
        self,
        t: float,
        number: int,
        block_hash: str,
        index: int,
        removed: bool = False,
        block_time: float | None = None,
    ) -> None:
        """A log came, `removed` or not; `block_time` is its block's timestamp on the same clock as `t`."""
        self._book.count("events", t)
        self._take(Log(t, number, block_hash, index, removed, block_time))

    def opened(self, t: float) -> None:
        """The subscription was granted."""
        self._take(Opened(t))

    def resubscribed(self, t: float) -> None:
        """Another subscription was granted in place of the one before."""
        self._take(Opened(t))

    def ended(self, t: float, visible: bool, why: str) -> None:
        """The subscription is no more: the client was told so, or has found out by itself."""
        self._take(Ended(t, visible, why))

    def look(self, t: float) -> None:
        """Judge what can be judged by now, and count the time."""
        self._drain()
        if not self._waiting:
            self._life.account(t)
            head = self._truth.head
            if head is not None:
                self._trail.settle_until(head.rank - DEEP, t)

    def finish(self, t: float) -> Finished:
        """It is wanted no more: judge all that is left. Nothing may come after it."""
        while self._waiting:
            self._handle(self._waiting.popleft(), True)
        withheld = self._trail.next()
        self._life.finish(t, _due(withheld, t), withheld.number if withheld is not None else 0)
        last = self._truth.last_until(t - self._terms.settle)
        if last is not None:
            self._trail.settle_until(last, t, is_final=True)
        return Finished(self._book.name, self._book.counts)

    @property
    def counts(self) -> dict[str, int]:
        """What it is found to have done so far; names of `cell.COUNTS`."""
        return self._book.counts

    # In order.

    def _take(self, given: Log | Opened | Ended) -> None:
        self._waiting.append(given)
        self._drain()

    def _drain(self) -> None:
        waiting, most = self._waiting, self._terms.most_waiting
        while waiting and self._handle(waiting[0], len(waiting) > most):
            waiting.popleft()

    def _handle(self, given: Log | Opened | Ended, is_forced: bool) -> bool:
        """Whether it was judged; if not, it must wait."""
        if isinstance(given, Log):
            return self._remove(given, is_forced) if given.removed else self._judge(given, is_forced)
        if isinstance(given, Opened):
            self._life.opened(given.t)
            self._trail.opened = self._life.first_open
        else:
            self._life.ended(given.t, given.visible, given.why, _due(self._trail.next(), given.t))
        return True

    def _judge(self, event: Log, is_forced: bool) -> bool:
        ranks = self._truth.ranks_of(event.hash)
        logs = self._logs.of(event.hash)
        if not ranks:
            return self._judge_unknown(event, is_forced)
        if logs is None and not is_forced:
            return False
        if logs is None or self._trail.sizes >= MOST_SHOWN:
            self._book.count("unproven", event.t)
        elif ranks[-1] < self._trail.settled:
            self._book.find("out_of_order", event.t, event.number)
        elif event.log_index not in logs:
            self._book.find("unexpected", event.t, event.number)
        elif self._trail.shown.get(event.hash, {}).get(event.log_index):
            self._book.find("duplicates", event.t, event.number)
        else:
            return self._show(event, ranks, is_forced)
        return True

    def _judge_unknown(self, event: Log, is_forced: bool) -> bool:
        stays = self._truth.canonical(event.number)
        since = event.t if stays is None else max(event.t, stays.seen)
        covered = self._truth.covers(event.number)
        is_over = self._truth.looked >= since + self._terms.settle and not self._truth.is_unsure
        if not is_forced and (covered is None or not is_over):
            return False
        if covered and is_over:
            self._stray(event)
        else:
            self._book.count(UNPROVEN, event.t)
        return True

    def _stray(self, event: Log) -> None:
        """Nobody says what its block lies on: on the branch, if any, that the stream was on before."""
        where = None if self._trail.at is None else self._trail.at[0]
        shown = Stranger(event.t, event.number, None, self._branch_since(event))
        name = judge_stranger(self._truth, shown, where, self._terms.settle)
        if self._strayed is None or event.number < self._strayed[0]:
            self._strayed = event.number, event.t if name == UNPROVEN else -math.inf
        if not self._strays.add(event.number, _key(event)):
            self._book.find("duplicates", event.t, event.number)
        elif name == UNPROVEN:
            self._book.count(name, event.t)
        else:
            self._book.find(name, event.t, event.number)

    def _branch_since(self, event: Log) -> float | None:
        """See `Stranger`. Who goes over to a branch has taken back what it showed from the fork on."""
        if self._strayed is not None and event.number > self._strayed[0]:
            return self._strayed[1]
        return None if self._trail.shows_from(event.number) else event.t

    def _show(self, event: Log, ranks: tuple[int, ...], is_forced: bool) -> bool:
        """It is there from now on; what seems to come late waits, for the truth may yet go back to it."""
        until = event.t + self._terms.settle
        here = -1 << 62 if self._trail.at is None else self._trail.at[0]
        rank = next(
            (r for r in ranks if r >= here and (r == ranks[0] or self._truth.at(r).seen <= until)), ranks[-1]
        )
        block = self._truth.at(rank)
        if self._trail.at is None or (rank, event.log_index) > self._trail.at:
            self._step(event, block)
        elif not is_forced and self._truth.looked < until:
            return False
        elif self._is_return(event):
            self._book.count("reemitted", event.t)
            self._trail.show(event.hash, event.log_index)
            return True
        else:
            self._book.find("out_of_order", event.t, event.number)
            self._book.count("back_filled", event.t)
            self._book.record("lateness", block.seen, event.t - block.seen)
        self._trail.show(event.hash, event.log_index)
        self._book.count("observed", block.seen)
        self._book.delay(block, event.t)
        if event.block_time is not None:
            self._book.record("age", block.seen, event.t - event.block_time)
        return True

    def _step(self, event: Log, block: Announced) -> None:
        withheld = self._trail.next() or block
        is_back = self._life.news(event.t, min(withheld.seen, block.seen), withheld.number)
        if self._trail.at is None:
            self._trail.first = block.rank
            self._trail.floor = min(self._trail.hold_from(), block.rank)
        elif is_back:
            self._trail.resumes.append((self._trail.at[0], block.rank))
        self._trail.at = (block.rank, event.log_index)
        self._strays.forward()
        self._strayed = None

    def _is_return(self, event: Log) -> bool:
        """Whether it was taken back when the stream strayed, and is shown again because it comes back."""
        was_shown = self._trail.shown.get(event.hash, {}).get(event.log_index) is False
        return was_shown and self._strays.is_return(event.number, _key(event))

    def _remove(self, event: Log, is_forced: bool) -> bool:
        """It is there no more; one that was lost, or shown before the stream began, may be taken back too."""
        shown = self._trail.shown.get(event.hash, {})
        if event.log_index in shown:
            if shown[event.log_index]:
                self._book.count("removed", event.t)
            else:
                self._book.find("duplicates", event.t, event.number)
            shown[event.log_index] = False
            return True
        logs = self._logs.of(event.hash)
        if self._strayed is not None and event.number <= self._strayed[0]:
            self._strayed = None  # The whole branch is left.
        if self._strays.has(_key(event)) or (logs is not None and event.log_index in logs):
            self._book.count("removed", event.t)
        elif logs is not None:
            self._book.find("unexpected", event.t, event.number)
        elif is_forced or self._truth.looked >= event.t + self._terms.settle:
            self._book.count("unproven", event.t)
        else:
            return False
        return True


def _key(event: Log) -> str:
    return f"{event.hash}/{event.log_index}"


def _due(withheld: Announced | None, t: float) -> float | None:
    """When the truth first saw what is to come next, if it had by t."""
    return withheld.seen if withheld is not None and withheld.seen <= t else None
