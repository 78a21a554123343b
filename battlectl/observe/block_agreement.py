"""Whether what a target tells of one block agrees: the block, its logs, its receipts.

Rule: what belongs to a block with a given hash cannot change, so any disagreement is somebody's fault. A
bloom that says "none" is believed, and one that says "some" unless it is all ones; what cannot be read agrees
with nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

LOGS, RECEIPTS, BLOCK = "logs", "receipts", "block"


class Disagreement(NamedTuple):
    """What does not agree, and how, in words."""

    kind: str
    words: str


class BlockTold(NamedTuple):
    """The parts of a block that are compared; hashes and the bloom's digits in lower case."""

    number: int
    hash: str
    transactions: tuple[str, ...]
    bloom: str | None


def read_block(told: Any) -> BlockTold:
    """A block with the hashes of its transactions; raises `ValueError` for what is none."""
    try:
        bloom = told.get("logsBloom")
        return BlockTold(
            int(told["number"], 16),
            told["hash"].lower(),
            tuple(one.lower() for one in told["transactions"]),
            None if bloom is None else bloom.lower().removeprefix("0x"),
        )
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise ValueError(f"no block: {str(told)[:80]}") from error


def same_block(one: BlockTold, other: BlockTold) -> Iterator[Disagreement]:
    """Two answers about one hash."""
    if one.hash != other.hash:
        yield Disagreement(BLOCK, f"block {one.number} by its hash came with another: {other.hash[:18]}...")
    elif one != other:
        counts = f"{len(one.transactions)} transactions and {len(other.transactions)}"
        yield Disagreement(BLOCK, f"block {one.number} was told twice, with {counts}, and is not the same")


def logs_agree(block: BlockTold, logs: Any) -> Iterator[Disagreement]:
    """eth_getLogs of this block's hash against the block."""
    found = _read_logs(logs)
    if found is None:
        yield Disagreement(LOGS, f"block {block.number}: logs that cannot be read: {str(logs)[:60]}")
        return
    foreign = sum(log.block != block.hash or log.transaction not in block.transactions for log in found)
    if foreign:
        yield Disagreement(
            LOGS, f"block {block.number}: {foreign} of {len(found)} logs are not of this block"
        )
    if len({log.place for log in found}) != len(found):
        yield Disagreement(LOGS, f"block {block.number}: logs that have the same index")
    if found and block.bloom is not None and not block.bloom.strip("0"):
        yield Disagreement(LOGS, f"block {block.number}: {len(found)} logs and a bloom that says none")
    if not found and block.bloom is not None and block.bloom.strip("0") and block.bloom.strip("f"):
        yield Disagreement(LOGS, f"block {block.number}: no logs and a bloom that says some")


def receipts_agree(block: BlockTold, asked: Sequence[str], receipts: Sequence[Any]) -> Iterator[Disagreement]:
    """The receipts of some of the transactions of a block, in their order, against the block."""
    missing = sum(receipt is None for receipt in receipts)
    if missing or len(receipts) != len(asked):
        told = f"{len(receipts) - missing} receipts of {len(asked)} transactions"
        yield Disagreement(RECEIPTS, f"block {block.number}: {told}")
        return
    for wanted, receipt in zip(asked, receipts, strict=True):
        place = (_text(receipt, "transactionHash"), _text(receipt, "blockHash"))
        if place != (wanted, block.hash):
            yield Disagreement(RECEIPTS, f"block {block.number}: a receipt of another block or transaction")
            return


def logs_and_receipts_agree(block: BlockTold, logs: Any, receipts: Sequence[Any]) -> Iterator[Disagreement]:
    """The logs of the transactions whose receipts were told, against those in the receipts."""
    asked = {_text(receipt, "transactionHash") for receipt in receipts}
    inside = _read_logs([log for receipt in receipts for log in _list(receipt, "logs")])
    listed = _read_logs(logs)
    if inside is None or listed is None:
        return
    own = {(log.transaction, log.place) for log in listed if log.transaction in asked}
    theirs = {(log.transaction, log.place) for log in inside}
    if own != theirs:
        told = f"{len(own)} logs by eth_getLogs and {len(theirs)} in its receipts"
        yield Disagreement(LOGS, f"block {block.number}: {told}")


class _Log(NamedTuple):
    block: str
    transaction: str
    place: int


def _read_logs(logs: Any) -> list[_Log] | None:
    try:
        return [
            _Log(one["blockHash"].lower(), one["transactionHash"].lower(), int(one["logIndex"], 16))
            for one in logs
        ]
    except (TypeError, KeyError, AttributeError, ValueError):
        return None


def _text(receipt: Any, name: str) -> str:
    value = receipt.get(name) if isinstance(receipt, dict) else None
    return value.lower() if isinstance(value, str) else ""


def _list(receipt: Any, name: str) -> list[Any]:
    value = receipt.get(name) if isinstance(receipt, dict) else None
    return value if isinstance(value, list) else []
