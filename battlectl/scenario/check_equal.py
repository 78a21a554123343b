"""Which calls may be held against each other: those to which every right node gives the same answer.

Rule: a call says which block it is about, by hash, by number or far enough below the head, or it asks for
what never changes. What a node may answer by its own lights (a price, a tag, what is pending) is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from battlectl.scenario.calls import BatchCall, Call
from battlectl.scenario.model import RequestWorkload
from battlectl.scenario.params import BlockTemplate, find_template
from battlectl.scenario.places import Mistake, Path
from battlectl.scenario.rates import ClosedUsers
from battlectl.scenario.routes import check_route

LEAST_DEPTH = 3
"""Blocks below the head from which two nodes may be expected to agree."""
OTHER = "-other"
"""What the workload that the other side makes has after its name."""
_TAGS = ("latest", "pending", "safe", "finalized")

CONSTANT = frozenset({"eth_chainId", "net_version", "web3_sha3"})
BY_HASH = frozenset(
    {
        "eth_getBlockByHash",
        "eth_getBlockTransactionCountByHash",
        "eth_getRawTransactionByHash",
        "eth_getTransactionByBlockHashAndIndex",
        "eth_getTransactionByHash",
        "eth_getTransactionReceipt",
        "eth_getUncleByBlockHashAndIndex",
        "eth_getUncleCountByBlockHash",
        "debug_traceBlockByHash",
        "debug_traceTransaction",
        "trace_transaction",
    }
)
AT_BLOCK: Mapping[str, int] = {
    "debug_traceBlockByNumber": 0,
    "eth_call": 1,
    "eth_createAccessList": 1,
    "eth_estimateGas": 1,
    "eth_feeHistory": 1,
    "eth_getBalance": 1,
    "eth_getBlockByNumber": 0,
    "eth_getBlockReceipts": 0,
    "eth_getBlockTransactionCountByNumber": 0,
    "eth_getCode": 1,
    "eth_getProof": 2,
    "eth_getStorageAt": 2,
    "eth_getTransactionByBlockNumberAndIndex": 0,
    "eth_getTransactionCount": 1,
    "eth_getUncleByBlockNumberAndIndex": 0,
    "eth_getUncleCountByBlockNumber": 0,
    "trace_block": 0,
}
"""Method -> position of the parameter that names the block."""


def check_equal(path: Path, workload: RequestWorkload, load: Mapping[str, Any]) -> Iterator[Mistake]:
    """Every mistake of a workload that is sent to two places; nothing for one that is not."""
    other = workload.equal_to
    if other is None:
        return
    place = (*path, "equal_to")
    yield from check_route(other, place)
    yield from _check_kind(place, workload)
    if not other.model_fields_set:
        yield Mistake(place, "is no other place: say e.g. `strategy: priority`, or `node: provider_a`", True)
    if other.node is not None and len(other.model_fields_set) > 1:
        yield Mistake((*place, "node"), "a provider asked itself has no route: leave the other words away")
    if f"{path[-1]}{OTHER}" in load:
        yield Mistake(place, f"its second half is called {path[-1]}{OTHER}: give that workload another name")
    for index, call in enumerate(workload.calls):
        if isinstance(call, BatchCall):
            yield Mistake((*path, "calls", index), "calls are compared one by one: take it out of the batch")
        elif why := unsure(call):
            yield Mistake((*path, "calls", index), why)


def _check_kind(place: Path, workload: RequestWorkload) -> Iterator[Mistake]:
    if workload.ws is not None:
        yield Mistake(place, "is for requests over HTTP: leave it away, or `ws`")
    if isinstance(workload.rate, ClosedUsers):
        yield Mistake(place, "users wait for answers, two halves would drift apart: give a rate, e.g. 5/s")


def unsure(call: Call) -> str | None:
    """Why two right nodes may differ about a call, and what to ask instead; None where they may not."""
    if call.method in CONSTANT or call.method in BY_HASH:
        return None
    if call.method == "eth_getLogs":
        return _unsure_range(call.params)
    if call.method not in AT_BLOCK:
        return f"two right nodes may answer {call.method} differently: ask for what a block or a hash fixes"
    position = AT_BLOCK[call.method]
    named = call.params[position] if isinstance(call.params, list) and len(call.params) > position else None
    return _unsure_block(call.method, named)


def _unsure_range(params: Any) -> str | None:
    query = params[0] if isinstance(params, list) and params and isinstance(params[0], dict) else {}
    if "blockHash" in query:
        return None
    ends = [_unsure_block("eth_getLogs", query.get(end)) for end in ("fromBlock", "toBlock")]
    return next((why for why in ends if why is not None), None)


def _unsure_block(method: str, named: Any) -> str | None:
    template = find_template(named)
    if isinstance(template, BlockTemplate):
        if template.offset <= -LEAST_DEPTH:
            return None
        return f"nodes may differ so near the head: ask for latest-{LEAST_DEPTH} or deeper"
    if named is None or named in _TAGS:
        told = "no block" if named is None else f'"{named}"'
        return f"{told} means another block at each node: name one, try {{$block: latest-5}}, or a number"
    return None
