"""Call parameters with templates in them, such as `{$block: latest-10}`.

Rule: a mapping with one key that starts with `$` is a template; everything else is literal JSON. Templates
stay symbols here and in the plan; `plan/calls.py` fills in draws from the seed, the run fills in the head.

    {$block: latest-10}                      a block number relative to the head, as hex
    {$random: [1, 1000]}                     a whole number of a range, both ends included, as hex
    {$random: {from: 1, to: 9, as: number}}  the same as a JSON number; `as: decimal` for a decimal string
    {$feed: addresses}                       a value from a feed declared under `feeds`
    {$feed: accounts.address}                a field of a feed whose entries are mappings (JSON lines, CSV)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, TypeAlias

_BLOCK = re.compile(r"latest\s*([+-]\s*\d+)?")
_FEED = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)(?:\.(.+))?")
TEMPLATES = ("$block", "$random", "$feed")


@dataclass(frozen=True, slots=True)
class BlockTemplate:
    """A block number `offset` away from the head, known only when the request is sent."""

    offset: int


@dataclass(frozen=True, slots=True)
class RandomTemplate:
    """A whole number between `low` and `high`, both included."""

    low: int
    high: int
    form: Literal["hex", "number", "decimal"]


@dataclass(frozen=True, slots=True)
class FeedTemplate:
    """The next value of a feed; `field` picks one when entries are mappings."""

    feed: str
    field: str | None


Template: TypeAlias = BlockTemplate | RandomTemplate | FeedTemplate


@dataclass(frozen=True, slots=True)
class ParamMistake:
    """A template that cannot be read: `path` leads to it inside the parameters."""

    path: tuple[str | int, ...]
    message: str


def find_template(value: object) -> Template | None:
    """The template that a JSON value is, None when it is literal; raises `ValueError` for a broken one."""
    if not isinstance(value, Mapping):
        return None
    keys = [key for key in value if isinstance(key, str) and key.startswith("$")]
    if not keys:
        return None
    if len(value) != 1:
        raise ValueError(f'a template such as "{keys[0]}" stands alone in its mapping')
    return _read_template(keys[0], value[keys[0]])


def check_params(value: object, path: tuple[str | int, ...] = ()) -> Iterator[ParamMistake]:
    """Every broken template inside a parameter tree."""
    try:
        if find_template(value) is not None:
            return
    except ValueError as error:
        yield ParamMistake(path, str(error))
        return
    for key, child in _children(value):
        yield from check_params(child, (*path, key))


def feeds_used(
    value: object, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], FeedTemplate]]:
    """Each feed template of a parameter tree, with the path that leads to it; broken ones are passed over."""
    try:
        template = find_template(value)
    except ValueError:
        return
    if isinstance(template, FeedTemplate):
        yield path, template
    elif template is None:
        for key, child in _children(value):
            yield from feeds_used(child, (*path, key))


def _children(value: object) -> Iterable[tuple[str | int, object]]:
    if isinstance(value, Mapping):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _read_template(key: str, value: object) -> Template:
    if key == "$block":
        return _read_block(value)
    if key == "$random":
        return _read_random(value)
    if key == "$feed":
        return _read_feed(value)
    near = get_close_matches(key, TEMPLATES, 1) or [TEMPLATES[0]]
    raise ValueError(f'unknown template "{key}", did you mean "{near[0]}"?')


def _read_block(value: object) -> BlockTemplate:
    match = _BLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f'"{value}" is not a block relative to the head, try "latest-10"')
    return BlockTemplate(int((match[1] or "0").replace(" ", "")))


def _read_random(value: object) -> RandomTemplate:
    if isinstance(value, list):
        value = dict(zip(("from", "to"), value, strict=False)) if len(value) == 2 else None
    if not isinstance(value, Mapping) or not {"from", "to"} <= set(value) <= {"from", "to", "as"}:
        raise ValueError("$random takes [low, high] or {from: 1, to: 100, as: hex}")
    low, high, form = value["from"], value["to"], value.get("as", "hex")
    if type(low) is not int or type(high) is not int:
        raise ValueError("the ends of $random are whole numbers")
    if low > high or (low < 0 and form == "hex"):
        raise ValueError(f"the range {low} to {high} of $random is empty or cannot be written as {form}")
    if form not in ("hex", "number", "decimal"):
        raise ValueError(f'"{form}" is not a form of $random, try "hex", "number" or "decimal"')
    return RandomTemplate(low, high, form)


def _read_feed(value: object) -> FeedTemplate:
    match = _FEED.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f'"{value}" names no feed, try {{$feed: addresses}} and feeds: {{addresses: FILE}}')
    return FeedTemplate(match[1], match[2])
