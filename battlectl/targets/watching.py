"""Questions to the target beside the load, at a low constant rate: head, first block, one block whole.

Rule: nothing here is part of the load, nor counted with it. The block that is looked at lies so far below the
head that the target told that nodes at different heights are no excuse; everything about it is asked for by
its hash. The next block is asked for before it is there: a target that remembers having none denies it later.
What does not agree is held against the target only when the chain was read after it, for a reorg may explain
it; one hash with two contents no reorg explains, nor logs told by a hash that are not those of its block.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import trio

from battlectl.observe.block_agreement import (
    BLOCK,
    BlockTold,
    Disagreement,
    logs_agree,
    logs_and_receipts_agree,
    read_block,
    receipts_agree,
    same_block,
)
from battlectl.observe.chain_seen import ChainSeen
from battlectl.observe.consistency import ASKED, ROUNDS, UNANSWERED, WATCH, Book, Seen
from battlectl.observe.first_block import FirstBlock
from battlectl.observe.heads_told import HeadsTold, HeadTerms, Told
from battlectl.observe.leniency import Leniency
from battlectl.targets.asking import Answer, Asker

CHECK = "consistency"
SUBJECT = "(watch)"
"""Whose facts these are, among those of workloads: no workload can have this name."""
MOST_RECEIPTS = 4
"""Transactions whose receipts are asked for one by one, where a node has no eth_getBlockReceipts."""
NO_METHOD = -32601
REPEATS, PAUSE = 2, 0.5
"""How often, and after how many seconds, one is asked again who denies a block."""
SETTLE = 1.0
"""Seconds after an answer by which the chain must have been read to say that it was on another branch."""
MOST_UNSETTLED = 64


class _Told(NamedTuple):
    """A disagreement that waits for what the chain did meanwhile; no reorg explains one that `is_certain`."""

    kind: str
    since: float
    done: float
    provider: str
    words: str
    is_certain: bool


@dataclass(frozen=True, slots=True)
class Grounds:
    """What answers are held against. `chain` is None where it is not read."""

    book: Book
    heads: HeadsTold
    first_block: FirstBlock
    leniency: Leniency
    terms: HeadTerms
    chain: ChainSeen | None


class Watching:
    """One run's. Mutable: it learns what the target can answer, and holds what is not settled."""

    def __init__(self, asker: Asker, grounds: Grounds, start: float) -> None:
        self._asker = asker
        self._grounds = grounds
        self._start = start
        self._has_block_receipts = True
        self._unsettled: deque[_Told] = deque(maxlen=MOST_UNSETTLED)

    async def round(self) -> None:
        """Everything once."""
        self._grounds.book.add(self._at(trio.current_time()), WATCH, ROUNDS, SUBJECT)
        await self.ask_first_block()
        await self._ask_newest_block()
        head = await self._ask_head()
        if head is None:
            return
        again = await self._ask_newest_block()
        if again is not None and again[0] < head - self._grounds.terms.back:
            words = f"head {head} was told, and then {again[0]} was the block `latest`"
            self._suspect("mixed", again[1], again[1], words)
        await self._ask_for_shown(head)
        await self._ask_view(head)
        if head > self._grounds.terms.behind:
            await self._look(head - self._grounds.terms.behind)
        await self._ask("eth_getBlockByNumber", [hex(head + 1), False])

    async def ask_first_block(self) -> None:
        """Which chain is it on?"""
        answer = await self._ask("eth_getBlockByNumber", ["0x0", False])
        try:
            hash_ = str(answer.result["hash"]).lower()
        except (TypeError, KeyError):
            return
        self._grounds.first_block.hear(self._at(answer.done), hash_, answer.provider, SUBJECT)

    async def _ask_head(self) -> int | None:
        answer = await self._ask("eth_blockNumber")
        try:
            head = int(answer.result, 16)
        except (TypeError, ValueError):
            return None
        sent, done = self._at(answer.sent), self._at(answer.done)
        self._grounds.heads.hear(Told(sent, done, head, answer.provider))
        return head

    async def _ask_newest_block(self) -> tuple[int, Answer] | None:
        """The same question in other words: two methods that disagree are a head that goes back."""
        answer = await self._ask("eth_getBlockByNumber", ["latest", False])
        try:
            head = int(answer.result["number"], 16)
        except (TypeError, KeyError, ValueError):
            return None
        told = Told(self._at(answer.sent), self._at(answer.done), head, answer.provider)
        self._grounds.heads.hear(told)
        return head, answer

    async def _ask_for_shown(self, head: int) -> None:
        """What was shown is there, as far as heads may not go back."""
        number = head - self._grounds.terms.back
        answer = await self._ask("eth_getBlockByNumber", [hex(number), False])
        if answer.has_result and answer.result is None:
            self._suspect("denied", answer, answer, f"head {head} was told, and then no block {number}")

    async def _ask_view(self, head: int) -> None:
        """Where the one stands who answers what is asked about `latest`."""
        answer = await self._ask("eth_feeHistory", ["0x1", "latest", []])
        try:
            stands = int(answer.result["oldestBlock"], 16)
        except (TypeError, KeyError, ValueError):
            return
        if stands < head - self._grounds.terms.behind:
            words = f"head {head} was told, and then eth_feeHistory took block {stands} for the latest"
            self._disagree(answer, answer, [Disagreement("mixed", words)])

    async def _look(self, number: int) -> None:
        """At one block, whole."""
        self._count("looks")
        told = await self._ask_patiently("eth_getBlockByNumber", [hex(number), False])
        if not told.has_result or told.result is None:
            if told.has_result:
                self._disagree(told, told, [Disagreement("withheld", f"block {number} is not there")])
            self._count("unanswered")
            return
        try:
            block = read_block(told.result)
        except ValueError:
            self._count("unanswered")  # Whether replies are such at all is for another check.
            return
        if block.number != number:
            words = f"block {number} was asked for and {block.number} was told"
            self._disagree(told, told, [Disagreement(BLOCK, words)])
        self._hold_against_chain(block, told)
        await self._look_inside(block, told)

    async def _look_inside(self, block: BlockTold, told: Answer) -> None:
        again = await self._ask_patiently("eth_getBlockByHash", [block.hash, False])
        logs = await self._ask("eth_getLogs", [{"blockHash": block.hash}])
        asked, receipts = await self._ask_receipts(block)
        if again.has_result:
            self._disagree(told, again, _compare_again(block, again.result))
        if logs.has_result:
            self._count("with_logs")
            self._disagree(told, logs, logs_agree(block, logs.result), _is_some(logs))
        if receipts:
            self._count("with_receipts")
            found = [answer.result for answer in receipts]
            if len(receipts) == 1 and self._has_block_receipts:
                found = receipts[0].result if isinstance(receipts[0].result, list) else [None]
            agreed = list(receipts_agree(block, asked, found))
            self._disagree(told, receipts[-1], agreed)
            if logs.has_result and not agreed:
                both = logs_and_receipts_agree(block, logs.result, found)
                self._disagree(told, logs, both, _is_some(logs))
        self._count("whole" if logs.has_result or receipts else "unanswered")

    async def _ask(self, method: str, params: Sequence[Any] = ()) -> Answer:
        answer = await self._asker.ask(method, params)
        at = max(0.0, self._at(answer.sent))
        self._grounds.book.add(at, WATCH, ASKED, SUBJECT)
        if answer.why:
            seen = Seen(at, answer.provider, 0.0, f"{method}: {answer.why}")
            self._grounds.book.add(at, WATCH, UNANSWERED, SUBJECT, seen)
        return answer

    async def _ask_patiently(self, method: str, params: Sequence[Any]) -> Answer:
        """Of a block that must be there: a null is believed when it is repeated."""
        answer = await self._ask(method, params)
        for _ in range(REPEATS):
            if not answer.has_result or answer.result is not None:
                break
            self._count("late")
            await trio.sleep(PAUSE)
            answer = await self._ask(method, params)
        return answer

    async def _ask_receipts(self, block: BlockTold) -> tuple[Sequence[str], list[Answer] | None]:
        """(the transactions asked about, the answers); None where some came without a result.

        None at all for a block without transactions, where they are asked for one by one: nothing is shown.
        """
        if self._has_block_receipts:
            answer = await self._ask("eth_getBlockReceipts", [block.hash])
            if answer.has_result:
                return block.transactions, [answer]
            if answer.code != NO_METHOD:
                return (), None
            self._has_block_receipts = False
        asked = block.transactions[:MOST_RECEIPTS]
        answers = [await self._ask("eth_getTransactionReceipt", [one]) for one in asked]
        return asked, answers if all(answer.has_result for answer in answers) else None

    def _hold_against_chain(self, block: BlockTold, told: Answer) -> None:
        """A block that the chain has not had for a while is not the chain's."""
        chain, asked = self._grounds.chain, self._at(told.sent)
        known = None if chain is None else chain.canonical(block.number)
        if self._grounds.leniency.none_left(asked):
            return
        if known is None or known.hash == block.hash or known.seen > asked - self._grounds.terms.within:
            return
        words = f"block {block.number} is {block.hash[:18]}... where the chain has {known.hash[:18]}..."
        self._disagree(told, told, [Disagreement("off_chain", words)])

    def _disagree(
        self, first: Answer, last: Answer, found: Iterable[Disagreement], is_certain: bool = False
    ) -> None:
        """A target that could not know yet is excused."""
        for kind, words in found:
            if self._grounds.leniency.is_new(self._at(last.done)):
                self._suspect("not_noticed_yet", first, last, words)
            else:
                self._suspect(kind, first, last, words, is_certain or kind == BLOCK)

    def _suspect(self, kind: str, first: Answer, last: Answer, words: str, is_certain: bool = False) -> None:
        who = dict.fromkeys(answer.provider for answer in (first, last) if answer.provider)
        if len(self._unsettled) == self._unsettled.maxlen:
            self._enter_settled(self._unsettled.popleft())
        self._unsettled.append(
            _Told(kind, self._at(first.sent), self._at(last.done), " and ".join(who), words, is_certain)
        )

    def settle(self, _t: float, final: bool = False) -> None:
        """Say what can be said by now."""
        final = final or self._grounds.chain is None  # Nobody will read it later either.
        while self._unsettled and (final or self._can_be_settled(self._unsettled[0])):
            self._enter_settled(self._unsettled.popleft())

    def _can_be_settled(self, told: _Told) -> bool:
        chain = self._grounds.chain
        return chain is not None and chain.looked >= told.done + SETTLE

    def _enter_settled(self, told: _Told) -> None:
        chain = self._grounds.chain
        turned = chain is not None and chain.turned_between(told.since - SETTLE, told.done + SETTLE)
        is_certain = told.is_certain and chain is None
        kind = told.kind if is_certain or self._can_be_settled(told) else "unsettled"
        self._enter("after_reorg" if turned else kind, told)

    def _enter(self, kind: str, told: _Told) -> None:
        seen = Seen(told.done, told.provider, 1.0, told.words)
        self._grounds.book.add(told.done, CHECK, kind, SUBJECT, seen)

    def _count(self, kind: str) -> None:
        self._grounds.book.add(self._at(trio.current_time()), CHECK, kind, SUBJECT)

    def _at(self, t: float) -> float:
        return t - self._start


def _is_some(logs: Answer) -> bool:
    """Whether logs were told: who has left the block for another branch says that there are none."""
    return isinstance(logs.result, list) and bool(logs.result)


def _compare_again(block: BlockTold, told: Any) -> Iterator[Disagreement]:
    if told is None:
        return iter([Disagreement("withheld", f"block {block.number} is not there by its own hash")])
    try:
        return same_block(block, read_block(told))
    except ValueError as error:
        return iter([Disagreement(BLOCK, f"block {block.number} by its hash is {error}")])
