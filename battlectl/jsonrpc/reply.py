"""What an HTTP reply is worth as the answer to JSON-RPC calls.

Rule: HTTP 200 alone is never success. A reply is read strictly: JSON in UTF-8 (RFC 8259), a JSON content
type, version "2.0", the id that was sent, exactly one of result and error. An error object is an `rpc_error`
whatever the HTTP status; a status that is no success without one is an `http_error`. An error may have id
null where the request was not read: by its code (-32700, -32600), by the status, or for a whole batch.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec

from battlectl.observe import outcome
from battlectl.plan.calls import Item, Rule

Judged: TypeAlias = tuple[str, str | None]
"""(label of the outcome, what was seen when it is not ok)."""

_decode = msgspec.json.Decoder().decode
_QUANTITY = re.compile(r"0x(?:0|[1-9a-fA-F][0-9a-fA-F]*)")
_JSON_TYPE = re.compile(rb"application/(?:[\w.+-]+\+)?json(?:-rpc|request)?\s*(?:;.*)?", re.IGNORECASE)
LARGEST_CODE = 2**63
"""Beyond this a code is not kept as a label of its own."""
UNREAD = frozenset({-32700, -32600})
"""Errors of who could not make out the request, and so not its id."""
_MISSING = object()
_OK: Judged = (outcome.OK, None)
_ALL_RIGHT = [_OK]

Id: TypeAlias = int | str


def judge_reply(
    status: int,
    content_type: bytes,
    body: bytes,
    items: Sequence[Item],
    first_id: int,
    is_batch: bool,
    has_text_ids: bool = False,
) -> list[Judged]:
    """How each item of a request ended, in the order of the items."""
    try:
        message = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return [_no_json(status, body, error)] * len(items)
    if content_type != b"application/json" and not _JSON_TYPE.fullmatch(content_type):
        return [_wrong_type(status, content_type)] * len(items)
    if not is_batch:
        id_ = str(first_id) if has_text_ids else first_id
        if _is_plainly_right(status, message, id_) and items[0].rule is None:
            return _ALL_RIGHT
        return [_judge_message(status, message, items[0], id_)]
    if isinstance(message, list):
        ids = range(first_id, first_id + len(items))
        return _judge_batch(status, message, items, tuple(map(str, ids)) if has_text_ids else ids)
    if isinstance(message, dict) and "error" in message:
        return [_judge_message(status, message, item, None) for item in items]
    return [_malformed(status, "a batch was answered with no array")] * len(items)


def _is_plainly_right(status: int, message: Any, id_: Id) -> bool:
    """The common case, told in one look; whatever it does not recognise is judged at length."""
    return (
        status == 200
        and type(message) is dict
        and "result" in message
        and "error" not in message
        and message.get("jsonrpc") == "2.0"
        and type(message.get("id")) is type(id_)
        and message["id"] == id_
    )


def _judge_batch(status: int, messages: list[Any], items: Sequence[Item], ids: Sequence[Id]) -> list[Judged]:
    by_id: dict[Id, list[Any]] = {}
    strays, known = 0, frozenset(ids)
    for message in messages:
        found = message.get("id") if isinstance(message, dict) else None
        if type(found) is type(ids[0]) and found in known:
            by_id.setdefault(found, []).append(message)
        else:
            strays += 1
    stray = f"{strays} of {len(messages)} replies carry an id that was not sent" if strays else ""
    if strays and len(by_id) == len(items):
        return [_malformed(status, stray)] * len(items)  # All there, and somebody else's answer among them.
    return [
        _judge_only(status, by_id.get(id_, []), item, id_, stray)
        for id_, item in zip(ids, items, strict=True)
    ]


def _judge_only(status: int, answers: list[Any], item: Item, id_: Id, stray: str) -> Judged:
    if len(answers) != 1:
        seen = "no reply in the batch" if not answers else f"{len(answers)} replies in the batch for one id"
        return _malformed(status, f"{seen}; {stray}" if stray else seen)
    return _judge_message(status, answers[0], item, id_)


def _judge_message(status: int, message: Any, item: Item, id_: Id | None) -> Judged:
    """`id_` is None where any is right: an error in place of a whole batch."""
    if not isinstance(message, dict):
        return _malformed(status, f"the reply is JSON but no object: {_shown(message)}")
    error = message.get("error", _MISSING)
    result = message.get("result", _MISSING)
    if error is not _MISSING and (result is _MISSING or result is None) and error is not None:
        return _judge_error(status, message, error, item, id_)
    if not 200 <= status < 300:
        return f"{outcome.HTTP_ERROR}({status})", f"status {status}, body {_shown(message)}"
    fault = _envelope_fault(message, id_)
    if fault is None and result is _MISSING:
        fault = "neither result nor error"
    if fault is None and error is not _MISSING:
        fault = "both result and error"
    if fault is not None:
        return outcome.MALFORMED, f"{fault}: {_shown(message)}"
    return _OK if item.rule is None else _judge_result(result, item.rule)


def _judge_error(status: int, message: dict[str, Any], error: Any, item: Item, id_: Id | None) -> Judged:
    code = error.get("code") if isinstance(error, dict) else None
    was_unread = not 200 <= status < 300 or (type(code) is int and code in UNREAD)
    fault = _envelope_fault(message, id_, was_unread)
    if fault is None and (type(code) is not int or not isinstance(error.get("message"), str)):
        fault = "an error object without a whole-number code and a text message"
    if fault is None and message.get("result", _MISSING) is not _MISSING:
        fault = "both result and error"
    if fault is not None:
        return _malformed(status, f"{fault}: {_shown(message)}")
    if item.rule is not None and item.rule.error is not None:
        if code == item.rule.error:
            return _OK
        return outcome.WRONG, f"error {code} where error {item.rule.error} is expected: {_shown(error)}"
    label = code if isinstance(code, int) and abs(code) <= LARGEST_CODE else "other"
    return f"{outcome.RPC_ERROR}({label})", f"status {status}, error {_shown(error)}"


def _envelope_fault(message: dict[str, Any], id_: Id | None, may_be_null: bool = False) -> str | None:
    if message.get("jsonrpc") != "2.0":
        return "the version is not 2.0"
    found = message.get("id", _MISSING)
    if id_ is None or (type(found) is type(id_) and found == id_) or (may_be_null and found is None):
        return None
    if found is _MISSING:
        return "no id"
    return f"the id is {_shown(found)} where {_shown(id_)} was sent"


def _judge_result(result: Any, rule: Rule) -> Judged:
    if rule.error is not None:
        return outcome.WRONG, f"a result where error {rule.error} is expected: {_shown(result)}"
    if rule.compares_result and not _same_json(result, rule.result):
        return outcome.WRONG, f"{_shown(result)} where {_shown(rule.result)} is expected"
    if rule.pattern is not None and not (isinstance(result, str) and rule.pattern.fullmatch(result)):
        return outcome.WRONG, f"{_shown(result)} does not match {rule.pattern.pattern}"
    if rule.kind is not None and not _is_kind(result, rule.kind):
        return outcome.WRONG, f"{_shown(result)} is no {rule.kind}"
    return _OK


def _same_json(one: Any, other: Any) -> bool:
    """Equality of JSON values: true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same_json(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same_json, one, other))
    return bool(one == other)


