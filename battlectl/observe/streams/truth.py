"""What the chain was, as read on a path that has nothing to do with the streams that are judged.

Rule: the truth is a list of announcements, one each time it goes over to a block: in order, and after a reorg
the whole new branch from the fork on, as a perfect stream would tell it. The place in this list is the rank.
A block that is left and come back to has two ranks. What cannot be linked to the rest by parent hashes waits
until the blocks between are seen (`wanted`), or, after `patience` seconds, begins anew beyond a hole: numbers
in a hole are not covered, and nothing is held against a stream there.

Whatever it is fed it takes for the chain of that moment, so it is fed by one node, or by several of which one
asks only for what another has shown: nodes that disagree in turn look like reorgs back and forth. Each look
is fed, also one that shows nothing new, for by `looked` it is known how far the streams can be judged.

One truth serves all streams of a target. Memory is bounded by `window`: older announcements are forgotten.
Hashes are compared as they are: whoever feeds it writes them in one way (lower case).
"""

from __future__ import annotations

from collections import deque

from battlectl.observe.streams.announced import NEVER_LOOKED, Announced, Loose, Reorg

MOST_LOOSE = 256
MOST_REORGS = 256
MOST_UNWATCHED = 64
MOST_LOOKS = 1024


class Truth:
    """See the rule. Mutable: it grows with the chain, and forgets its oldest part.

    `began` is when it was first fed, `looked` when last: feed it at every look, also when nothing is new.
    `unwatched` are stretches of more than `blink` seconds (without one: `patience`) without a look, in which
    no stream's silence can be seen, or before a hole; of too many the last grows.
    """

    def __init__(self, window: int = 2048, patience: float = 10.0, blink: float | None = None) -> None:
        self._window, self._patience = window, patience
        self.blink = patience if blink is None else blink
        self._row: list[Announced] = []
        self._base = 0
        self._ranks: dict[str, tuple[int, ...]] = {}
        self._versions: dict[int, list[int]] = {}
        self._loose: dict[str, Loose] = {}
        self._reorgs: list[Reorg] = []
        self.reorgs_forgotten = 0
        self.began = float("inf")
        self.looked = self._looked_before = NEVER_LOOKED
        self.holes = 0
        self.unwatched: list[tuple[float, float]] = []
        self._looks: deque[float] = deque(maxlen=MOST_LOOKS)

    def see(self, t: float, number: int, hash_: str, parent: str, asked: float | None = None) -> None:
        """At time t the second path says that this block is on the chain, or was when it was `asked`."""
        self._look(t if asked is None else asked)
        known = self.canonical(number)
        if known is not None and known.hash == hash_:
            return
        block = Loose(number, hash_, parent, t, self._looked_before)
        if not self._row:
            self._announce([block])
        elif not self._prepend(t, number, hash_, parent):
            self._link(block)

    def _look(self, t: float) -> None:
        since = self.looked
        if t <= since:
            return
        if self._row and t - since > self.blink:
            self._lose_sight(since, t)
        self.began, self.looked, self._looked_before = min(self.began, t), t, since
        self._looks.append(t)

    def _lose_sight(self, since: float, until: float) -> None:
        if len(self.unwatched) == MOST_UNWATCHED:
            since = self.unwatched.pop()[0]
        self.unwatched.append((since, until))

    # What is known.

    @property
    def head(self) -> Announced | None:
        """The newest announcement; its block is the head."""
        return self._row[-1] if self._row else None

    @property
    def oldest(self) -> Announced | None:
        """The oldest announcement that is remembered."""
        return self._row[0] if self._row else None

    def forgets_soon(self, rank: int) -> bool:
        """Whether this announcement is in the older half of what is remembered."""
        return rank < self._base + len(self._row) - self._window // 2

    @property
    def is_unsure(self) -> bool:
        """Whether blocks were seen that do not link yet."""
        return bool(self._loose)

    def looked_between(self, since: float, until: float) -> bool:
        """Whether a look was begun after the one and by the other, as far as that is remembered."""
        return any(since < look <= until for look in self._looks)

    def ranks_of(self, hash_: str) -> tuple[int, ...]:
        """Each rank of this block, ascending; empty when the truth never had it, or has forgotten it."""
        return self._ranks.get(hash_, ())

    def at(self, rank: int) -> Announced:
        """The announcement with this rank, which must be remembered."""
        return self._row[rank - self._base]

    def has(self, rank: int) -> bool:
        """Whether there is an announcement with this rank, and remembered."""
        return 0 <= rank - self._base < len(self._row)

    def canonical(self, number: int) -> Announced | None:
        """The block that is on the chain at this number now, as far as is known."""
        if not self._row or number > self._row[-1].number or number not in self._versions:
            return None
        return self.at(self._versions[number][-1])

    def versions(self, number: int) -> tuple[int, ...]:
        """Every rank that this number has had, ascending."""
        return tuple(self._versions.get(number, ()))

    def covers(self, number: int) -> bool | None:
        """True: it knows what is there. None: it has not come so far. False: it never will."""
        if not self._row or number > self._row[-1].number:
            return None
        return number in self._versions

    def first_after(self, t: float) -> int | None:
        """The rank of the first announcement that was seen later than t."""
        found = None
        for announced in reversed(self._row):
            if announced.seen <= t:
                break
            found = announced.rank
        return found

    def last_until(self, t: float) -> int | None:
        """The rank of the last announcement that was seen by t."""
        return next((one.rank for one in reversed(self._row) if one.seen <= t), None)

    def is_overtaken(self, announced: Announced, t: float) -> bool:
        """Whether by t something was seen that was not yet when this was."""
        rank = announced.rank + 1
        while self.has(rank) and self.at(rank).seen <= t:
            if self.at(rank).seen > announced.seen:
                return True
            rank += 1
        return False

    @property
    def reorgs_seen(self) -> int:
        """How many branches went so far."""
        return self.reorgs_forgotten + len(self._reorgs)

    def reorg(self, index: int) -> Reorg | None:
        """The index-th reorg, from 0; None before it happens, and when it is forgotten."""
        place = index - self.reorgs_forgotten
        return self._reorgs[place] if 0 <= place < len(self._reorgs) else None

    def wanted(self) -> list[tuple[int, str]]:
        """Blocks (number, hash) without which others do not link: to be fetched and fed."""
        missing = {(one.number - 1, one.parent) for one in self._loose.values()}
        return sorted(pair for pair in missing if pair[1] not in self._loose)

    # How it grows.

    def _prepend(self, t: float, number: int, hash_: str, parent: str) -> bool:
        """A block just below the oldest, or None of our business: it lies below all that is remembered."""
        first = self._row[0]
        if number >= first.number:
            return False
        if number == first.number - 1 and first.parent == hash_ and len(self._row) < self._window:
            self._base -= 1
            seen = min(t, first.seen)
            self._row.insert(0, Announced(self._base, number, hash_, parent, seen, first.unseen))
            self._ranks[hash_] = (self._base, *self._ranks.get(hash_, ()))
            self._versions[number] = [self._base]
        return True

    def _link(self, block: Loose) -> None:
        """Announce the branch up to this block if it reaches down to what is known."""
        self._loose.setdefault(block.hash, block)
        for tip in sorted(self._loose.values(), key=lambda one: -one.number):
            path = self._path(tip)
            if path is not None:
                self._announce(path)
                return
        oldest = min(self._loose.values(), key=lambda one: one.seen)
        if self.looked - oldest.seen > self._patience or len(self._loose) > MOST_LOOSE:
            tip = max(self._loose.values(), key=lambda one: one.number)
            self._lose_sight(self._row[-1].seen, self.looked)
            self._announce(self._downward(tip))

    def _path(self, tip: Loose) -> list[Loose] | None:
        """The blocks from the fork (without it) up to the tip; None when some are not known."""
        path = self._downward(tip)
        below, low = path[0].number - 1, self._row[0].number
        stays = self.canonical(below)
        if below < low or (stays is not None and stays.hash == path[0].parent):
            return path
        return None

    def _downward(self, tip: Loose) -> list[Loose]:
        """The tip and its ancestors that are no part of the chain now, lowest first, as far as known."""
        path, seen, unseen = [tip], tip.seen, tip.unseen
        while True:
            block = path[-1]
            stays = self.canonical(block.number - 1)
            if stays is not None and stays.hash == block.parent:
                break
            parent = self._loose.get(block.parent) or self._left(block)
            if parent is None:
                break
            seen, unseen = min(seen, parent.seen), min(unseen, parent.unseen)
            path.append(parent._replace(seen=seen, unseen=unseen))
        return path[::-1]

    def _left(self, child: Loose) -> Loose | None:
        """The parent of this one, if the truth had it before and left it: it is back since its child is."""
        ranks = self.ranks_of(child.parent)
        if not ranks or self.at(ranks[-1]).number != child.number - 1:
            return None
        return child._replace(number=child.number - 1, hash=child.parent, parent=self.at(ranks[-1]).parent)

    def _announce(self, path: list[Loose]) -> None:
        """Go over to this branch, block by block."""
        rank, head = self._base + len(self._row), self.head
        if head is not None and path[0].number <= head.number:
            self._reorgs.append(Reorg(rank, path[0].number - 1, head.number, path[0].seen))
        elif head is not None and path[0].number > head.number + 1:
            self._skip(head.number + 1, path[0].number - 1)
        for block in path:
            self._row.append(Announced(rank, *block))
            self._ranks[block.hash] = (*self._ranks.get(block.hash, ()), rank)
            self._versions.setdefault(block.number, []).append(rank)
            self._loose.pop(block.hash, None)
            rank += 1
        top = path[-1].number
        for hash_ in [one.hash for one in self._loose.values() if one.number <= top]:
            del self._loose[hash_]
        self._forget()

    def _skip(self, first: int, last: int) -> None:
        """These numbers are a hole: nothing is known of them, whatever a branch that went had there."""
        self.holes += last - first + 1
        for number in [one for one in self._versions if first <= one <= last]:
            del self._versions[number]

    def _forget(self) -> None:
        extra = len(self._row) - self._window
        if extra > self._window // 4:
            for old in self._row[:extra]:
                _drop_first(self._ranks, old.hash)
                self._drop_version(old)
            del self._row[:extra]
            self._base += extra
        if len(self._reorgs) > MOST_REORGS:
            self._reorgs.pop(0)
            self.reorgs_forgotten += 1

    def _drop_version(self, old: Announced) -> None:
        versions = self._versions.get(old.number, [])
        if old.rank in versions:
            versions.remove(old.rank)
            if not versions:
                del self._versions[old.number]


def _drop_first(ranks: dict[str, tuple[int, ...]], hash_: str) -> None:
    """Forget the oldest rank of a block."""
    left = ranks[hash_][1:]
    if left:
        ranks[hash_] = left
    else:
        del ranks[hash_]
