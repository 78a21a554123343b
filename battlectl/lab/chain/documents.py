"""Blocks, transactions, receipts and logs as JSON-RPC shows them.

Rule: a document is made from a chain, a block number and an index alone; quantities are hex without leading
zeros, data is hex of full length (Ethereum execution-apis). Every bloom is all ones: it says "perhaps".
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from battlectl.lab.chain import chain as c
from battlectl.lab.chain.chain import Chain, View
from battlectl.lab.chain.transfers import AMOUNT, GAS_PRICE, GAS_USED, Transfer, transfer_at, transfers_in

Document = dict[str, Any]

TRANSFER_TOPIC = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
TRANSFER_SELECTOR = "0xa9059cbb"
EMPTY_UNCLES = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"
# A bloom may say "perhaps" for everything: no client that trusts it can miss a log.
FULL_BLOOM = "0x" + "ff" * 256
GAS_LIMIT = 30_000_000
ZERO_ADDRESS = "0x" + "00" * 20


def block_document(view: View, number: int, full: bool) -> Document:
    """Block `number`; with `full`, whole transactions in place of their hashes. Not to be changed: shared."""
    document = _settled_block(view.chain, number, full)
    return document if view.has(number) else document | {"hash": None, "nonce": None, "miner": None}


@lru_cache(maxsize=64)  # most callers ask for the newest few
def _settled_block(chain: Chain, number: int, full: bool) -> Document:
    moves = transfers_in(number)
    return {
        "number": hex(number),
        "hash": c.block_hash(chain, number),
        "parentHash": c.parent_hash(chain, number),
        "timestamp": hex(c.timestamp(chain, number)),
        "baseFeePerGas": hex(c.base_fee(chain, number)),
        "gasUsed": hex(GAS_USED * len(moves)),
        "stateRoot": c.root(chain, "state", number),
        "receiptsRoot": c.root(chain, "receipts", number),
        "transactionsRoot": c.root(chain, "transactions", number),
        "transactions": [_transaction(chain, move, full) for move in moves],
        **_CONSTANT_OF_BLOCKS,
    }


def header_document(chain: Chain, number: int) -> Document:
    """A block as eth_subscribe announces it: without its transactions, its uncles and its size."""
    document = _settled_block(chain, number, False)
    return {key: value for key, value in document.items() if key not in _NOT_OF_HEADERS}


def transaction_document(chain: Chain, move: Transfer) -> Document:
    """The transaction as eth_getTransactionByHash shows it, and whole blocks too."""
    return {
        **_place(chain, move),
        "hash": c.transaction_hash(chain, move.number, move.index),
        "type": "0x0",
        "chainId": hex(chain.chain_id),
        "from": move.sender,
        "to": move.token,
        "nonce": hex(move.nonce),
        "value": "0x0",
        "gas": hex(GAS_USED),
        "gasPrice": hex(GAS_PRICE),
        "input": TRANSFER_SELECTOR + _word(move.receiver) + f"{AMOUNT:064x}",
        "v": hex(chain.chain_id * 2 + 35),
        "r": c.root(chain, "r", move.number),
        "s": c.root(chain, "s", move.number),
    }


def pending_document(chain: Chain, move: Transfer) -> Document:
    """The same before it is in a block."""
    return transaction_document(chain, move) | dict.fromkeys(_place(chain, move))


def receipt_document(chain: Chain, number: int, index: int) -> Document:
    """The receipt of a transaction: always a success, with one log."""
    move = transfer_at(number, index)
    return {
        **_place(chain, move),
        "transactionHash": c.transaction_hash(chain, number, index),
        "type": "0x0",
        "status": "0x1",
        "from": move.sender,
        "to": move.token,
        "contractAddress": None,
        "gasUsed": hex(GAS_USED),
        "cumulativeGasUsed": hex(GAS_USED * (index + 1)),
        "effectiveGasPrice": hex(GAS_PRICE),
        "logs": [log_document(chain, move)],
        "logsBloom": FULL_BLOOM,
    }


def log_document(chain: Chain, move: Transfer) -> Document:
    """The one log of a transfer: its index in the block is that of its transaction."""
    return {
        **_place(chain, move),
        "transactionHash": c.transaction_hash(chain, move.number, move.index),
        "logIndex": hex(move.index),
        "address": move.token,
        "topics": [TRANSFER_TOPIC, "0x" + _word(move.sender), "0x" + _word(move.receiver)],
        "data": f"0x{AMOUNT:064x}",
        "removed": False,
    }


def logs_of_block(chain: Chain, number: int) -> list[Document]:
    """In the order of their transactions; none for the genesis block."""
    return [log_document(chain, move) for move in transfers_in(number)]


def _transaction(chain: Chain, move: Transfer, full: bool) -> Document | str:
    if full:
        return transaction_document(chain, move)
    return c.transaction_hash(chain, move.number, move.index)


def _place(chain: Chain, move: Transfer) -> Document:
    return {
        "blockNumber": hex(move.number),
        "blockHash": c.block_hash(chain, move.number),
        "transactionIndex": hex(move.index),
    }


def _word(address: str) -> str:
    return address[2:].rjust(64, "0")


_NOT_OF_HEADERS = frozenset({"transactions", "uncles", "size", "totalDifficulty"})

_CONSTANT_OF_BLOCKS: Document = {
    "nonce": "0x" + "00" * 8,
    "sha3Uncles": EMPTY_UNCLES,
    "logsBloom": FULL_BLOOM,
    "miner": ZERO_ADDRESS,
    "mixHash": "0x" + "00" * 32,
    "difficulty": "0x0",
    "totalDifficulty": "0x0",
    "extraData": "0x",
    "size": "0x3e8",
    "gasLimit": hex(GAS_LIMIT),
    "uncles": [],
}