def _is_kind(result: Any, kind: str) -> bool:
    if kind == "quantity":
        return isinstance(result, str) and _QUANTITY.fullmatch(result) is not None
    if kind == "number":
        return isinstance(result, int | float) and not isinstance(result, bool)
    kinds = {"string": str, "boolean": bool, "object": dict, "array": list, "null": type(None)}
    return isinstance(result, kinds[kind])


def _no_json(status: int, body: bytes, error: Exception) -> Judged:
    shown = body[:80].decode("utf-8", "replace")
    seen = f"status {status}, not JSON ({type(error).__name__}: {str(error)[:80]}): {shown!r}"
    return _malformed(status, seen)


def _wrong_type(status: int, content_type: bytes) -> Judged:
    return _malformed(status, f"status {status}, content type {content_type[:80].decode('latin-1')!r}")


def _malformed(status: int, seen: str) -> Judged:
    """A broken reply under a status that is no success is an `http_error`: the status said so honestly."""
    if 200 <= status < 300:
        return outcome.MALFORMED, seen
    return f"{outcome.HTTP_ERROR}({status})", seen


def _shown(value: Any) -> str:
    try:
        text = msgspec.json.encode(value).decode()
    except RecursionError:
        return "a value nested too deeply to show"
    return text if len(text) <= 160 else text[:157] + "..."
