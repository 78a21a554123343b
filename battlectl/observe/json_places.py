"""Where two JSON documents differ: JSON pointers (RFC 6901), and what stands there in words.

Rule: the order of the members of an object means nothing, everything else does: `1` is not `1.0`, and a list
is what it is in its order. Texts are never shown: a document of configuration has keys in it. Names are, so
far as they can be written anywhere, and the whole of them tells one place from another.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

MOST_DIGITS = 24
MOST_DEPTH = 100
TOO_DEEP = "is nested too deep"
NOTHING = "nothing"
MOST_NAME = 80
CUT = "..."

Steps = tuple[str, ...]
"""The way to a place: names and numbers, escaped as in a pointer."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One place, and what stood there before and after, in words; the place "" is the whole document."""

    at: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """The same with the place as it is, however its names are written; () is the whole document."""

    steps: Steps
    before: str
    after: str

    def shown(self, mask: Callable[[str], str] = str) -> Difference:
        """As it may be written; `mask` takes keys out of names."""
        return Difference(show_place(self.steps, mask), self.before, self.after)


def show_place(steps: Steps, mask: Callable[[str], str] = str) -> str:
    """The pointer of a place with names that can be encoded and end somewhere."""
    return "".join(f"/{_show_name(_escape(mask(_unescape(step))))}" for step in steps)


def _show_name(name: str) -> str:
    # A cut is marked as the masking of known secrets knows it: the beginning of one may stand there.
    cut = name if len(name) <= MOST_NAME else name[:MOST_NAME] + CUT
    return "".join(sign if sign.isprintable() else "?" for sign in cut)


@dataclass(frozen=True, slots=True)
class _Number:
    """A number as it is written: 1.0 may mean something else than 1, and no digit is lost."""

    text: str


def read_json(body: bytes) -> Any:
    """The document; raises `ValueError` that says why it is none (a name that is there twice included)."""
    try:
        document = json.loads(
            body.decode("utf-8"),
            parse_int=_Number,
            parse_float=_Number,
            parse_constant=_refuse,
            object_pairs_hook=_members,
        )
    except UnicodeDecodeError as error:
        raise ValueError("is not in UTF-8") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"is no JSON: {error.msg} at byte {error.pos}") from error
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error
    if not _is_within(document, MOST_DEPTH):
        raise ValueError(TOO_DEEP)
    return document


def _is_within(value: Any, levels: int) -> bool:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels > 0 and all(_is_within(child, levels - 1) for child in inside)


def _refuse(constant: str) -> Any:
    raise ValueError(f"is no JSON: {constant} is no number")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("has an object with a name that is there twice")
    return members


def differences(before: Any, after: Any, apart: Sequence[str] = ()) -> Iterator[Change]:
    """Every place that differs, but for those `apart` (`*` in them is any one step) and below."""
    patterns = _patterns(apart)
    return (one for one in _differ(before, after, ()) if not _is_apart(one.steps, patterns))


def is_all_apart(document: Any, apart: Sequence[str]) -> bool:
    """Whether no value of it is left to compare; an empty list or object is a value."""
    return bool(apart) and _is_covered(document, (), _patterns(apart))


def _is_covered(value: Any, at: Steps, patterns: Sequence[Steps]) -> bool:
    if _is_apart(at, patterns):
        return True
    if isinstance(value, dict) and value:
        return all(_is_covered(child, (*at, _escape(name)), patterns) for name, child in value.items())
    if isinstance(value, list) and value:
        return all(_is_covered(child, (*at, str(number)), patterns) for number, child in enumerate(value))
    return False


def _patterns(apart: Sequence[str]) -> list[Steps]:
    return [tuple(pattern.split("/")[1:]) for pattern in apart]


def _is_apart(steps: Steps, patterns: Sequence[Steps]) -> bool:
    return any(_is_below(steps, pattern) for pattern in patterns)


def _is_below(steps: Steps, pattern: Steps) -> bool:
    if len(steps) < len(pattern):
        return False
    return all(wanted in ("*", step) for step, wanted in zip(steps, pattern, strict=False))


def _differ(before: Any, after: Any, at: Steps) -> Iterator[Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys([*before, *after]):
            place = (*at, _escape(name))
            if name not in after:
                yield Change(place, _words(before[name]), NOTHING)
            elif name not in before:
                yield Change(place, NOTHING, _words(after[name]))
            else:
                yield from _differ(before[name], after[name], place)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _differ(one, other, (*at, str(number)))
    elif type(before) is not type(after) or before != after:
        was, became = _words(before), _words(after)
        yield Change(at, was, became if became != was else f"another, {became}")


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _unescape(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return f"an object of {len(value)}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, str):
        return f"a text of {len(value)} characters"
    text = value.text if isinstance(value, _Number) else json.dumps(value)
    return text if len(text) <= MOST_DIGITS else f"a number of {len(text)} digits"
