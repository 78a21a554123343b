"""`battlectl lab defects`: what can be planted in the lab's gateway, and what must then be found.

Rule: nothing is said here that the defects do not say of themselves.
"""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

from battlectl.errors import ExitCode
from battlectl.lab.gateway.defects.defect import Defect
from battlectl.lab.gateway.defects.table import BY_AREA
from battlectl.report.tables import markdown_table

LEAST_WIDTH = 40
COLUMNS = ("defect", "what a client suffers", "when", "must be named by")
FOOT = "`battlectl lab up --defect NAME` plants one. docs/defects.md says what this is for."


def defects(as_json: bool, out: TextIO) -> ExitCode:
    """Print all of them, by area."""
    width = max(LEAST_WIDTH, shutil.get_terminal_size((100, 24)).columns)
    print(json.dumps(rows(), indent=2) if as_json else overview(width), file=out)
    return ExitCode.PASS


def rows() -> list[dict[str, Any]]:
    """Each as it is told to programs."""
    return [
        {key: getattr(defect, key) for key in ("name", "area", "summary", "when", "finding")}
        for found in BY_AREA.values()
        for defect in found
    ]


def overview(width: int) -> str:
    """For a terminal: area by area, a paragraph for each defect."""
    parts = ["\n".join([area, *_paragraphs(found, width)]) for area, found in BY_AREA.items()]
    return "\n\n".join([*parts, textwrap.fill(FOOT, width, break_on_hyphens=False)])


def markdown() -> Iterator[str]:
    """The lines of docs/defects.md: a heading and a table for each area."""
    for area, found in BY_AREA.items():
        told = [(f"`{d.name}`", d.summary, d.when, d.finding) for d in found]
        yield f"## {area.capitalize()}"
        yield markdown_table(COLUMNS, told, "llll")


def _paragraphs(found: Sequence[Defect], width: int) -> Iterator[str]:
    for defect in found:
        yield f"  {defect.name} ({defect.finding})"
        for text in (defect.summary, defect.when):
            yield textwrap.fill(text, width, initial_indent="    ", subsequent_indent="    ")
