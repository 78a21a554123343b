"""Is a provider's answer one to pass on, or a reason to ask the next provider?

Rule: passed on is HTTP 200 with a JSON-RPC reply to this very request, be it a result or an error that
another provider would give as well (a revert, -32600 to -32602, ...). Asked elsewhere is all else: any other
status, a body or content type that is no such reply, a wrong id, part of a batch, a server error (-32000 to
-32099, -32603). Whom the complaint is to be held against is part of it: the provider, for its breaker; its
patience with us, which is no illness; one method of it; or nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from battlectl.lab.net.upstream import Reply

SERVER_ERRORS = frozenset({*range(-32099, -31999), -32603})
LIMIT_EXCEEDED = -32005  # EIP-1474: the provider has had enough of us
NO_BODY = frozenset({200, 202, 204})

Blame = Literal["provider", "rate", "method", "head", "nobody"]


@dataclass(frozen=True, slots=True)
class Complaint:
    """Why the next provider is asked, and whom that is held against; `retry_after` in seconds, when said."""

    reason: str
    blame: Blame = "provider"
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A reply fit to pass on: its objects, none of them when no id wanted an answer."""

    items: list[dict[str, Any]]


def judge_reply(reply: Reply, ids: list[Any], is_batch: bool) -> Accepted | Complaint:
    """`ids` are those of the request that want an answer."""
    if reply.status == 429:
        return Complaint("http 429", "rate", retry_after(reply))
    if not ids and reply.status in NO_BODY:
        return Accepted([])
    if reply.status != 200:
        return Complaint(f"http {reply.status}")
    kind = header(reply, b"content-type")
    if kind is not None and b"json" not in kind.partition(b";")[0].lower():
        return Complaint(f"content type {kind[:60].decode('latin-1')}")
    try:
        value = msgspec.json.decode(reply.body)
    except (ValueError, RecursionError):
        return Complaint("not JSON")
    return _judge_value(value, ids, is_batch)


def header(reply: Reply, name: bytes) -> bytes | None:
    """The first value of that name, which must be given in lower case."""
    return next((value for key, value in reply.headers if key == name), None)


def retry_after(reply: Reply) -> float | None:
    """Retry-After in seconds; its form as a date is not read, and counts as not given."""
    text = header(reply, b"retry-after")
    return float(text) if text is not None and text.isdigit() and len(text) < 8 else None


def _judge_value(value: Any, ids: list[Any], is_batch: bool) -> Accepted | Complaint:
    # A provider may refuse a batch as a whole, with one error object.
    items = value if isinstance(value, list) else [value]
    if not all(_is_reply(item) for item in items):
        return Complaint("not a JSON-RPC reply")
    refused_whole = is_batch and isinstance(value, dict) and "error" in value
    if not refused_whole and (isinstance(value, list) is not is_batch or not _answers(items, ids)):
        return Complaint("not the reply to this request")
    return next((found for item in items if (found := _server_error(item))), None) or Accepted(items)


def _is_reply(item: Any) -> bool:
    if not isinstance(item, dict) or item.get("jsonrpc") != "2.0" or "id" not in item:
        return False
    error = item.get("error")
    return ("result" in item) if error is None else isinstance(error, dict)


def _answers(items: list[dict[str, Any]], ids: list[Any]) -> bool:
    """The same ids, in any order; an id may be a number or a string, and 1 is not "1"."""
    return sorted(map(repr, (item["id"] for item in items))) == sorted(map(repr, ids))


def _server_error(item: dict[str, Any]) -> Complaint | None:
    error: dict[str, Any] | None = item.get("error")
    if error is None:
        return None
    code = error.get("code")
    if not isinstance(code, int) or code not in SERVER_ERRORS:
        return None
    reason = f"error {code}: {str(error.get('message', ''))[:200]}"
    return Complaint(reason, "rate" if code == LIMIT_EXCEEDED else "method")
