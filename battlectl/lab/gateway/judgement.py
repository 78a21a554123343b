"""Is a provider's answer one to pass on, or a reason to ask the next provider?

Rule: passed on is HTTP 200 with a JSON-RPC reply to this very request, be it a result or an error that
another provider would give as well (a revert, -32600 to -32602, ...). Asked elsewhere is all else: any other
status, a body or content type that is no such reply, a wrong id, part of a batch, a server error (-32000 to
-32099, -32603, 429). Whom the complaint is to be held against is part of it: the provider, for its breaker;
its patience with us, which is no illness; one method of it; or nobody. So is whether the provider may have
done what was asked: only a refusal in so many words says that it has not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec

from battlectl.lab.net.upstream import Reply

SERVER_ERRORS = frozenset({*range(-32099, -31999), -32603})
RATE_LIMITS = frozenset({-32005, 429})  # EIP-1474's code, and the one that some providers give instead
NO_BODY = frozenset({200, 202, 204})

Blame = Literal["provider", "rate", "method", "head", "nobody"]


@dataclass(frozen=True, slots=True)
class Complaint:
    """Why the next provider is asked, and whom that is held against; `retry_after` in seconds, when said.

    `may_have_acted` unless it is known that the provider did nothing of what was asked.
    """

    reason: str
    blame: Blame = "provider"
    retry_after: float | None = None
    may_have_acted: bool = True


@dataclass(frozen=True, slots=True)
class Accepted:
    """A reply fit to pass on: its objects, none of them when no id wanted an answer."""

    items: list[dict[str, Any]]


def judge_reply(reply: Reply, ids: list[Any], is_batch: bool) -> Accepted | Complaint:
    """`ids` are those of the request that want an answer."""
    if reply.status == 429:
        return Complaint("http 429", "rate", retry_after(reply), may_have_acted=False)
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
    found = next((found for item in items if (found := _server_error(item))), None)
    if found is None:
        return Accepted(items)
    # Of a batch, one call may have been refused and the others carried out.
    return replace(found, may_have_acted=isinstance(value, list))


def _is_reply(item: Any) -> bool:
    """Version, an id that can be one, and either a result or an error with a code and a message."""
    if not isinstance(item, dict) or item.get("jsonrpc") != "2.0" or "id" not in item:
        return False
    if isinstance(item["id"], list | dict) or ("result" in item) is ("error" in item):
        return False
    return "result" in item or _is_error(item["error"])


def _is_error(error: Any) -> bool:
    return (
        isinstance(error, dict) and type(error.get("code")) is int and isinstance(error.get("message"), str)
    )


def _answers(items: list[dict[str, Any]], ids: list[Any]) -> bool:
    """The same ids, in any order; an id may be a number or a string, and 1 is not "1"."""
    return sorted(map(repr, (item["id"] for item in items))) == sorted(map(repr, ids))


def _server_error(item: dict[str, Any]) -> Complaint | None:
    error: dict[str, Any] | None = item.get("error")
    if error is None or not (error["code"] in SERVER_ERRORS or error["code"] in RATE_LIMITS):
        return None
    reason = f"error {error['code']}: {error['message'][:200]}"
    return Complaint(reason, "rate" if error["code"] in RATE_LIMITS else "method")
