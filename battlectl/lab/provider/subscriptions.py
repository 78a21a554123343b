"""What a subscription or a filter announces: the way from what it has shown to what there is to see now.

Rule: each block is announced once and in order. When the branch has changed, what was shown of the old one
is taken back from the newest block down (logs come again, `removed`), then the new one is announced from the
fork to its head. A head that goes back on the same branch announces nothing. A chain that shares no block
with what was shown starts at its head; back on one that was shown before, nothing is left out. Nothing is
queued: memory does not grow while nobody reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from battlectl.lab.chain.chain import Chain, View, block_hash, common_height, transaction_hash
from battlectl.lab.chain.documents import Document, header_document, logs_of_block, pending_document
from battlectl.lab.chain.transfers import transfers_in
from battlectl.lab.rpc import params as p
from battlectl.lab.rpc.log_filter import LogFilter, matches, read_filter

MOST_CHAINS = 16  # that a subscription remembers having been on


@dataclass(frozen=True, slots=True)
class Step:
    """From one view to a later one: blocks of the old branch taken back, newest first, then those added."""

    removed: range
    added: range


@dataclass(frozen=True, slots=True)
class Topic:
    """What is announced of a block that was added, and of one that was taken back."""

    added: Callable[[Chain, int], list[Any]]
    removed: Callable[[Chain, int], list[Any]]


class Announcements:
    """One subscription: `next` gives what has not been announced yet, up to a view, one by one."""

    def __init__(self, topic: Topic, begin: View) -> None:
        self._topic = topic
        self._shown = begin
        self._left: dict[Chain, View] = {}  # where it stood on other chains, by what their forks have alike
        self._waiting: Iterator[Any] = iter(())

    def next(self, view: View) -> Any:
        """The next announcement, or None when there is none before the view changes."""
        while True:
            for announcement in self._waiting:
                return announcement
            shown = self._shown_on(view)
            step = step_between(shown, view)
            if step is None:
                return None
            self._waiting = announced(self._topic, step, shown.chain, view.chain)
            self._shown = view

    def _shown_on(self, view: View) -> View:
        """The last view of this chain, or of the one that is left for it when it is new."""
        new, old = trunk_of(view.chain), trunk_of(self._shown.chain)
        if new != old:
            self._left[old] = self._shown
            if new in self._left:
                self._shown = self._left.pop(new)
            elif len(self._left) > MOST_CHAINS:
                del self._left[next(iter(self._left))]
        return self._shown


def step_between(shown: View, view: View) -> Step | None:
    """What there is to announce, or None."""
    common = common_height(shown.chain, view.chain)
    if common == -1:  # another chain altogether
        return Step(range(0), range(view.head, view.head + 1))
    fork = shown.head if common is None else min(shown.head, common)
    if view.head <= fork:
        return None
    return Step(range(shown.head, fork, -1), range(fork + 1, view.head + 1))


def trunk_of(chain: Chain) -> Chain:
    """What all branches of a chain have alike."""
    return chain if chain.fork is None else replace(chain, fork=None)


def announced(topic: Topic, step: Step, old: Chain, new: Chain) -> Iterator[Any]:
    """All announcements of a step, in order."""
    for number in step.removed:
        yield from topic.removed(old, number)
    for number in step.added:
        yield from topic.added(new, number)


def read_topic(params: list[Any]) -> Topic:
    """The parameters of eth_subscribe; RpcError -32602 when there is no such subscription."""
    kind = p.argument(params, 0)
    if kind == "newHeads":
        return NEW_HEADS
    if kind == "logs":
        return logs_topic(read_filter(p.mapping(p.argument(params, 1, {}), 1)))
    if kind == "newPendingTransactions":
        return pending_topic(p.boolean(p.argument(params, 1, False), 1))
    raise p.bad(0, "a subscription is newHeads, logs or newPendingTransactions")


def logs_topic(wanted: LogFilter) -> Topic:
    """The logs that pass a filter."""

    def added(chain: Chain, number: int) -> list[Document]:
        return [log for log in logs_of_block(chain, number) if matches(wanted, log)]

    def removed(chain: Chain, number: int) -> list[Document]:
        return [log | {"removed": True} for log in reversed(added(chain, number))]

    return Topic(added, removed)


def pending_topic(full: bool) -> Topic:
    """With each block, the transactions of the one after it."""

    def added(chain: Chain, number: int) -> list[Any]:
        moves = transfers_in(number + 1)
        if full:
            return [pending_document(chain, move) for move in moves]
        return [transaction_hash(chain, move.number, move.index) for move in moves]

    return Topic(added, _nothing)


def _nothing(chain: Chain, number: int) -> list[Any]:
    return []


NEW_HEADS = Topic(lambda chain, number: [header_document(chain, number)], _nothing)
NEW_HASHES = Topic(lambda chain, number: [block_hash(chain, number)], _nothing)
