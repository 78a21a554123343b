"""One stream of block headers, judged against the truth.

Rule: a stream stands at a rank of the truth. A block with a rank above it is a step forward: the smallest
such rank is taken, and what it jumps over is owed. Any other block of the truth is
* back-filled, and out of order, if it is owed and was never shown;
* a duplicate if it was shown: a block may come again only when the truth went back to it, as a step forward,
  or once after the stream itself had strayed to a wrong fork at or below its height. The same block twice
  running is a duplicate, whatever the truth did meanwhile;
* out of order, and nothing else, if it lies before all that the stream has shown, or all that is remembered.
A block that the truth never had is judged as in `strangers` when the truth knows its number and has looked
again `settle` seconds after both; else it is unproven, and nothing is missing at its number. Only a step
forward and the same block twice running are judged at once, all else waits until the truth has looked so much
later.

At the end a block is missing if it is on the chain, was owed, and never came, under whatever rank. A stream
is held to what comes from the first block seen `settle` after its first opening, or from its first block if
that is earlier, to the last block seen `settle` before it is finished: it owes also for the time in which it
was down. Numbers of unproven events are not counted as missing.
"""

from __future__ import annotations

from collections import deque

from battlectl.observe.streams.announced import Announced
from battlectl.observe.streams.book import Book, Finished
from battlectl.observe.streams.cell import StreamCells
from battlectl.observe.streams.inputs import Ended, Header, Input, Opened
from battlectl.observe.streams.life import Life
from battlectl.observe.streams.reckoning import Reckoning
from battlectl.observe.streams.strangers import UNPROVEN, Stranger, judge_stranger
from battlectl.observe.streams.strays import Strays
from battlectl.observe.streams.terms import Terms
from battlectl.observe.streams.trail import Trail
from battlectl.observe.streams.truth import Truth


