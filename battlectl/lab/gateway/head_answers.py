"""What an answer says about the head of the chain, so that no client ever sees it go back.

Rule: eth_blockNumber and the block `latest` say where the head is; an answer below the newest head that was
shown is not passed on, nor is one that names no head, nor a null for a block that was shown. One that is
further ahead than the chain can have come is not believed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from battlectl.lab.gateway.judgement import Complaint
from battlectl.lab.gateway.questions import block_number
from battlectl.lab.rpc.envelope import Call

HEAD_METHODS = frozenset({"eth_blockNumber", "eth_getBlockByNumber"})


def heads_in(calls: Sequence[Call], items: Sequence[dict[str, Any]]) -> list[int]:
    """The heads that a reply shows, in no particular order; `items` are its objects."""
    return list(_heads(_pairs(calls, items)))


def judge_heads(
    calls: Sequence[Call], items: Sequence[dict[str, Any]], shown: int | None, furthest: int | None
) -> Complaint | None:
    """None when the reply goes well with the head that was `shown`, and with the `furthest` there can be."""
    pairs = _pairs(calls, items)
    if any(_is_nothing(call, item) for call, item in pairs):
        return Complaint("an answer that names no head", "head")
    found = list(_heads(pairs))
    if shown is not None and any(head < shown for head in found):
        return Complaint(f"head {min(found)} is behind {shown}, which was shown", "head")
    if furthest is not None and any(head > furthest for head in found):
        return Complaint(f"head {max(found)} is further than {furthest}, where the chain can be", "head")
    if shown is not None and any(_is_missing(call, item, shown) for call, item in pairs):
        return Complaint(f"null for a block up to {shown}, which was shown", "head")
    return None


def _pairs(calls: Sequence[Call], items: Sequence[dict[str, Any]]) -> list[tuple[Call, dict[str, Any]]]:
    asked = [call for call in calls if call.method in HEAD_METHODS]
    if not asked:
        return []
    if len(calls) == 1 and len(items) == 1:
        return [(asked[0], items[0])]
    # repr, because 1 and "1" are two ids, and 1 and 1.0 one key.
    by_id = {repr(item["id"]): item for item in items}
    # Of two answers with one id nobody can say which is the head: neither is taken for it.
    uses = Counter(repr(item["id"]) for item in items)
    return [(call, by_id[key]) for call in asked if uses[key := repr(call.id)] == 1]


def _heads(pairs: Sequence[tuple[Call, dict[str, Any]]]) -> Iterator[int]:
    for call, item in pairs:
        result = item.get("result")
        if call.method == "eth_getBlockByNumber":
            if not _names(call, "latest") or not isinstance(result, dict):
                continue
            result = result.get("number")
        head = block_number(result)
        if head is not None:
            yield head


def _is_nothing(call: Call, item: dict[str, Any]) -> bool:
    """A result in which a head should be, and none is."""
    if "result" not in item:
        return False
    if call.method == "eth_blockNumber":
        return block_number(item["result"]) is None
    return _names(call, "latest") and item["result"] is None


def _is_missing(call: Call, item: dict[str, Any], shown: int) -> bool:
    if call.method != "eth_getBlockByNumber" or "error" in item or item.get("result") is not None:
        return False
    number = block_number(call.params[0]) if isinstance(call.params, list) and call.params else None
    return number is not None and number <= shown


def _names(call: Call, tag: str) -> bool:
    return isinstance(call.params, list) and bool(call.params) and call.params[0] == tag
