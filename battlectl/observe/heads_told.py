"""The heads that one client is told: never back, never long behind the chain, never ahead of it.

Rule: of two replies the later is the one that was asked for after the earlier had come whole; replies that
overlap prove nothing. What looks wrong is settled when the chain has been read again after it: a reorg in
between excuses it, and where the chain was not read nothing is held against anybody. Nor is it known of a
reply to which the chain had not been read for `within` that it was not behind: only the others are compared.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from battlectl.observe.chain_seen import ChainSeen
from battlectl.observe.consistency import Book, Seen, never

CHECK = "head"
MOST_RISES = 64
MOST_WAITING = 4096


@dataclass(frozen=True, slots=True)
class HeadTerms:
    """What a target may do: blocks `back` for one client, `ahead` of the chain, and `behind` where the chain
    was known to be for `within` seconds. `settle` is how long after a reply the chain must be read."""

    back: int = 0
    behind: int = 3
    ahead: int = 5
    within: float = 3.0
    settle: float = 1.0


class Told(NamedTuple):
    """One reply that names a head; times in seconds from the start."""

    sent: float
    done: float
    head: int
    provider: str


class HeadOrder:
    """When the highest head so far was first told, whole. Mutable: it follows the replies."""

    def __init__(self) -> None:
        self._rises: deque[Told] = deque(maxlen=MOST_RISES)

    def take(self, told: Told) -> Told | None:
        """The highest that had come whole before this was asked for; None when nothing is known of then."""
        rises = self._rises
        if not rises or told.head > rises[-1].head:
            done = max(told.done, rises[-1].done) if rises else told.done
            rises.append(told._replace(done=done))
            return None
        if rises[-1].done < told.sent:
            return rises[-1]
        place = bisect_left(rises, told.sent, key=lambda one: one.done)
        return rises[place - 1] if place else None


class _Suspect(NamedTuple):
    kind: str
    told: Told
    since: float
    size: int
    words: str


class HeadsTold:
    """See the rule. Mutable: it holds what is not settled yet. Without a chain nothing can be settled.

    `is_helpless` says whether the target had nobody left at a time who knew the chain.
    """

    def __init__(
        self,
        book: Book,
        subject: str,
        terms: HeadTerms,
        chain: ChainSeen | None = None,
        is_helpless: Callable[[float], bool] = never,
    ) -> None:
        self._book = book
        self._subject = subject
        self._replies = (CHECK, "replies", subject)
        self._compared = (CHECK, "compared", subject)
        self._terms = terms
        self._chain = chain
        self._is_helpless = is_helpless
        self._order = HeadOrder()
        self._waiting: deque[_Suspect] = deque()

    def hear(self, told: Told) -> None:
        """A reply came that names a head."""
        self._book.tick(told.done, self._replies)
        floor = self._order.take(told)
        if floor is not None and told.head < floor.head - self._terms.back:
            self._went_back(told, floor)
        if self._chain is not None and self._chain.highest is not None:
            self._compare(told, self._chain)

    def settle(self, t: float, final: bool = False) -> None:
        """Judge what can be judged by now; at the end what cannot be is said to be so."""
        chain = self._chain
        while self._waiting and chain is not None:
            suspect = self._waiting[0]
            if chain.looked < suspect.told.done + self._terms.settle:
                if not final:
                    return
                self._enter("unsettled", suspect)
            else:
                self._enter(self._settled(suspect, chain), suspect)
            self._waiting.popleft()

    def _went_back(self, told: Told, floor: Told) -> None:
        earlier = f"{told.sent - floor.done:.3f}s before it was asked for"
        words = f"head {told.head} {_after(told, floor)}, told {earlier}"
        suspect = _Suspect("back", told, floor.done, floor.head - told.head, words)
        if self._chain is None:
            self._enter("back_unwatched", suspect)
        else:
            self._wait(suspect)

    def _compare(self, told: Told, chain: ChainSeen) -> None:
        terms, highest = self._terms, chain.highest or 0
        if chain.looked >= told.sent - terms.within:
            self._book.tick(told.done, self._compared)
        known = chain.highest_by(told.sent - terms.within)
        is_behind = known is not None and told.head < known - terms.behind
        if known is not None and is_behind and self._is_helpless(told.sent):
            self._book.add(told.done, CHECK, "nobody_knew", self._subject)
        elif known is not None and is_behind:
            words = f"head {told.head} when {known} had been on the chain for {terms.within:g}s"
            self._wait(_Suspect("behind", told, told.sent - terms.within, known - told.head, words))
        elif told.head > highest + terms.ahead:
            words = f"head {told.head} when the chain was at {highest}"
            self._wait(_Suspect("ahead", told, told.sent, told.head - highest, words))

    def _settled(self, suspect: _Suspect, chain: ChainSeen) -> str:
        done, settle = suspect.told.done, self._terms.settle
        if suspect.kind == "ahead":
            by_then = chain.highest_after(done)
            if by_then is None:
                return "unsettled"
            return "ahead" if suspect.told.head > by_then + self._terms.ahead else "settled"
        turned = chain.turned_between(suspect.since - settle, done + settle)
        return "after_reorg" if turned else suspect.kind

    def _wait(self, suspect: _Suspect) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self._enter("unsettled", self._waiting.popleft())
        self._waiting.append(suspect)

    def _enter(self, kind: str, suspect: _Suspect) -> None:
        seen = Seen(suspect.told.done, suspect.told.provider, suspect.size, suspect.words)
        self._book.add(suspect.told.done, CHECK, kind, self._subject, seen)


def _after(told: Told, floor: Told) -> str:
    """With who said the higher one, where that was another and both are known."""
    by = f" by {floor.provider}" if floor.provider and floor.provider != told.provider else ""
    return f"after {floor.head}{by}"
