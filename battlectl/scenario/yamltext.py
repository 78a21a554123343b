"""The YAML syntax itself: text to nodes, scalars to values, syntax errors in plain words.

Rule: the one home of PyYAML, and of nothing but its safe loader; a file that cannot be read here raises
`BadFile` with one problem, since YAML cannot go on after a syntax error.
"""

from __future__ import annotations

import math
from typing import Any, NoReturn, TypeAlias

import yaml

from battlectl.errors import BadFile, Problem

MAX_DEPTH = 50
MAX_TEXT = 2**18
"""PyYAML reads some 100 KiB of dense YAML a second; this bounds what a file can cost."""
LONGEST_NUMBER = 100
_PREFIX = "tag:yaml.org,2002:"
_TEXTS = ("str", "timestamp", "value")
_VALUES = ("bool", "int", "float", "null")

Node: TypeAlias = Any
"""A yaml.Node; its stubs leave `value` and `style` untyped."""

WORDS = (
    ("found character '\\t'", "a tab cannot indent YAML: use spaces"),
    ("that cannot start any token", "a text cannot begin with this character: quote it"),
    ("mapping values are not allowed", 'a ":" where no key can be: check the indentation, or quote the text'),
    ("expected <block end>", "this does not fit the lines above: check the indentation"),
    ("could not find expected ':'", "a key without its `: value`: check the indentation, or add the colon"),
    (
        "expected ',' or ']'",
        'this "[" list goes wrong: add the "," or "]", and quote "${NAME}" or any text with [ or {',
    ),
    (
        "expected ',' or '}'",
        'this "{" mapping goes wrong: add the "," or "}", and quote "${NAME}" or any text with [ or {',
    ),
    ("found '<stream end>'", "the file ends too early: close every [, { and quote"),
    ("found undefined alias", "no anchor of this name (&name) stands above: check its spelling"),
    ("found unexpected end of stream", "a quote is opened and not closed: add the closing one"),
    ("found unknown escape character", "no such escape in double quotes: use single quotes, or \\\\"),
    ("found duplicate anchor", "this anchor is there twice: rename one"),
    ("found another document", "a second document begins here (---): keep one per file"),
    ("found undefined tag handle", "tags (!...) are not allowed: leave it away, or quote the text"),
    ("nested deeper", f"nested deeper than {MAX_DEPTH} levels: flatten it"),
    ("did not find expected", "this is not YAML: quote the text, or check the indentation"),
)


class _Loader(yaml.SafeLoader):
    """The safe loader with a floor, so that no nesting can exhaust Python's stack."""

    depth = 0

    def compose_node(self, parent: Node, index: Any) -> Node:
        self.depth += 1
        if self.depth > 2 * MAX_DEPTH:
            event: Any = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="nested deeper", problem_mark=event.start_mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def decode(data: bytes, file: str) -> str:
    """The text of a file; raises `BadFile` at the first byte that is not UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        message = f"byte 0x{data[error.start]:02x} is not UTF-8: save the file as UTF-8"
        _refuse(file, *_line_and_column(before, len(before)), message)


def compose(text: str, file: str) -> Node | None:
    """The root node, None for an empty document; raises `BadFile` for what is not YAML."""
    if len(text) > MAX_TEXT:
        _refuse(file, 1, 1, f"the file is larger than {MAX_TEXT // 2**10} KiB: put long lists into feeds")
    if text.startswith("\ufeff"):
        _refuse(file, 1, 1, "the file begins with a byte order mark: save it as UTF-8 without one")
    loader = None
    try:
        loader = _Loader(text)
        return loader.get_single_node()
    except yaml.reader.ReaderError as error:
        place = _line_and_column(text, error.position)
        shown = f"character {ord(text[error.position]):#04x}"
        _refuse(file, *place, f"{shown} is not allowed in YAML: remove it, or escape it in double quotes")
    except yaml.MarkedYAMLError as error:
        _refuse_syntax(error, text, file)
    except (ValueError, ArithmeticError, RecursionError, IndexError) as error:
        # PyYAML lets some slips through as plain exceptions, e.g. "\UFFFFFFFF" in double quotes.
        line = loader.line + 1 if loader else 1
        _refuse(file, line, 1, f"YAML cannot read this file ({error}): simplify or quote what is unusual")


def _refuse_syntax(error: yaml.MarkedYAMLError, text: str, file: str) -> NoReturn:
    wrong = error.problem or error.context or "unreadable"
    mark = error.problem_mark or error.context_mark
    if "quoted scalar" in (error.context or "") and "end of stream" in wrong:
        mark = error.context_mark or mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    plain = next((words for fragment, words in WORDS if fragment in wrong), None)
    _refuse(file, line, column, plain or f"not YAML, {wrong}: quote the text, or check the indentation")


def _line_and_column(text: str, position: int) -> tuple[int, int]:
    before = text[:position]
    return before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1


def _refuse(file: str, line: int, column: int, message: str) -> NoReturn:
    raise BadFile([Problem(file, line, column, "", message)])


def is_merge_key(key: Node) -> bool:
    """Whether a mapping's key is an unquoted `<<`."""
    return bool(key.tag == f"{_PREFIX}merge")


def scalar_tag(node: Node) -> str:
    """The short name of a scalar's type, "str" for the few that are texts here and not in YAML."""
    return str(node.tag).removeprefix(_PREFIX)


def read_scalar(node: Node) -> Any:
    """The JSON value of a scalar node; raises `ValueError` for tags and numbers that JSON does not have.

    Dates and `=` stay texts: a file that means a date still means its spelling.
    """
    tag = scalar_tag(node)
    if tag in _TEXTS:
        return check_text(str(node.value))
    if tag not in _VALUES:
        shown = node.tag.replace(_PREFIX, "!!")
        raise ValueError(f"the tag {shown} is not allowed, leave it away or quote the text")
    try:
        if len(node.value) > LONGEST_NUMBER:
            raise ValueError
        value = yaml.constructor.SafeConstructor().construct_object(node, deep=True)
    except (ValueError, KeyError, IndexError, OverflowError, yaml.YAMLError):
        raise ValueError(f'"{str(node.value)[:60]}" cannot be read as a YAML {tag}: quote it') from None
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{node.value} is not a JSON number: write a plain number")
    if isinstance(value, int) and abs(value) >= 2**64:
        raise ValueError(f'unquoted, "{str(node.value)[:60]}" is a number, and too large for JSON: quote it')
    return value


def check_text(text: str) -> str:
    """The text itself; raises `ValueError` for one that UTF-8 cannot carry."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("contains half a character (a lone surrogate): write it in UTF-8")
    return text


def read_plain(text: str) -> Any:
    """What an unquoted scalar means: 5 for "5", true for "true", else the text itself."""
    resolver: Any = yaml.resolver.Resolver()
    tag = resolver.resolve(yaml.ScalarNode, text, (True, False))
    try:
        return read_scalar(yaml.ScalarNode(tag, text))
    except ValueError:
        return text
