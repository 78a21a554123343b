"""Feed files: a list of values that calls draw from, one a line, JSON lines, or CSV with a header.

Rule: a feed that a call cannot use is found before anything is sent: missing, empty, broken, or without the
field that a template asks for.
"""

from __future__ import annotations

import csv
import json
import posixpath
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from battlectl.errors import Problem
from battlectl.scenario.check_load import calls_of
from battlectl.scenario.draft import Draft
from battlectl.scenario.model import RequestWorkload
from battlectl.scenario.params import FeedTemplate, feeds_used
from battlectl.scenario.places import Mistake
from battlectl.scenario.wording import nearest

KINDS = (".txt", ".jsonl", ".csv")
Values = tuple[Any, ...]
ReadText = Callable[[str], str]
"""Reads a file named relative to the scenario's folder; raises OSError or ValueError saying why it cannot."""


class BadFeed(ValueError):
    """A line of a feed that cannot be read; line and column are 1-based."""

    def __init__(self, line: int, message: str, column: int = 1) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


def read_feeds(
    draft: Draft, file: str, read_text: ReadText
) -> tuple[dict[str, Values], list[Mistake], list[Problem]]:
    """The values of the feeds of scenario `file`; mistakes lie there, problems in the feeds' own files."""
    feeds: dict[str, Values] = {}
    mistakes: list[Mistake] = []
    problems: list[Problem] = []
    for name, feed in draft.feeds.items():
        if feed is None:
            continue
        if not feed.file.lower().endswith(KINDS):
            mistakes.append(Mistake(("feeds", name, "file"), f"a feed ends in {', '.join(KINDS)}: rename it"))
            continue
        try:
            feeds[name] = parse_feed(read_text(feed.file), feed.file)
        except BadFeed as error:
            where = posixpath.join(posixpath.dirname(file), feed.file)
            problems.append(Problem(where, error.line, error.column, f"feeds.{name}", str(error)))
        except (OSError, ValueError) as error:
            mistakes.append(Mistake(("feeds", name, "file"), _word_unreadable(feed.file, error)))
    return feeds, mistakes, problems


def _word_unreadable(file: str, error: OSError | ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        reason = "it is not UTF-8"
    else:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return f'"{file}" cannot be read ({reason}): its path is relative to the scenario\'s folder'


def parse_feed(text: str, file: str) -> Values:
    """The values of a feed in order, empty lines left out; raises `BadFeed`."""
    suffix = file.rpartition(".")[2].lower()
    text = text.removeprefix("\ufeff")
    if suffix == "jsonl":
        values = tuple(_read_json(line, number) for number, line in _lines(text))
    elif suffix == "csv":
        values = tuple(_read_csv(text))
    else:
        values = tuple(line for _, line in _lines(text))
    if not values:
        raise BadFeed(1, "the feed is empty: add a value, one a line")
    return values


def _lines(text: str) -> Iterator[tuple[int, str]]:
    stripped = ((number, line.strip()) for number, line in enumerate(text.split("\n"), 1))
    return ((number, line) for number, line in stripped if line)


def _read_json(line: str, number: int) -> Any:
    try:
        return json.loads(line, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise BadFeed(number, f"not JSON ({error.msg}): one JSON value a line", error.colno) from None
    except (ValueError, RecursionError) as error:
        raise BadFeed(number, f"not JSON ({error}): one JSON value a line") from None


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _read_csv(text: str) -> Iterator[dict[str, str]]:
    rows = csv.reader(text.splitlines(keepends=True), strict=True)
    header: list[str] | None = None
    try:
        for row in rows:
            if not row:
                continue
            if header is None:
                header = _read_header(row, rows.line_num)
            elif len(row) != len(header):
                raise BadFeed(
                    rows.line_num, f"has {len(row)} columns, the header has {len(header)}: align them"
                )
            else:
                yield dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise BadFeed(rows.line_num, f"not CSV ({error}): check the quotes") from None


def _read_header(row: list[str], line: int) -> list[str]:
    names = [name.strip() for name in row]
    if len(set(names)) != len(names) or "" in names:
        raise BadFeed(line, "each column of the header needs a name of its own")
    return names


def check_feed_use(draft: Draft, feeds: Mapping[str, Values]) -> Iterator[Mistake]:
    """Templates that name a feed or a field that is not there."""
    for name, workload in draft.load.items():
        calls = calls_of(("load", name), workload) if isinstance(workload, RequestWorkload) else ()
        for path, call in calls:
            for inner, template in feeds_used(call.params):
                for message in _misuse(template, draft, feeds):
                    yield Mistake((*path, "params", *inner), message)


def _misuse(template: FeedTemplate, draft: Draft, feeds: Mapping[str, Values]) -> Iterator[str]:
    if template.feed not in draft.feeds:
        hint = nearest(template.feed, draft.feeds) if draft.feeds else ", add `feeds: {NAME: FILE}`"
        yield f'there is no feed "{template.feed}"{hint}'
    elif template.field is not None and template.feed in feeds:
        yield from _missing_field(template.feed, template.field, feeds[template.feed])


def _missing_field(feed: str, field: str, values: Values) -> Iterator[str]:
    for number, value in enumerate(values, 1):
        if not isinstance(value, Mapping):
            yield f'value {number} of the feed "{feed}" has no fields: write {{$feed: {feed}}}'
            return
        if field not in value:
            yield f'value {number} of the feed "{feed}" has no "{field}"{nearest(field, value)}'
            return
