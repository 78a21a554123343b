"""Tables as text: the one place that knows tabulate.

Rule: cells are shown as they are given: text that looks like a number is not touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tabulate import tabulate


def markdown_table(headers: Sequence[str], rows: Iterable[Sequence[str]], sides: str) -> str:
    """A GitHub table; `sides` has a letter per column: `l` for text, `r` for figures."""
    return _table("github", headers, rows, sides)


def plain_table(headers: Sequence[str], rows: Iterable[Sequence[str]], sides: str) -> str:
    """Columns parted by spaces, for terminals."""
    return _table("plain", headers, rows, sides)


def _table(form: str, headers: Sequence[str], rows: Iterable[Sequence[str]], sides: str) -> str:
    aligned = ["left" if side == "l" else "right" for side in sides]
    listed = [list(row) for row in rows]
    if not listed:
        return ""
    return tabulate(
        listed, headers, tablefmt=form, disable_numparse=True, colalign=aligned, preserve_whitespace=True
    )
