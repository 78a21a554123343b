"""From what providers say to what clients are shown: one walk along the chain, without I/O and clock.

Rule: a block is shown when its parent is the tip. A head that does not link becomes a goal: its ancestors
are asked for by hash until they meet the branch. Where they meet the tip, the gap is filled; where they
meet below it, the branch changes only if most providers say so, and then from the fork on. They are asked
before a long way back too, so that one provider on another chain cannot lead far. A block on the branch
is never shown again: doubles, late ones and providers that are behind change nothing. A gap or a reorg too
long to follow is Lost: the caller must tell its clients, for silence would be a lie.
"""

from __future__ import annotations

from dataclasses import dataclass

from battlectl.lab.gateway.ws.block import Block, Place
from battlectl.lab.gateway.ws.branch import WINDOW, Branch

FILL_LIMIT = 1_024
MOST_GOALS = 16
MOST_UNTRUSTED = 8  # blocks known below a head before most providers have to have the lowest


class Lost(Exception):
    """The chain went on where it cannot be followed without leaving blocks out."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One block for the clients, and what its branch has replaced, newest first (empty but for reorgs)."""

    block: Block
    dropped: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Fetch:
    """Wanted: the block with this hash. Answer with `found` or `unknown`."""

    hash: str
    number: int


@dataclass(frozen=True, slots=True)
class Vote:
    """Wanted: do most providers have this block at this number? Answer with `judged`."""

    hash: str
    number: int


@dataclass(slots=True, eq=False)
class _Goal:
    """A head to be reached: its blocks from the newest down to the last one known."""

    path: list[Block]
    is_trusted: bool = False

    @property
    def head(self) -> Block:
        return self.path[0]

    @property
    def lowest(self) -> Block:
        return self.path[-1]


class Walk:
    """Mutable: the branch shown so far and the goals ahead. Its methods return what to show now."""

    def __init__(self, anchor: Block, window: int = WINDOW, fill_limit: int = FILL_LIMIT) -> None:
        """`anchor` is the block that clients are taken to know: the first one shown follows it."""
        self.branch = Branch(anchor.place, window)
        self._goals: list[_Goal] = []
        self._known: dict[str, Block] = {}
        self._fill_limit = fill_limit

    @property
    def tip(self) -> Place:
        """The newest block shown, or the anchor."""
        return self.branch.tip

    def offer(self, block: Block) -> list[Shown]:
        """A head that some provider claims to have; in any order, any number of times."""
        if not self._is_news(block):
            return []
        # Whoever has too many heads pushes out his oldest; a true one comes again.
        self._goals = [*self._goals[1 - MOST_GOALS :], _Goal([block])]
        return self.found(block)

    def wanted(self) -> Fetch | Vote | None:
        """What must be found out for the oldest goal, if there is one."""
        if not self._goals:
            return None
        goal = self._goals[0]
        if not goal.is_trusted and (self._meets_branch(goal) or len(goal.path) >= MOST_UNTRUSTED):
            return Vote(goal.lowest.hash, goal.lowest.number)
        return Fetch(goal.lowest.parent, goal.lowest.number - 1)

    def found(self, block: Block) -> list[Shown]:
        """A block that was fetched, asked for or not."""
        self._known[block.hash] = block
        if len(self._known) > 2 * self._fill_limit:
            del self._known[next(iter(self._known))]  # the oldest: a path keeps its own blocks
        return self._settle()

    def unknown(self, hash_: str) -> list[Shown]:
        """Nobody knows this block: the goals that need it are on a branch that is gone."""
        self._goals = [goal for goal in self._goals if goal.lowest.parent != hash_]
        return self._settle()

    def judged(self, hash_: str, is_canonical: bool) -> list[Shown]:
        """What most providers say of a goal's lowest block; `wanted` asked for it."""
        if not is_canonical:
            self._goals = [goal for goal in self._goals if goal.lowest.hash != hash_]
        for goal in self._goals:
            goal.is_trusted = goal.is_trusted or goal.lowest.hash == hash_
        return self._settle()

    def heads_above(self, hash_: str) -> set[str]:
        """The heads of the goals that stand and fall with this block."""
        return {goal.head.hash for goal in self._goals if goal.lowest.hash == hash_}

    def _is_news(self, block: Block) -> bool:
        if block.number < self.branch.start.number or self.branch.has(block.hash):
            return False
        return all(goal.head.hash != block.hash for goal in self._goals)

    def _settle(self) -> list[Shown]:
        """Show what is reached until nothing is, and forget what is not needed any more."""
        shown: list[Shown] = []
        while (goal := next(filter(self._is_reached, self._goals), None)) is not None:
            self._goals.remove(goal)
            shown += self._show(goal)
        self._goals = [goal for goal in self._goals if self._is_open(goal)]
        if not self._goals:
            self._known.clear()
        return shown

    def _is_reached(self, goal: _Goal) -> bool:
        self._trace(goal)
        links = goal.lowest.parent == self.tip.hash
        return self._is_open(goal) and (links or (goal.is_trusted and self._meets_branch(goal)))

    def _trace(self, goal: _Goal) -> None:
        """Follow the ancestors as far as they are known; the branch may have come nearer meanwhile."""
        while len(goal.path) > 1 and self.branch.has(goal.lowest.hash):
            goal.path.pop()
        while not self._meets_branch(goal) and (parent := self._known.get(goal.lowest.parent)) is not None:
            if parent.number != goal.lowest.number - 1:
                return
            goal.path.append(parent)
            if goal.is_trusted and len(goal.path) > self._fill_limit:
                raise Lost(f"more than {self._fill_limit} blocks behind block {goal.head.number}")

    def _is_open(self, goal: _Goal) -> bool:
        return not self.branch.has(goal.head.hash) and self._counts(goal)

    def _counts(self, goal: _Goal) -> bool:
        """Whether its numbers go on from its parent's: what does not count is no chain."""
        known = self._known.get(goal.lowest.parent)
        before = known.number if known else self.branch.number_of(goal.lowest.parent)
        return before is None or before == goal.lowest.number - 1

    def _meets_branch(self, goal: _Goal) -> bool:
        """Whether it hangs on the branch, or reaches down to all that is remembered of it."""
        return self.branch.has(goal.lowest.parent) or goal.lowest.number <= self.branch.start.number

    def _show(self, goal: _Goal) -> list[Shown]:
        fork = goal.lowest.parent
        if not (self.branch.has(fork) or self.branch.is_whole):
            raise Lost(f"a reorg from below block {self.branch.start.number}, the oldest remembered")
        dropped = self.branch.cut(fork)
        for block in reversed(goal.path):
            self.branch.grow(block.place)
            self._known.pop(block.hash, None)
        first, *others = reversed(goal.path)
        return [Shown(first, dropped), *(Shown(block) for block in others)]
