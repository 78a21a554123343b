"""Where things stand in a file, and how a value of it is called in a message.

Rule: a mistake is a path and a sentence; only here does it become a line and a column.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from battlectl.errors import BadFile, Problem

Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was written: 1-based line and column."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong at a path of the tree; `at_key` when the key itself is meant."""

    path: Path
    message: str
    at_key: bool = False


@dataclass(frozen=True, slots=True)
class Located:
    """A value tree and where each part of it was written.

    `spelled` has the unquoted scalars that YAML reads as something other than what they look like (`on`,
    `0x10`, `12:30`); `plain` the unquoted texts, in which `${NAME}` may become a number.
    """

    file: str
    tree: Any
    keys: Mapping[Path, Place]
    values: Mapping[Path, Place]
    spelled: Mapping[Path, str]
    plain: frozenset[Path]
    problems: tuple[Problem, ...]

    def problem(self, mistake: Mistake) -> Problem:
        """A mistake with the position of its path, or of the nearest part above it that was written."""
        path = mistake.path
        first, second = (self.keys, self.values) if mistake.at_key else (self.values, self.keys)
        place = first.get(path) or second.get(path)
        while place is None and path:
            path = path[:-1]
            place = self.keys.get(path) or self.values.get(path)
        place = place or Place(self.file, 1, 1)
        return Problem(place.file, place.line, place.column, dotted(mistake.path), mistake.message)


def dotted(path: Path) -> str:
    """A path as people write it, `--set` included: `load.reads.calls.0`."""
    return ".".join(str(part) for part in path)


def describe(value: Any) -> str:
    """A value in YAML words: 'the text "x"', "the number 5", "a list"."""
    if isinstance(value, str):
        return f'the text "{value if len(value) <= 60 else value[:57] + "..."}"' if value else "an empty text"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value}"[:60]
    return "a mapping" if isinstance(value, dict) else "a list"


_JSON_LIKE = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def looks_different(written: str, value: Any) -> bool:
    """Whether YAML 1.1 reads an unquoted scalar as something that its spelling does not suggest."""
    if isinstance(value, bool):
        return written.lower() not in ("true", "false")
    if isinstance(value, int | float):
        return _JSON_LIKE.fullmatch(written) is None
    return False


def surprise(written: str, value: Any) -> str:
    """What explains such a scalar."""
    return f"unquoted, {written} is {describe(value)} in YAML"


def raise_problems(problems: Iterable[Problem]) -> None:
    """`BadFile` when there is any problem."""
    found = tuple(problems)
    if found:
        raise BadFile(dict.fromkeys(found))
