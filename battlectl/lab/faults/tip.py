"""Calls and replies of a real node, changed so that its chain seems to end at a block.

Rule: a tag (`latest`, `pending`, or nothing where that means `latest`) becomes the number of that block, and
`safe` and `finalized` lie one and two epochs below it, as on Ethereum and in anvil. What is above it is null
among blocks, transactions and receipts, missing among logs, and "header not found" for state. State that is
asked for by a block's hash is not looked into.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from battlectl.lab.rpc.envelope import SERVER_ERROR, Call, RpcError, error_reply

Document = dict[str, Any]

QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,16}")
SAFE_BELOW, FINALIZED_BELOW = 32, 64

BLOCKS = {
    "eth_getBlockByNumber": 0,
    "eth_getBlockReceipts": 0,
    "eth_getBlockTransactionCountByNumber": 0,
    "eth_getTransactionByBlockNumberAndIndex": 0,
    "eth_getUncleByBlockNumberAndIndex": 0,
    "eth_getUncleCountByBlockNumber": 0,
    "debug_traceBlockByNumber": 0,
    "trace_block": 0,
}
STATE = {
    "debug_traceCall": 1,
    "eth_call": 1,
    "eth_createAccessList": 1,
    "eth_estimateGas": 1,
    "eth_feeHistory": 1,
    "eth_getBalance": 1,
    "eth_getCode": 1,
    "eth_getProof": 2,
    "eth_getStorageAt": 2,
    "eth_getTransactionCount": 1,
    "eth_simulateV1": 1,
}
POSITIONS = {**BLOCKS, **STATE}
"""Method -> position of its block parameter; for STATE one that is left out means `latest`."""

RANGES = frozenset({"eth_getLogs", "eth_newFilter"})
HEAD = "eth_blockNumber"


def names_tip(call: Call) -> bool:
    """Whether what the call means depends on where the head is."""
    return call != with_tip(call, 0)


def with_tip(call: Call, tip: int) -> Call:
    """The call with its block tags as numbers, for a chain whose head is `tip`."""
    if not isinstance(call.params, list):
        return call
    if call.method in RANGES:
        return _changed(call, 0, lambda query: _resolve_range(query, tip))
    if call.method in BLOCKS:
        return _changed(call, BLOCKS[call.method], lambda value: _resolve(value, tip))
    if call.method in STATE:
        return _changed(call, STATE[call.method], lambda value: _resolve(_or_latest(value), tip))
    return call


def within_tip(call: Call, reply: Document, tip: int) -> Document:
    """The reply without what lies above `tip`; `call` is as the client sent it."""
    if "result" not in reply:
        return reply
    if _asks_beyond(call, tip):
        if call.method in STATE:
            return error_reply(reply.get("id"), RpcError(SERVER_ERROR, "header not found"))
        return {**reply, "result": None}
    result = reply["result"]
    if call.method == HEAD:
        number = as_number(result)
        return reply if number is None else {**reply, "result": hex(min(number, tip))}
    if isinstance(result, list) and call.method not in BLOCKS:
        return {**reply, "result": [item for item in result if not _is_beyond(item, tip)]}
    whole = result if isinstance(result, list) else [result]
    return {**reply, "result": None} if any(_is_beyond(item, tip) for item in whole) else reply


def block_of(item: Any) -> int | None:
    """The block that a block, transaction, receipt or log belongs to; None for everything else."""
    if not isinstance(item, dict):
        return None
    return as_number(item.get("blockNumber", item.get("number")))


def as_number(value: Any) -> int | None:
    """A hex quantity of at most 64 bits as an int, or None for what is none: a hash, a tag."""
    if not isinstance(value, str) or not QUANTITY.fullmatch(value):
        return None
    return int(value, 16)


def _changed(call: Call, position: int, change: Callable[[Any], Any]) -> Call:
    """With one parameter changed; one past the end is added only where it is the next."""
    params = list(call.params)
    if position > len(params):
        return call
    params[position:] = [
        change(params[position] if position < len(params) else None),
        *params[position + 1 :],
    ]
    return call if params == [*call.params, None] else replace(call, params=params)


def _or_latest(value: Any) -> Any:
    return "latest" if value is None else value


def _resolve(value: Any, tip: int) -> Any:
    if isinstance(value, dict) and "blockNumber" in value:
        return {**value, "blockNumber": _resolve(value["blockNumber"], tip)}
    tags = {
        "latest": tip,
        "pending": tip,
        "safe": max(0, tip - SAFE_BELOW),
        "finalized": max(0, tip - FINALIZED_BELOW),
    }
    return hex(tags[value]) if isinstance(value, str) and value in tags else value


def _resolve_range(query: Any, tip: int) -> Any:
    if not isinstance(query, dict) or query.get("blockHash") is not None:
        return query
    ends = {end: _resolve(_or_latest(query.get(end)), tip) for end in ("fromBlock", "toBlock")}
    return {**query, **ends}


def _asks_beyond(call: Call, tip: int) -> bool:
    position = POSITIONS.get(call.method)
    if position is None or not isinstance(call.params, list) or len(call.params) <= position:
        return False
    value = call.params[position]
    number = as_number(value.get("blockNumber") if isinstance(value, dict) else value)
    return number is not None and number > tip


def _is_beyond(item: Any, tip: int) -> bool:
    number = block_of(item)
    return number is not None and number > tip
