"""Reading the parameters of Ethereum methods.

Rule: a parameter that is missing or not of its shape is -32602 and names its position; a well-formed
one that the chain does not have is the caller's business (null, or -32000 "header not found").
"""

from __future__ import annotations

import re
from typing import Any

from battlectl.lab.chain.chain import FINALIZED_DEPTH, SAFE_DEPTH, View, find_block
from battlectl.lab.rpc.envelope import INVALID_PARAMS, SERVER_ERROR, RpcError

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_HASH = re.compile(r"0x[0-9a-fA-F]{64}")
_DATA = re.compile(r"0x([0-9a-fA-F]{2})*")
_QUANTITY = re.compile(r"0x(0|[1-9a-fA-F][0-9a-fA-F]{0,15})")

_ABSENT: Any = object()


def bad(position: int, reason: str) -> RpcError:
    """The -32602 to raise for the parameter at `position`, counted from 0."""
    return RpcError(INVALID_PARAMS, f"invalid argument {position}: {reason}")


def argument(params: list[Any], position: int, default: Any = _ABSENT) -> Any:
    """The parameter at `position`; without a default, a missing or null one is an error."""
    value = params[position] if position < len(params) else None
    if value is not None:
        return value
    if default is _ABSENT:
        raise RpcError(INVALID_PARAMS, f"missing value for required argument {position}")
    return default


def address(value: Any, position: int) -> str:
    """In lower case: a checksummed address is the same address."""
    return _matching(_ADDRESS, value, position, "an address is 0x and 40 hex digits").lower()


def hash32(value: Any, position: int) -> str:
    """32 bytes in hex, in lower case."""
    return _matching(_HASH, value, position, "a hash is 0x and 64 hex digits").lower()


def data(value: Any, position: int) -> str:
    """Bytes in hex, in lower case; `0x` is no bytes."""
    return _matching(_DATA, value, position, "data is 0x and an even number of hex digits").lower()


def quantity(value: Any, position: int) -> int:
    """The number of a hex quantity of at most 64 bits."""
    return int(
        _matching(_QUANTITY, value, position, "a quantity is 0x and hex digits without leading zeros"), 16
    )


def boolean(value: Any, position: int) -> bool:
    """`true` or `false`, and nothing that resembles them."""
    if not isinstance(value, bool):
        raise bad(position, "true or false is wanted")
    return value


def mapping(value: Any, position: int) -> dict[str, Any]:
    """A JSON object, not looked into."""
    if not isinstance(value, dict):
        raise bad(position, "an object is wanted")
    return value


def block_number(view: View, value: Any, position: int) -> int:
    """The number that a tag or a quantity means; `pending` is head + 1, other numbers may lie beyond."""
    tags = {
        "earliest": 0,
        "finalized": max(0, view.head - FINALIZED_DEPTH),
        "safe": max(0, view.head - SAFE_DEPTH),
        "latest": view.head,
        "pending": view.head + 1,
    }
    if isinstance(value, str) and value in tags:
        return tags[value]
    return quantity(value, position)


def state_number(view: View, params: list[Any], position: int) -> int:
    """The block whose state is asked for (EIP-1898 objects included), `latest` when not said."""
    value = argument(params, position, "latest")
    number = (
        _in_object(view, value, position) if isinstance(value, dict) else block_number(view, value, position)
    )
    if number is None or not (view.has(number) or value == "pending"):
        raise RpcError(SERVER_ERROR, "header not found")
    return number


def _in_object(view: View, value: dict[str, Any], position: int) -> int | None:
    if "blockHash" in value:
        return find_block(view, hash32(value["blockHash"], position))
    return block_number(view, value.get("blockNumber"), position)


def _matching(pattern: re.Pattern[str], value: Any, position: int, reason: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise bad(position, reason)
    return value
