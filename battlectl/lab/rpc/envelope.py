"""JSON-RPC 2.0 on the server's side: bytes in, bytes out, whatever the methods are.

Rule (jsonrpc.org/specification): text that is not JSON is -32700 with id null; JSON that is not a request
is -32600, with its id when that is readable; an empty batch is one -32600; a notification gets no answer,
and a batch of notifications gets none at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
UNKNOWN_METHOD = -32601
INVALID_PARAMS = -32602
SERVER_ERROR = -32000
REVERTED = 3
BATCH_LIMIT = 1_000

# Made once: `list | dict` costs more than the rest of a check.
_PARAMS = (list, dict)
_IDS = (str, int, float)
_NONE: list[Any] = []

Dispatch = Callable[[str, Any], Any]
"""(method, params) -> result, or raise RpcError; params is a list, a dict, or None when absent."""


class RpcError(Exception):
    """The caller's request has this error for an answer."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


@dataclass(frozen=True, slots=True)
class Call:
    """One valid request; `id` is None for a null id too, so ask `wants_answer`."""

    id: str | int | float | None
    wants_answer: bool
    method: str
    params: Any


def decode(body: bytes) -> Any:
    """The JSON value in `body`, or RpcError -32700 when there is none."""
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:
        raise RpcError(PARSE_ERROR, f"parse error: {error}") from None


def read_call(value: Any) -> Call:
    """The request in a decoded JSON value, or RpcError -32600."""
    if not isinstance(value, dict):
        raise RpcError(INVALID_REQUEST, "invalid request: not an object")
    if value.get("jsonrpc") != "2.0":
        raise RpcError(INVALID_REQUEST, 'invalid request: "jsonrpc" must be "2.0"')
    if not isinstance(value.get("method"), str):
        raise RpcError(INVALID_REQUEST, 'invalid request: "method" must be a string')
    if not isinstance(value.get("params", _NONE), _PARAMS):
        raise RpcError(INVALID_REQUEST, 'invalid request: "params" must be an array or an object')
    if "id" in value and not _is_id(value["id"]):
        raise RpcError(INVALID_REQUEST, 'invalid request: "id" must be a string, a number or null')
    return Call(value.get("id"), "id" in value, value["method"], value.get("params"))


def readable_id(value: Any) -> Any:
    """The id to answer a broken request with: its own when it has a proper one, else null."""
    id_ = value.get("id") if isinstance(value, dict) else None
    return id_ if _is_id(id_) else None


def answer(body: bytes, dispatch: Dispatch) -> bytes | None:
    """The answer to one HTTP body or WebSocket message; None when nothing in it wants one."""
    try:
        value = decode(body)
        if not isinstance(value, list):
            reply = answer_one(value, dispatch)
            return None if reply is None else msgspec.json.encode(reply)
        check_batch(value)
    except RpcError as error:
        return msgspec.json.encode(error_reply(None, error))
    replies = [reply for item in value if (reply := answer_one(item, dispatch)) is not None]
    return msgspec.json.encode(replies) if replies else None


def check_batch(items: list[Any]) -> None:
    """RpcError -32600 for a batch of none, or of more than BATCH_LIMIT."""
    if not items:
        raise RpcError(INVALID_REQUEST, "invalid request: empty batch")
    if len(items) > BATCH_LIMIT:
        raise RpcError(INVALID_REQUEST, f"invalid request: a batch holds at most {BATCH_LIMIT} requests")


def answer_one(value: Any, dispatch: Dispatch) -> dict[str, Any] | None:
    """The reply to one decoded request, or None for a notification, which is carried out all the same."""
    try:
        call = read_call(value)
    except RpcError as error:
        return error_reply(readable_id(value), error)
    try:
        reply = {"jsonrpc": "2.0", "id": call.id, "result": dispatch(call.method, call.params)}
    except RpcError as error:
        reply = error_reply(call.id, error)
    return reply if call.wants_answer else None


def error_reply(id_: Any, error: RpcError) -> dict[str, Any]:
    """The response object of an error; `data` is left out when there is none."""
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.data is not None:
        body["data"] = error.data
    return {"jsonrpc": "2.0", "id": id_, "error": body}


def _is_id(value: Any) -> bool:
    return value is None or (isinstance(value, _IDS) and not isinstance(value, bool))
