"""Transactions that were sent to the nodes of a lab and wait: for ever, because the chain has its own.

Rule: what one node knows, all know at once. A raw transaction is named by its hash: sent again, it is
`already known` (-32000), as geth says. That of eth_sendTransaction is signed by the node, with a nonce of its
own: sent again, it is another transaction with another hash. Neither signature nor balance is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from battlectl.lab.rpc import params as p
from battlectl.lab.rpc.envelope import SERVER_ERROR, RpcError
from battlectl.lab.rpc.keccak import keccak_256

MOST_WAITING = 10_000
"""Beyond that the oldest is dropped, as from a pool that is full."""
MOST_BYTES = 4_096
"""Of one transaction: to hash more would hold up every node."""

FIRST_LIST, FIRST_NO_TYPE = 0xC0, 0x80
"""The first byte of a list in RLP is at least this; that of a typed transaction is less than that."""


class Pool:
    """That of one lab. Mutable: transactions come."""

    def __init__(self) -> None:
        self._waiting: dict[str, None] = {}
        self._nonce = 0

    def call(self, method: str, params: list[Any]) -> str:
        """The result of one of METHODS: the hash of the transaction; or RpcError."""
        if len(params) > 1:
            raise p.bad(1, "too many arguments, want at most 1")
        return METHODS[method](self, params)

    def send_raw(self, params: list[Any]) -> str:
        """A signed transaction as bytes."""
        raw = bytes.fromhex(p.data(p.argument(params, 0), 0)[2:])
        if not _is_transaction(raw):
            raise p.bad(0, f"want a list in RLP, perhaps after a type, of at most {MOST_BYTES:,} bytes")
        hash_ = f"0x{keccak_256(raw).hex()}"
        if hash_ in self._waiting:
            raise RpcError(SERVER_ERROR, "already known")
        return self._add(hash_)

    def send(self, params: list[Any]) -> str:
        """A transaction that the node signs."""
        wanted = p.mapping(p.argument(params, 0), 0)
        p.address(wanted.get("from"), 0)
        self._nonce += 1
        return self._add(f"0x{keccak_256(msgspec.json.encode([self._nonce, wanted])).hex()}")

    def _add(self, hash_: str) -> str:
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.pop(next(iter(self._waiting)))
        self._waiting[hash_] = None
        return hash_


def _is_transaction(raw: bytes) -> bool:
    """By its first bytes: a legacy one is a list in RLP, a typed one (EIP-2718) a type, then a list."""
    first = raw[1:2] if raw[:1] and 0 < raw[0] < FIRST_NO_TYPE else raw[:1]
    return bool(first) and first[0] >= FIRST_LIST and len(raw) <= MOST_BYTES


METHODS: dict[str, Callable[[Pool, list[Any]], str]] = {
    "eth_sendRawTransaction": Pool.send_raw,
    "eth_sendTransaction": Pool.send,
}
