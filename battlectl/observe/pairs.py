"""Two answers to the same call, from two places: are they the same?

Rule: a pair is compared when both sides answered, with a result or with an error that every right node gives;
what one side could not do says nothing about the other. A reorg between the first asking and the last answer
excuses a difference, and so does a fault so new that the target need not know of it; where the chain is not
read at all, nobody knows. What waits for its other
half is bounded, oldest out first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from battlectl.observe.chain_seen import ChainSeen
from battlectl.observe.consistency import Book, Seen, never

CHECK = "equality"
MOST_WAITING = 1024
SETTLE = 1.0
"""Seconds after the last answer of a pair by which its reorg must have been seen."""


class Half(NamedTuple):
    """One side's answer. `asked` is the call without its id; `value` is None when there was no answer that
    can be compared, else the result in its one form or the error's code."""

    sent: float
    done: float
    label: str
    asked: bytes
    value: bytes | None
    provider: str


@dataclass(frozen=True, slots=True)
class _Difference:
    done: float
    since: float
    provider: str
    words: str


class Pairs:
    """See the rule. Mutable: it holds the halves whose other half has not come."""

    def __init__(
        self,
        book: Book,
        subject: str,
        differ: Callable[[bytes, bytes], str],
        chain: ChainSeen | None = None,
        is_new: Callable[[float], bool] = never,
    ) -> None:
        self._book = book
        self._subject = subject
        self._differ = differ
        self._chain = chain
        self._is_new = is_new
        self._waiting: dict[int, tuple[int, Half]] = {}
        self._unsettled: deque[_Difference] = deque()

    def hear(self, side: int, number: int, half: Half) -> None:
        """The answer of side 0 or 1 to arrival `number`."""
        other = self._waiting.pop(number, None)
        if other is None:
            self._waiting[number] = (side, half)
            if len(self._waiting) > MOST_WAITING:
                oldest = next(iter(self._waiting))
                self._enter(self._waiting.pop(oldest)[1].done, "alone")
            return
        halves = (other[1], half) if side else (half, other[1])
        self._compare(*halves)

    def settle(self, t: float, final: bool = False) -> None:
        """Judge the differences that can be judged by now."""
        while self._unsettled:
            difference = self._unsettled[0]
            until = difference.done + SETTLE
            if self._chain is not None and self._chain.looked < until and not final:
                return
            self._unsettled.popleft()
            self._enter(difference.done, self._kind(difference, until), difference)
        if final:
            for _, half in self._waiting.values():
                self._enter(half.done, "alone")
            self._waiting.clear()

    def _compare(self, one: Half, other: Half) -> None:
        done = max(one.done, other.done)
        if one.asked != other.asked:
            self._enter(done, "unlike")
        elif one.value is None or other.value is None:
            self._enter(done, "unanswered")
        elif one.value == other.value:
            self._enter(done, "equal")
        else:
            who = " and ".join(half.provider or "?" for half in (one, other))
            words = f"{one.label}: {self._differ(one.value, other.value)}"
            since = min(one.sent, other.sent)
            self._unsettled.append(_Difference(done, since, who if who != "? and ?" else "", words))
            self.settle(done)

    def _kind(self, difference: _Difference, until: float) -> str:
        if self._is_new(difference.done):
            return "not_noticed_yet"
        if self._chain is None:
            return "unwatched"
        if self._chain.looked < until:
            return "unsettled"
        turned = self._chain.turned_between(difference.since - SETTLE, until)
        return "after_reorg" if turned else "different"

    def _enter(self, t: float, kind: str, difference: _Difference | None = None) -> None:
        seen = None if difference is None else Seen(t, difference.provider, 1.0, difference.words)
        self._book.add(t, CHECK, kind, self._subject, seen)
