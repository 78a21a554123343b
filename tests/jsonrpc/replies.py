"""Replies in bytes, judged as the answer to calls whose first id is 7."""

from __future__ import annotations

from typing import Any

from battlectl.jsonrpc.reply import Judged, judge_reply
from battlectl.plan.calls import Item, compile_request
from battlectl.scenario.calls import Call, Expect

FIRST_ID = 7
JSON = b"application/json"


def item(**expect: Any) -> Item:
    """One call with an expectation, or with none."""
    wish = Expect(**expect) if expect else None
    return compile_request(Call(method="m", expect=wish), None).items[0]


def judge(body: bytes | str, status: int = 200, content_type: bytes = JSON, **expect: Any) -> Judged:
    """What a body is worth as the answer to one call."""
    data = body.encode() if isinstance(body, str) else body
    (judged,) = judge_reply(status, content_type, data, [item(**expect)], FIRST_ID, False)
    return judged


def judge_batch(body: str, *items: Item, status: int = 200) -> list[str]:
    """The outcomes of a batch of these items, two plain ones by default."""
    calls = items or (item(), item())
    return [label for label, _ in judge_reply(status, JSON, body.encode(), calls, FIRST_ID, True)]


def result(value: str = '"0x1"', id_: str = "7") -> str:
    """A right answer with this result, as JSON text."""
    return f'{{"jsonrpc":"2.0","id":{id_},"result":{value}}}'


def error(code: str = "-32000", id_: str = "7") -> str:
    """An error object with this code."""
    return f'{{"jsonrpc":"2.0","id":{id_},"error":{{"code":{code},"message":"no"}}}}'
