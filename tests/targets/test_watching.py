"""Questions beside the load, asked of a target of a few lines: what a round says of one block."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from battlectl.observe.chain_seen import ChainSeen
from battlectl.observe.consistency import Book
from battlectl.observe.first_block import FirstBlock
from battlectl.observe.heads_told import HeadsTold, HeadTerms
from battlectl.observe.leniency import Leniency
from battlectl.targets.asking import Answer
from battlectl.targets.watching import NO_METHOD, Grounds, Watching

HEAD = 10
TERMS = HeadTerms()


def block(number, transactions=()):
    return {
        "number": hex(number),
        "hash": f"0x{number:064x}",
        "parentHash": f"0x{number - 1:064x}",
        "transactions": list(transactions),
    }


class Scripted:
    """Answers by method; one that is not in the table is unknown to it."""

    def __init__(self, **answers):
        self._answers = answers

    async def ask(self, method, params=()):
        sent = trio.current_time()
        await trio.sleep(0.01)
        if method not in self._answers:
            return Answer(sent, trio.current_time(), False, code=NO_METHOD)
        told = self._answers[method]
        return Answer(sent, trio.current_time(), True, told(*params) if callable(told) else told)


def by_number(named, _whole):
    number = HEAD if named == "latest" else int(named, 16)
    return block(number) if number <= HEAD else None


def by_hash(hash_, _whole):
    return block(int(hash_, 16))


SOUND = {"eth_blockNumber": hex(HEAD), "eth_getBlockByNumber": by_number, "eth_getBlockByHash": by_hash}


def watched(answers, chain=None):
    """Kind -> how often, of the check `consistency`, after one round and the end."""
    book = Book([0.0, 100.0])
    leniency = Leniency(lambda: (), ["a"], 1.0)
    grounds = Grounds(
        book,
        HeadsTold(book, "(watch)", TERMS, chain),
        FirstBlock(book, leniency.is_new, None),
        leniency,
        TERMS,
        chain,
    )

    async def run():
        watching = Watching(Scripted(**answers), grounds, 0.0)
        await watching.round()
        watching.settle(99.0, True)

    trio.run(run, clock=MockClock(autojump_threshold=0))
    return {fact.kind: count.number for fact, count in book.take().items() if fact.check == "consistency"}


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({}, {"looks": 1, "unanswered": 1}),
        ({"eth_getBlockReceipts": []}, {"looks": 1, "whole": 1, "with_receipts": 1}),
        ({"eth_getLogs": []}, {"looks": 1, "whole": 1, "with_logs": 1}),
    ],
    ids=["nothing", "receipts of the block", "logs"],
)
def test_an_empty_block_agrees_with_what_was_told_of_it_and_not_with_nothing(more, found):
    assert watched(SOUND | more) == found


def denying(named, whole):
    return None if named == hex(HEAD) else by_number(named, whole)


def looked_at(until):
    chain = ChainSeen()
    for number in range(5, HEAD + 1):
        told = block(number)
        chain.see(until - (HEAD - number) / 10, number, told["hash"], told["parentHash"])
    return chain


@pytest.mark.parametrize(
    ("chain", "kind"),
    [(None, "unsettled"), (looked_at(50.0), "denied"), (looked_at(0.0), "unsettled")],
    ids=["no chain", "read after it", "not read after it"],
)
def test_a_block_that_is_denied_is_held_against_who_could_be_watched(chain, kind):
    found = watched(SOUND | {"eth_getBlockByNumber": denying, "eth_getLogs": []}, chain)
    assert found.get(kind) == 1


def behind(named, whole):
    """Every other answer is that of a node one block behind the one that told the head."""
    return by_number(hex(HEAD - 1) if named == "latest" else named, whole) if named != hex(HEAD) else None


def with_bloom(named, whole):
    """A block that says it has logs."""
    told = by_number(named, whole) if len(named) < 66 else by_hash(named, whole)
    return told and told | {"logsBloom": "0x" + "0" * 511 + "1"}


def log(block_hash, transaction="0x1", index=0):
    return {"blockHash": block_hash, "transactionHash": transaction, "logIndex": hex(index)}


def other_content(hash_, _whole):
    return by_hash(hash_, _whole) | {"transactions": ["0x1"]}


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"eth_getBlockByNumber": behind}, "mixed"),
        ({"eth_getBlockByNumber": behind}, "denied"),
        ({"eth_getBlockByHash": lambda *_: None}, "withheld"),
        ({"eth_getBlockReceipts": [{"transactionHash": "0x1", "blockHash": "0x2"}]}, "receipts"),
        ({"eth_getBlockByNumber": with_bloom, "eth_getBlockByHash": with_bloom, "eth_getLogs": []}, "logs"),
        ({"eth_getLogs": None}, "logs"),
    ],
    ids=["mixed", "denied", "withheld", "receipts", "no logs", "logs that are none"],
)
def test_what_a_reorg_or_another_height_explains_is_said_of_nobody_where_the_chain_is_not_read(more, kind):
    unread, read = (watched(SOUND | more, chain) for chain in (None, looked_at(50.0)))
    assert read[kind] >= 1
    assert kind not in unread
    assert unread["unsettled"] >= 1


def test_one_hash_with_two_contents_is_somebodys_fault_whatever_the_chain_did():
    assert watched(SOUND | {"eth_getBlockByHash": other_content, "eth_getLogs": []})["block"] == 1


def bare(named, whole):
    """Blocks of one transaction that has a log."""
    told = by_number(named, whole) if len(named) < 66 else by_hash(named, whole)
    return told and told | {"transactions": ["0x1"]}


def receipts(hash_):
    return [{"transactionHash": "0x1", "blockHash": hash_, "logs": [log(hash_), log(hash_, index=1)]}]


@pytest.mark.parametrize("chain", [None, looked_at(50.0)], ids=["no chain", "read after it"])
@pytest.mark.parametrize(
    "more",
    [
        {"eth_getLogs": [log("0x2")]},
        {"eth_getLogs": lambda asked: [log(asked["blockHash"])], "eth_getBlockReceipts": receipts},
    ],
    ids=["of another block", "others than in its receipts"],
)
def test_logs_of_a_hash_that_are_not_its_blocks_are_somebodys_fault_whatever_the_chain_did(more, chain):
    sound = SOUND | {"eth_getBlockByNumber": bare, "eth_getBlockByHash": bare}
    found = watched(sound | more, chain)
    assert found["logs"] == 1
    assert "unsettled" not in found
