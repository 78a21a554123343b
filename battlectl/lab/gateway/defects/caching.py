"""Defects of answers that are kept: too long, under too short a key, or although they were none."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import msgspec

from battlectl.lab.gateway.defects.defect import Defect
from battlectl.lab.gateway.defects.wrapping import Asked, Forward, change_forwarding, read_reply
from battlectl.lab.gateway.forwarding import Outcome
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.rpc.envelope import Call

MOST_KEPT = 10_000
BY_BLOCK = frozenset(
    {
        *("eth_getBlockByNumber", "eth_getTransactionReceipt", "eth_getTransactionByHash"),
        *("eth_getLogs", "eth_getBlockReceipts", "eth_getBlockTransactionCountByNumber"),
    }
)
STATE = frozenset({"eth_getBalance", "eth_getTransactionCount", "eth_getCode"})
TAGS = frozenset({"latest", "pending", "safe", "finalized"})
LATEST_SECONDS = 6.0

Key = Callable[[Call], Any]
"""What an answer is kept under; None where it is not."""


def keep(
    key_of: Key, is_kept: Callable[[Any], bool], seconds: float = float("inf")
) -> Callable[[Gateway], None]:
    """Plants a cache of results in front of everything."""

    def plant(gateway: Gateway) -> None:
        kept = OrderedDict[Any, tuple[float, Any]]()

        async def remember(asked: Asked, forward: Forward) -> Outcome:
            question, now = asked.question, gateway.clock()
            is_single = not question.is_batch and len(question.ids) == len(question.calls) == 1
            key = key_of(question.calls[0]) if is_single else None
            if key is not None and key in kept and now - kept[key][0] < seconds:
                gateway.requests += 1
                gateway.traffic.count("requests", now)
                reply = {"jsonrpc": "2.0", "id": question.ids[0], "result": kept[key][1]}
                return Outcome(msgspec.json.encode(reply), None, (), (), asked.transport, 0.0)
            outcome = await forward(asked)
            reply = read_reply(outcome.body) or {} if key is not None else {}
            if "result" in reply and is_kept(reply["result"]):
                kept[key] = now, reply["result"]
                if len(kept) > MOST_KEPT:
                    kept.popitem(last=False)
            return outcome

        change_forwarding(gateway, remember)

    return plant


def _whole(call: Call) -> Any:
    return call.method, msgspec.json.encode(call.params)


def _is_fixed(call: Call) -> bool:
    params = call.params if isinstance(call.params, list) else []
    return bool(params) and not TAGS & {param for param in params if isinstance(param, str)}


def _by_block(call: Call) -> Any:
    return _whole(call) if call.method in BY_BLOCK and _is_fixed(call) else None


def _null_key(call: Call) -> Any:
    return _whole(call) if call.method in BY_BLOCK else None


def _by_account(call: Call) -> Any:
    is_state = call.method in STATE and isinstance(call.params, list) and len(call.params) == 2
    return (call.method, call.params[0]) if is_state and isinstance(call.params[0], str) else None


def _latest(call: Call) -> Any:
    names = isinstance(call.params, list) and call.params[:1] == ["latest"]
    return _whole(call) if call.method == "eth_getBlockByNumber" and names else None


DEFECTS = (
    Defect(
        name="cache-outlives-reorg",
        area="caching",
        summary="blocks, receipts and logs of a branch that is gone are answered for ever",
        when="after a reorg of blocks that were asked for by number, or of their receipts",
        finding="consistency",
        plant=keep(_by_block, lambda result: result is not None),
    ),
    Defect(
        name="cache-keeps-nulls",
        area="caching",
        summary="what was not there when it was first asked for is null for ever",
        when="whenever a block or a receipt is asked for before it exists, and again after that",
        finding="consistency",
        plant=keep(_null_key, lambda result: result is None),
    ),
    Defect(
        name="cache-ignores-block",
        area="caching",
        summary="balance, nonce and code of an account are the same at every block: that of the first answer",
        when="whenever the state of one account is asked for at two blocks",
        finding="equality",
        plant=keep(_by_account, lambda result: result is not None),
    ),
    Defect(
        name="latest-block-from-memory",
        area="caching",
        summary="the block `latest` is up to six seconds older than eth_blockNumber says",
        when="always; on chains with blocks of less than six seconds",
        finding="consistency",
        plant=keep(_latest, lambda result: result is not None, LATEST_SECONDS),
    ),
)
