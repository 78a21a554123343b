"""Request bodies, read as Go's encoding/json reads them, because Toxiproxy's clients may rely on it.

Rule: keys match in any case, unknown ones are ignored, of a repeated key the last counts, null leaves a
field as it is, and what follows the first JSON value is ignored. A wrong type is an error, wherever it is.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from battlectl.lab.admin.errors import bad_body

SPACES = " \t\r\n"
INT64 = range(-(2**63), 2**63)
WORDS = {str: "a string", bool: "a boolean", int: "a whole number of 64 bits", float: "a number of 32 bits"}
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Pairs:
    """A JSON object, with repeated keys and their order."""

    pairs: Sequence[tuple[str, Any]] = ()


Value = None | bool | int | float | str | list[Any] | Pairs
Fields = Mapping[str, type]
"""Names of fields -> str, bool, int (of 64 bits), float (of 32 bits) or object, which is anything."""


def read_value(body: bytes) -> Value:
    """The first JSON value of a body."""
    text = body.decode("utf-8", "replace").lstrip(SPACES)
    if not text:
        raise bad_body("EOF")
    try:
        value: Value = _DECODER.raw_decode(text)[0]
    except json.JSONDecodeError as error:
        is_cut = error.pos >= len(text.rstrip(SPACES)) or error.msg.startswith("Unterminated")
        raise bad_body("unexpected EOF" if is_cut else f"{error.msg} at character {error.pos}") from None
    except (ValueError, RecursionError) as error:
        raise bad_body(str(error)) from None
    return value


def read_object(value: Value, name: str) -> Pairs:
    """The value as an object, null being an empty one; `name` is what it is for."""
    if value is None:
        return Pairs()
    if not isinstance(value, Pairs):
        raise bad_body(f"{name} is {type_name(value)} and not an object")
    return value


def read_fields(pairs: Pairs, fields: Fields) -> dict[str, Any]:
    """Those of `fields` that are given and not null, checked."""
    found: dict[str, Any] = {}
    for key, value in pairs.pairs:
        name = key.lower()
        if name in fields and value is not None:
            found[name] = _check(name, value, fields[name])
    return found


def plain(value: Any) -> Any:
    """The value with its objects as dicts."""
    if isinstance(value, Pairs):
        return {clean(key): plain(item) for key, item in value.pairs}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return clean(value) if isinstance(value, str) else value


def clean(text: str) -> str:
    """Halves of characters become the character for what cannot be read."""
    return _LONE_SURROGATES.sub("\ufffd", text)


def type_name(value: Value) -> str:
    """What a value is, in JSON's words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, Pairs):
        return "an object"
    return "an array" if isinstance(value, list) else f"the number {value}"


def _check(name: str, value: Value, wanted: type) -> Any:
    if wanted is object:
        return value
    if wanted is str and isinstance(value, str):
        return clean(value)
    if wanted is bool and isinstance(value, bool):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        if wanted is int and isinstance(value, int) and value in INT64:
            return value
        if wanted is float and (single := _to_float32(value)) is not None:
            return single
    raise bad_body(f"{name} is {type_name(value)} and not {WORDS[wanted]}")


def _to_float32(value: float) -> float | None:
    """The shortest number that means the same in 32 bits, or None when it is too large for them."""
    try:
        packed = struct.pack("<f", value)
    except OverflowError:
        return None
    single: float = struct.unpack("<f", packed)[0]
    texts = (float(f"{single:.{digits}g}") for digits in range(1, 10))
    return next(short for short in texts if struct.pack("<f", short) == packed)


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=Pairs, parse_constant=_refuse_constant)
