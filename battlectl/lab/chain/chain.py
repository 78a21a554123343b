"""The simulated chain: a pure function of its seed, its times, its forks, and the time now.

Rule: nothing is stored but the forks. Block n follows from seed, branch and n alone, so providers that never
talk agree exactly. A fork gives other hashes to every block from its start on, and a branch is named after
all the forks that led to it. A hash carries its number under a mask, so that a block or a transaction is
found by hash without an index. Hashes are SHA-256: they link, but are not Keccak.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256
from itertools import zip_longest

CHAIN_ID = 999
HISTORY_BLOCKS = 1_000  # a lab is born with this much past, so that `latest-100` works at once
SAFE_DEPTH = 8
FINALIZED_DEPTH = 16
TRANSACTIONS_PER_BLOCK = 4
LOCATOR_BYTES = 8


@dataclass(frozen=True, slots=True)
class Fork:
    """From block `start` on the chain is another; made by `fork_chain`.

    `before` is the fork that led to it, whose start is lower; `branch` stands for both.
    """

    start: int
    branch: str
    before: Fork | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Chain:
    """What the providers of one lab agree on; times are in seconds, `genesis_time` on the Unix clock."""

    seed: int
    genesis_time: float
    block_time: float
    chain_id: int = CHAIN_ID
    fork: Fork | None = None


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


def fork_chain(chain: Chain, start: int, salt: int) -> Chain:
    """The chain with its blocks from `start` (at least 1) on replaced; the same salt replaces alike."""
    before = _fork_below(chain, max(1, start))
    name = f"{before.branch if before else ''}/{max(1, start)}/{salt}"
    return replace(chain, fork=Fork(max(1, start), sha256(name.encode()).hexdigest()[:16], before))


def common_height(one: Chain, other: Chain) -> int | None:
    """The highest block that both have: -1 when not even genesis, None when there is no end to it."""
    if replace(one, fork=None) != replace(other, fork=None):
        return -1
    if one.fork == other.fork:
        return None
    ours, theirs = _forks(one), _forks(other)
    differing = next(pair for pair in zip_longest(ours, theirs) if pair[0] != pair[1])
    return min(fork.start for fork in differing if fork is not None) - 1


def timestamp(chain: Chain, number: int) -> int:
    """In whole seconds: blocks faster than one a second share timestamps, as they do on real chains."""
    return int(chain.genesis_time + number * chain.block_time)


def block_hash(chain: Chain, number: int) -> str:
    """32 bytes in hex; the chain has one for every number, whether a view shows the block or not."""
    return _located_hash(_trunk(chain, number), chain.seed, "block", number)


def parent_hash(chain: Chain, number: int) -> str:
    """The hash of the block before; 32 zero bytes for the genesis block, as on real chains."""
    return block_hash(chain, number - 1) if number else "0x" + "00" * 32


def transaction_hash(chain: Chain, number: int, index: int) -> str:
    """32 bytes in hex for the transaction at `index`, from 0, of block `number`."""
    position = number * TRANSACTIONS_PER_BLOCK + index
    return _located_hash(_trunk(chain, number), chain.seed, "transaction", position)


def find_block(view: View, hash_: str) -> int | None:
    """The number of the block with this hash, or None when there is none such on the branch that is shown."""
    number = _located(view.chain.seed, "block", hash_)
    return number if view.has(number) and block_hash(view.chain, number) == hash_.lower() else None


def find_transaction(view: View, hash_: str) -> tuple[int, int] | None:
    """(block number, index in the block) of the transaction with this hash, or None."""
    number, index = divmod(_located(view.chain.seed, "transaction", hash_), TRANSACTIONS_PER_BLOCK)
    is_there = number > 0 and view.has(number)
    return (
        (number, index) if is_there and transaction_hash(view.chain, number, index) == hash_.lower() else None
    )


def root(chain: Chain, kind: str, number: int) -> str:
    """A 32-byte value of the block that nothing else is derived from: state root, receipts root, ..."""
    return "0x" + _digest(_trunk(chain, number), kind, number).hex()


def base_fee(chain: Chain, number: int) -> int:
    """Between 0.7 and 1.3 gwei, in wei; the same on every branch."""
    spread = int.from_bytes(_digest(str(chain.seed), "fee", number)[:4], "big")
    return 700_000_000 + spread % 600_000_001


def _fork_below(chain: Chain, number: int) -> Fork | None:
    """The last fork that starts before block `number`."""
    fork = chain.fork
    while fork is not None and fork.start >= number:
        fork = fork.before
    return fork


def _forks(chain: Chain) -> list[Fork]:
    """From the first on."""
    forks, fork = [], chain.fork
    while fork is not None:
        forks.append(fork)
        fork = fork.before
    return forks[::-1]


def _trunk(chain: Chain, number: int) -> str:
    """What the values of block `number` grow from: the seed, and the branch that it is on."""
    fork = _fork_below(chain, number + 1)
    return str(chain.seed) if fork is None else f"{chain.seed}/{fork.branch}"


def _digest(trunk: str, kind: str, number: int) -> bytes:
    return sha256(f"{trunk}/{kind}/{number}".encode()).digest()


@lru_cache(maxsize=64)
def _mask(seed: int, kind: str) -> int:
    return int.from_bytes(_digest(str(seed), f"{kind}-mask", 0)[:LOCATOR_BYTES], "big")


def _located_hash(trunk: str, seed: int, kind: str, position: int) -> str:
    locator = (position ^ _mask(seed, kind)).to_bytes(LOCATOR_BYTES, "big")
    return "0x" + (locator + _digest(trunk, kind, position)[LOCATOR_BYTES:]).hex()


def _located(seed: int, kind: str, hash_: str) -> int:
    """The position that a hash claims to have; whether it is true is for the caller to compare."""
    return int(hash_[2 : 2 + 2 * LOCATOR_BYTES], 16) ^ _mask(seed, kind)
