"""What belongs to one block agrees, or it is told how it does not."""

import pytest

from battlectl.observe.block_agreement import (
    logs_agree,
    logs_and_receipts_agree,
    read_block,
    receipts_agree,
    same_block,
)

SOME = "0x" + "00" * 255 + "01"
NONE = "0x" + "00" * 256
ALL = "0x" + "ff" * 256


def block(transactions=("0xt1", "0xt2"), bloom=SOME, hash_="0xB1"):
    return read_block(
        {"number": "0x10", "hash": hash_, "transactions": list(transactions), "logsBloom": bloom}
    )


def log(transaction="0xt1", index=0, block_hash="0xb1"):
    return {"blockHash": block_hash, "transactionHash": transaction, "logIndex": hex(index)}


def receipt(transaction="0xt1", logs=(), block_hash="0xb1"):
    return {"blockHash": block_hash, "transactionHash": transaction, "logs": list(logs)}


@pytest.mark.parametrize(
    ("bloom", "logs", "words"),
    [
        (SOME, [log(), log("0xT2", 1)], None),
        (ALL, [], None),
        (NONE, [], None),
        (None, [], None),
        (SOME, [], "no logs and a bloom that says some"),
        (NONE, [log()], "a bloom that says none"),
        (SOME, [log(block_hash="0xb2")], "1 of 1 logs are not of this block"),
        (SOME, [log("0xt9")], "1 of 1 logs are not of this block"),
        (SOME, [log(), log()], "the same index"),
        (SOME, None, "cannot be read"),
        (SOME, [{"logIndex": 3}], "cannot be read"),
    ],
)
def test_logs_are_held_against_their_block(bloom, logs, words):
    told = [one.words for one in logs_agree(block(bloom=bloom), logs)]
    assert ([words in one for one in told] == [True]) if words else not told


@pytest.mark.parametrize(
    ("receipts", "words"),
    [
        ([receipt(), receipt("0xT2")], None),
        ([receipt()], "1 receipts of 2 transactions"),
        ([receipt(), None], "1 receipts of 2 transactions"),
        ([receipt("0xt2"), receipt("0xt1")], "another block or transaction"),
        ([receipt(), receipt("0xt2", block_hash="0xb2")], "another block or transaction"),
        ([receipt(), "text"], "another block or transaction"),
    ],
)
def test_receipts_are_held_against_the_transactions(receipts, words):
    told = [one.words for one in receipts_agree(block(), ["0xt1", "0xt2"], receipts)]
    assert ([words in one for one in told] == [True]) if words else not told


def test_logs_and_receipts_are_held_against_each_other():
    two = [receipt(logs=[log()]), receipt("0xt2", logs=[log("0xt2", 1)])]
    assert not list(logs_and_receipts_agree(block(), [log(), log("0xt2", 1)], two))
    (told,) = logs_and_receipts_agree(block(), [log()], two)
    assert told.words == "block 16: 1 logs by eth_getLogs and 2 in its receipts"
    assert not list(
        logs_and_receipts_agree(block(), [log(), log("0xt2", 1)], two[:1])
    )  # Only of those asked.


def test_two_answers_about_one_hash_are_the_same():
    assert not list(same_block(block(), block(("0xT1", "0xT2"))))
    (told,) = same_block(block(), block(()))
    assert "with 2 transactions and 0" in told.words
    (told,) = same_block(block(), block(hash_="0xb2"))
    assert "came with another" in told.words


@pytest.mark.parametrize("told", [None, "x", {}, {"number": 3, "hash": None, "transactions": 1}])
def test_what_is_no_block_is_none(told):
    with pytest.raises(ValueError, match="no block"):
        read_block(told)
