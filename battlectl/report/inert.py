"""Text from the target or the scenario, made inert for where it is shown.

Rule: whatever a label or an error message holds, it stays one piece of text on one line: it steers no
terminal, opens no tag, breaks no table and no XML. It never begins a line of Markdown, where `#` or `1.`
would mean something.
"""

from __future__ import annotations

import re
import unicodedata

MOST_SHOWN = 120
"""Characters of one piece of text that are shown, unless told."""

_MARKDOWN = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])|<(?=[A-Za-z/!?]|$)|&(?=[A-Za-z#]|$)")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ENTITIES = {"<": "&lt;", "&": "&amp;"}


def one_line(text: object, most: int = MOST_SHOWN) -> str:
    r"""Printable, on one line, at most so many characters: a newline is shown as `\n`."""
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text)[: most + 1])
    return shown if len(shown) <= most else shown[: most - 3] + "..."


def in_markdown(text: object, most: int = MOST_SHOWN) -> str:
    """For prose and table cells: no markup, no HTML. A `<` that can open no tag stays readable."""
    return _MARKDOWN.sub(lambda m: _ENTITIES.get(m[0], f"\\{m[0]}"), one_line(text, most))


def code_block(text: str) -> str:
    """A fenced block whose fence is longer than any run of backticks inside."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def in_xml(text: object) -> str:
    """Characters that XML 1.0 cannot hold are replaced."""
    return _NOT_XML.sub("\ufffd", str(text))


def cells(text: str) -> int:
    """How many columns of a terminal a text takes: wide characters take two, combining ones none."""
    return sum(_cell(character) for character in text)


def clip(text: str, width: int) -> str:
    """At most so many columns."""
    if cells(text) <= width:
        return text
    while text and cells(text) > width - 3:
        text = text[:-1]
    return f"{text}..."


def _cell(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
