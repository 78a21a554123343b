"""A request as the gateway sees it: its bytes, which are passed on, and what is needed to judge answers.

Rule: the body goes to the provider byte for byte. What is not JSON-RPC at all is an RpcError here; broken
items inside a batch are the provider's to refuse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from battlectl.lab.net.wire import Headers
from battlectl.lab.rpc import envelope
from battlectl.lab.rpc.envelope import INVALID_REQUEST, Call, RpcError

WRITES = frozenset({"eth_sendRawTransaction", "eth_sendTransaction"})
ONCE = frozenset({"eth_sendTransaction", "personal_sendTransaction"})
ONCE_PREFIXES = ("evm_", "anvil_", "hardhat_")  # they change a development node
"""What is done twice when it is asked twice."""
BATCH = "batch"

BLOCK_PARAMETER = {
    "eth_call": 1,
    "eth_estimateGas": 1,
    "eth_feeHistory": 1,
    "eth_getBalance": 1,
    "eth_getBlockByNumber": 0,
    "eth_getCode": 1,
    "eth_getStorageAt": 2,
    "eth_getTransactionCount": 1,
}
"""Where a method says which block it means."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request to forward: its bytes, the ids that want an answer, and its valid calls."""

    body: bytes
    ids: list[Any]
    is_batch: bool
    headers: Headers = ()
    calls: tuple[Call, ...] = ()

    @property
    def method(self) -> str:
        """What latencies are kept by: the method, or "batch"."""
        return BATCH if self.is_batch or not self.calls else self.calls[0].method

    @property
    def is_repeatable(self) -> bool:
        """Whether to ask twice does no more than to ask once."""
        return not any(call.method in ONCE or call.method.startswith(ONCE_PREFIXES) for call in self.calls)


def read_question(value: Any, body: bytes, headers: Headers, batch_limit: int) -> Question:
    """The question in a decoded body, or RpcError."""
    if not isinstance(value, list):
        call = envelope.read_call(value)
        return Question(body, [call.id] if call.wants_answer else [], False, headers, (call,))
    if not value:
        raise RpcError(INVALID_REQUEST, "Invalid Request")
    if len(value) > batch_limit:
        raise RpcError(INVALID_REQUEST, "Invalid Request: batch too large")
    calls = [_read_item(item) for item in value]
    ids = [_broken_id(item) if call is None else call.id for item, call in zip(value, calls, strict=True)]
    wanted = [id_ for id_, call in zip(ids, calls, strict=True) if call is None or call.wants_answer]
    return Question(body, wanted, True, headers, tuple(call for call in calls if call is not None))


def needed_block(calls: Sequence[Call]) -> int | None:
    """The newest block that a call names by number: who has it is better asked."""
    return max((number for call in calls if (number := _block_named(call)) is not None), default=None)


def block_number(value: Any) -> int | None:
    """The number in a block parameter that is a quantity; None for a tag, a hash, or nonsense."""
    if not isinstance(value, str) or not value.startswith("0x") or len(value) > 18:
        return None
    try:
        return int(value, 16)
    except ValueError:
        return None


def _block_named(call: Call) -> int | None:
    params = call.params
    if not isinstance(params, list):
        return None
    if call.method == "eth_getLogs":
        filter_ = params[0] if params and isinstance(params[0], dict) else {}
        return block_number(filter_.get("toBlock"))
    place = BLOCK_PARAMETER.get(call.method)
    return block_number(params[place]) if place is not None and len(params) > place else None


def _read_item(item: Any) -> Call | None:
    try:
        return envelope.read_call(item)
    except RpcError:
        return None


def _broken_id(item: Any) -> Any:
    return envelope.readable_id(item)
