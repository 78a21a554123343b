"""What the answer to a call tells of the chain, whatever else it is asked for."""

from __future__ import annotations

from typing import Any

HEAD = "head"
"""The number of the newest block."""
NEWEST_BLOCK = "newest block"
FIRST_BLOCK = "first block"
"""Its hash says which chain it is."""

_BLOCKS = {"latest": NEWEST_BLOCK, "earliest": FIRST_BLOCK, "0x0": FIRST_BLOCK}


def role_of(method: str, params: Any) -> str:
    """The role of a call, "" for one whose answer tells nothing here."""
    if method == "eth_blockNumber":
        return HEAD
    if method != "eth_getBlockByNumber" or not isinstance(params, list) or not params:
        return ""
    return _BLOCKS.get(params[0], "") if isinstance(params[0], str) else ""
