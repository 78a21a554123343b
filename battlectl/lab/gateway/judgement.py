"""Is a provider's answer one to pass on, or a reason to ask the next provider?

Rule: passed on is HTTP 200 with a JSON-RPC reply to this very request, be it a result or an error that
another provider would give as well (-32600 to -32602, a revert). Asked elsewhere is: any other status, a
body that is not such a reply, a wrong id, and a server error (-32000 to -32099). Only what says that
the provider is ill, and not that the request was, lets it cool down: not a plain server error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from battlectl.lab.net.upstream import Reply

SERVER_ERRORS = range(-32099, -31999)
LIMIT_EXCEEDED = -32005  # EIP-1474: the provider has had enough of us


@dataclass(frozen=True, slots=True)
class Complaint:
    """Why the next provider is asked; `is_ill` when this one should be left alone for a while."""

    reason: str
    is_ill: bool = True


def judge_reply(reply: Reply, ids: list[Any], is_batch: bool) -> Complaint | None:
    """None when the reply can be passed on. `ids` are those of the request that want an answer."""
    if not ids and reply.status in (200, 204):
        return None
    if reply.status != 200:
        return Complaint(f"http {reply.status}")
    try:
        value = msgspec.json.decode(reply.body)
    except (ValueError, RecursionError):
        return Complaint("not JSON")
    return _judge_value(value, ids, is_batch)


def _judge_value(value: Any, ids: list[Any], is_batch: bool) -> Complaint | None:
    # A provider may refuse a batch as a whole, with one error object.
    items = value if isinstance(value, list) else [value]
    if not all(_is_reply(item) for item in items):
        return Complaint("not a JSON-RPC reply")
    refused_whole = is_batch and isinstance(value, dict) and "error" in value
    if not refused_whole and (isinstance(value, list) is not is_batch or not _answers(items, ids)):
        return Complaint("not the reply to this request")
    return next((found for item in items if (found := _server_error(item))), None)


def _is_reply(item: Any) -> bool:
    if not isinstance(item, dict) or item.get("jsonrpc") != "2.0" or "id" not in item:
        return False
    error = item.get("error")
    return ("result" in item) if error is None else isinstance(error, dict)


def _answers(items: list[dict[str, Any]], ids: list[Any]) -> bool:
    """The same ids, in any order; an id may be a number or a string, and 1 is not "1"."""
    return sorted(map(repr, (item["id"] for item in items))) == sorted(map(repr, ids))


def _server_error(item: dict[str, Any]) -> Complaint | None:
    error: dict[str, Any] = item.get("error") or {}
    code = error.get("code")
    if not isinstance(code, int) or code not in SERVER_ERRORS:
        return None
    return Complaint(f"error {code}: {str(error.get('message', ''))[:200]}", is_ill=code == LIMIT_EXCEEDED)
