"""eth_subscribe and eth_unsubscribe: what a client asks for, read strictly.

Rule: newHeads and logs, nothing else; an id is 16 hex digits without 0x (as Lasso's are in both revisions).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from battlectl.lab.rpc.envelope import INVALID_PARAMS, RpcError
from battlectl.lab.rpc.log_filter import LogFilter, read_filter

BAD_SUBSCRIPTION = "Invalid subscription parameters"
NARROWING = ("address", "topics")
"""What of a filter means something for a subscription: it has no range of blocks."""


@dataclass(frozen=True, slots=True)
class Logs:
    """Logs that pass `wanted`; `query` says the same to eth_getLogs."""

    wanted: LogFilter
    query: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Heads:
    """Headers of new blocks."""


def read_subscribe(params: Any) -> Heads | Logs:
    """What the parameters of eth_subscribe ask for, or RpcError -32602."""
    match params:
        case ["newHeads"] | ["newHeads", None | {}]:
            return Heads()
        case ["logs"] | ["logs", None]:
            return _logs({})
        case ["logs", dict(query)]:
            return _logs(query)
    raise RpcError(INVALID_PARAMS, BAD_SUBSCRIPTION)


def read_unsubscribe(params: Any) -> str:
    """The id in the parameters of eth_unsubscribe, or RpcError -32602."""
    match params:
        case [str(id_)]:
            return id_
    raise RpcError(INVALID_PARAMS, BAD_SUBSCRIPTION)


def new_subscription_id() -> str:
    """16 hex digits, not to be guessed."""
    return secrets.token_hex(8)


def _logs(query: dict[str, Any]) -> Logs:
    try:
        return Logs(read_filter(query), {key: query[key] for key in NARROWING if query.get(key)})
    except RpcError:
        raise RpcError(INVALID_PARAMS, BAD_SUBSCRIPTION) from None
