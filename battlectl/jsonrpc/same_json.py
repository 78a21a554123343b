"""One value of JSON in one form, so that two answers can be compared byte by byte.

Rule: the order of names in an object means nothing, nor does the case of what is written in hex; everything
else does.
"""

from __future__ import annotations

from typing import Any

import msgspec

MOST_SHOWN = 60


class _Result(msgspec.Struct):
    result: Any = None


_decode = msgspec.json.Decoder(_Result).decode
_encode = msgspec.json.Encoder(order="sorted").encode


def normal_result(body: bytes) -> bytes:
    """The result of a reply in its one form; raises `ValueError` for a body that cannot be read."""
    try:
        return _encode(_normal(_decode(body).result))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def first_difference(one: bytes, other: bytes) -> str:
    """Where two results in their one form differ first, and what stands there."""
    return _differ(msgspec.json.decode(one), msgspec.json.decode(other), "result")


def _differ(one: Any, other: Any, place: str) -> str:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted({*one, *other}):
            if name not in one or name not in other:
                return f"{place}.{name} is there once only"
            if not _is_same(one[name], other[name]):
                return _differ(one[name], other[name], f"{place}.{name}")
    if isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            return f"{place} has {len(one)} items and {len(other)}"
        for index, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            if not _is_same(mine, theirs):
                return _differ(mine, theirs, f"{place}[{index}]")
    return f"{place} is {_shown(one)} and {_shown(other)}"


def _is_same(one: Any, other: Any) -> bool:
    """True is not 1, nor 1 the same text as 1.0."""
    return bool(_encode(one) == _encode(other))


def _normal(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _normal(child) for name, child in value.items()}
    if isinstance(value, list):
        return [_normal(child) for child in value]
    return value.lower() if isinstance(value, str) and value[:2] in ("0x", "0X") else value


def _shown(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 3]}..."
