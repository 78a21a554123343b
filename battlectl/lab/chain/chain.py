"""The simulated chain: a pure function of its seed, its genesis time, its block time, and the time now.

Rule: nothing is stored. Block n follows from (seed, n) alone, so providers that never talk agree
exactly and memory does not grow. A hash carries its number under a mask, so that a block or a
transaction is found by hash without an index. Hashes are SHA-256: they link, but are not Keccak.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

CHAIN_NAME = "battlechain"
CHAIN_ID = 999
HISTORY_BLOCKS = 1_000  # a lab is born with this much past, so that `latest-100` works at once
SAFE_DEPTH = 8
FINALIZED_DEPTH = 16
TRANSACTIONS_PER_BLOCK = 4
LOCATOR_BYTES = 8


@dataclass(frozen=True, slots=True)
class Chain:
    """What the providers of one lab agree on; times are in seconds, `genesis_time` on the Unix clock."""

    seed: int
    genesis_time: float
    block_time: float
    chain_id: int = CHAIN_ID


@dataclass(frozen=True, slots=True)
class View:
    """What one provider shows: the blocks 0 to `head`. A lagging provider has the chain, and a lower head."""

    chain: Chain
    head: int

    def has(self, number: int) -> bool:
        """Whether block `number` can be seen: not beyond the head, not below 0."""
        return 0 <= number <= self.head


def view_at(chain: Chain, now: float) -> View:
    """What an up-to-date provider shows at Unix time `now`; before genesis, the genesis block alone."""
    return View(chain, max(0, math.floor((now - chain.genesis_time) / chain.block_time)))


def genesis_before(now: float, block_time: float) -> float:
    """The genesis time that gives a chain HISTORY_BLOCKS of past at `now`."""
    return now - HISTORY_BLOCKS * block_time


def timestamp(chain: Chain, number: int) -> int:
    """In whole seconds: blocks faster than one a second share timestamps, as they do on real chains."""
    return int(chain.genesis_time + number * chain.block_time)


def block_hash(chain: Chain, number: int) -> str:
    """32 bytes in hex; the chain has one for every number, whether a view shows the block or not."""
    return _located_hash(chain.seed, "block", number)


def parent_hash(chain: Chain, number: int) -> str:
    """The hash of the block before; 32 zero bytes for the genesis block, as on real chains."""
    return block_hash(chain, number - 1) if number else "0x" + "00" * 32


def transaction_hash(chain: Chain, number: int, index: int) -> str:
    """32 bytes in hex for the transaction at `index`, from 0, of block `number`."""
    return _located_hash(chain.seed, "transaction", number * TRANSACTIONS_PER_BLOCK + index)


def find_block(view: View, hash_: str) -> int | None:
    """The number of the block with this hash, or None when the view has no such block."""
    number = _locate(view.chain.seed, "block", hash_)
    return number if number is not None and view.has(number) else None


def find_transaction(view: View, hash_: str) -> tuple[int, int] | None:
    """(block number, index in the block) of the transaction with this hash, or None."""
    position = _locate(view.chain.seed, "transaction", hash_)
    if position is None:
        return None
    number, index = divmod(position, TRANSACTIONS_PER_BLOCK)
    return (number, index) if number and view.has(number) else None


def root(chain: Chain, kind: str, number: int) -> str:
    """A 32-byte value of the block that nothing else is derived from: state root, receipts root, ..."""
    return "0x" + _digest(chain.seed, kind, number).hex()


def base_fee(chain: Chain, number: int) -> int:
    """Between 0.7 and 1.3 gwei, in wei."""
    spread = int.from_bytes(_digest(chain.seed, "fee", number)[:4], "big")
    return 700_000_000 + spread % 600_000_001


def _digest(seed: int, kind: str, number: int) -> bytes:
    return sha256(f"{seed}/{kind}/{number}".encode()).digest()


@lru_cache(maxsize=64)
def _mask(seed: int, kind: str) -> int:
    return int.from_bytes(_digest(seed, f"{kind}-mask", 0)[:LOCATOR_BYTES], "big")


def _located_hash(seed: int, kind: str, position: int) -> str:
    locator = (position ^ _mask(seed, kind)).to_bytes(LOCATOR_BYTES, "big")
    return "0x" + (locator + _digest(seed, kind, position)[LOCATOR_BYTES:]).hex()


def _locate(seed: int, kind: str, hash_: str) -> int | None:
    position = int(hash_[2 : 2 + 2 * LOCATOR_BYTES], 16) ^ _mask(seed, kind)
    return position if _located_hash(seed, kind, position) == hash_.lower() else None