class HeadStream:
    """See the rule. Mutable: it follows a stream while it runs. Times must not go back.

    `t` of the beginning is when the stream began to be wanted.
    """

    __slots__ = (
        "_behind",
        "_book",
        "_level",
        "_life",
        "_reckoning",
        "_strayed",
        "_strays",
        "_terms",
        "_trail",
        "_truth",
        "_waiting",
    )

    def __init__(self, name: str, truth: Truth, cells: StreamCells, terms: Terms, t: float) -> None:
        self._truth, self._terms = truth, terms
        self._book = Book(name, cells)
        self._life = Life(name, cells, terms, t)
        self._trail = Trail(truth)
        self._reckoning = Reckoning(self._trail, self._book, terms, t)
        self._strays: Strays | None = None
        self._strayed: float | None = None
        self._waiting: deque[Input] = deque()
        self._behind: float | None = None
        self._level = t

    # What happens to it.

    def head(self, t: float, number: int, hash_: str, parent: str, block_time: float | None = None) -> None:
        """A header came. `block_time` is its own timestamp on the same clock as `t`."""
        self._book.count("events", t)
        self._take(Header(t, number, hash_, parent, block_time))

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
        """Judge what can be judged by now, and count the time: about once a second, for whoever looks on."""
        self._drain()
        self._reckoning.retire(t)
        if not self._waiting:
            self._life.account(t)

    def finish(self, t: float) -> Finished:
        """It is wanted no more: judge all that is left. Nothing may come after it."""
        while self._waiting:
            self._handle(self._waiting.popleft(), True)
        last = self._truth.last_until(t - self._terms.settle)
        withheld = self._reckoning.next(self._life.first_open)
        due = self._due(t)
        self._life.finish(t, due, withheld.number if withheld is not None else 0)
        if withheld is not None and last is not None:
            self._reckoning.owe(withheld, last, "missing_tail", t)
        if due is None:
            self._be_level()
        self._reckoning.finish(t)
        return Finished(self._book.name, self._book.counts)

    @property
    def counts(self) -> dict[str, int]:
        """What it is found to have done so far, all segments together; names of `cell.COUNTS`."""
        return self._book.counts

    @property
    def waiting(self) -> int:
        """Events and ends that cannot be judged yet."""
        return len(self._waiting)

    @property
    def owed(self) -> int:
        """Announcements that were jumped over and may still come."""
        return self._trail.debts.ranks

    # In order.

    def _take(self, given: Input) -> None:
        if self._waiting:
            self._waiting.append(given)
            self._drain()
        elif not self._handle(given, False):
            self._waiting.append(given)

    def _drain(self) -> None:
        waiting, most = self._waiting, self._terms.most_waiting
        while waiting and self._handle(waiting[0], len(waiting) > most):
            waiting.popleft()

    def _handle(self, given: Input, is_forced: bool) -> bool:
        """Whether it was judged; if not, it must wait."""
        if isinstance(given, Header):
            return self._judge(given, is_forced)
        if isinstance(given, Opened):
            self._strayed = None  # It may be fed from elsewhere now.
            self._life.opened(given.t)
        else:
            self._life.ended(given.t, given.visible, given.why, self._due(given.t))
        return True

    def _judge(self, event: Header, is_forced: bool) -> bool:
        truth, trail = self._truth, self._trail
        ranks = truth.ranks_of(event.hash)
        if not ranks:
            return self._judge_unknown(event, is_forced)
        self._strayed = None
        if trail.rank in ranks:
            self._repeat(event, ranks)
            return True
        rank = trail.step_to(ranks, event.t + self._terms.settle)
        if rank is not None:
            self._step(event, truth.at(rank))
            return True
        if truth.looked < event.t + self._terms.settle:
            if not is_forced:
                return False
            if truth.looked < event.t:
                self._book.count("unproven", event.t)
                return True
        self._step_back(event, ranks)
        return True

    def _judge_unknown(self, event: Header, is_forced: bool) -> bool:
        truth, covered = self._truth, self._truth.covers(event.number)
        stays = truth.canonical(event.number)
        since = event.t if stays is None else max(event.t, stays.seen)
        is_over = truth.looked >= since + self._terms.settle and not truth.is_unsure
        if not is_forced and (covered is None or not is_over):
            return False
        if covered and is_over:
            self._stray(event)
        else:
            self._book.count(UNPROVEN, event.t)
            self._trail.doubt(event.number)
        return True

    # Steps.

    def _step(self, event: Header, to: Announced) -> None:
        """The stream goes on, perhaps over a gap, perhaps to another branch."""
        trail, t = self._trail, event.t
        withheld = self._reckoning.next(self._life.first_open) or to
        is_first = trail.rank is None
        is_back = self._life.news(t, withheld.seen if withheld.rank <= to.rank else to.seen, withheld.number)
        if withheld.rank < to.rank:
            kind = "missing_start" if is_first else "missing_forward" if is_back else "missing_middle"
            self._reckoning.owe(withheld, to.rank - 1, kind, t)
        if not is_first and to.number <= trail.top:
            self._book.count("reemitted", t)
        trail.go_to(to)
        if is_first:
            trail.floor = min(withheld.rank, to.rank)
        self._reckoning.last = t
        if self._strays is not None:
            self._strays.forward()
        self._observe(event, to)
        self._note_level(t, to)
        self._reckoning.retire(t)

    def _observe(self, event: Header, block: Announced) -> None:
        self._book.count("observed", block.seen)
        self._book.delay(block, event.t)
        if event.block_time is not None:
            self._book.record("age", block.seen, event.t - event.block_time)
        self._check_links(event, block)

    def _check_links(self, event: Header, block: Announced) -> None:
        if event.parent != block.parent or event.number != block.number:
            self._book.find("false_links", event.t, event.number)

    def _note_level(self, t: float, block: Announced) -> None:
        """Late is what comes after something newer was seen; level is who shows the newest."""
        if self._truth.is_overtaken(block, t):
            self._book.count("caught_up", block.seen)
            self._book.record("lateness", block.seen, t - block.seen)
            if self._behind is None:
                self._behind = block.seen
            self._level = t
        else:
            self._be_level()

    def _be_level(self) -> None:
        if self._behind is not None:
            self._book.record("catch_up", self._behind, self._level - self._behind)
            self._behind = None

    def _step_back(self, event: Header, ranks: tuple[int, ...]) -> None:
        trail = self._trail
        if any(map(trail.has_shown, ranks)):
            self._repeat(event, ranks)
            return
        self._book.find("out_of_order", event.t, event.number)
        owed = next((rank for rank in ranks if trail.debts.holds(rank)), None)
        if owed is not None:
            self._fill(event, owed)

    def _fill(self, event: Header, rank: int) -> None:
        block, jump = self._truth.at(rank), self._trail.debts.pay(rank)
        self._observe(event, block)
        self._book.count("back_filled", event.t)
        self._book.record("lateness", block.seen, event.t - block.seen)
        if not jump.left:
            self._book.record("catch_up", jump.seen, event.t - jump.seen)

    def _repeat(self, event: Header, ranks: tuple[int, ...]) -> None:
        self._check_links(event, self._truth.at(ranks[-1]))
        if self._strays is not None and self._strays.is_return(event.number, event.hash):
            self._book.count("reemitted", event.t)
        else:
            self._book.find("duplicates", event.t, event.number)

    def _stray(self, event: Header) -> None:
        if self._strays is None:
            self._strays = Strays()
        since = self._branch_since(event, self._strays)
        shown = Stranger(event.t, event.number, event.parent, since)
        name = judge_stranger(self._truth, shown, self._trail.rank, self._terms.settle)
        is_running = self._strays.last == event.hash
        begun = event.t if since is None else since
        self._strayed = begun if self._strayed is None else self._strayed
        is_new = self._strays.add(event.number, event.hash, begun if name == UNPROVEN else None)
        if is_running or not (is_new or name == UNPROVEN):
            self._book.find("duplicates", event.t, event.number)
        elif name == UNPROVEN:
            self._book.count(name, event.t)
        else:
            self._book.find(name, event.t, event.number)

    def _branch_since(self, event: Header, strays: Strays) -> float | None:
        """See `Stranger`. Who says only its newest head shows no more of a branch than that.

        So what lies on nothing that is known is of the branch that the stream is on, until it shows the
        chain.
        """
        is_unknown = not strays.has(event.parent) and not self._truth.ranks_of(event.parent)
        if is_unknown and self._terms.newest_only:
            return event.t if self._strayed is None else self._strayed
        return strays.branch_below(event.number, event.parent)

    def _due(self, t: float) -> float | None:
        """When the truth first saw what is to come next, if it had by t."""
        withheld = self._reckoning.next(self._life.first_open)
        return withheld.seen if withheld is not None and withheld.seen <= t else None
