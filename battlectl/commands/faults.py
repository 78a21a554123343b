"""`battlectl faults`: every kind of fault that providers of the lab can have, or one of them in full.

Rule: nothing is said here that the catalogue does not say; this only lays it out for a terminal.
"""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from difflib import get_close_matches
from typing import TextIO

from battlectl.errors import ExitCode, UserError
from battlectl.lab.faults.catalogue import FaultRow, ParameterRow, catalogue_rows

LEAST_WIDTH = 40
FOOT = "`battlectl faults NAME` tells all of one. docs/lab.md says how to put one on a provider."


def faults(name: str | None, as_json: bool, out: TextIO) -> ExitCode:
    """Print all kinds, or one; raises `UserError` for a name that no kind has."""
    rows = catalogue_rows()
    if name is not None:
        rows = find(name, rows)
    width = max(LEAST_WIDTH, shutil.get_terminal_size((100, 24)).columns)
    if as_json:
        text = json.dumps([asdict(row) for row in rows], indent=2)
    else:
        text = overview(rows, width) if name is None else "\n\n".join(in_full(row, width) for row in rows)
    print(text, file=out)
    return ExitCode.PASS


def find(name: str, rows: Sequence[FaultRow]) -> tuple[FaultRow, ...]:
    """Those of that name: one, or more where bytes and RPC have the same word for it."""
    found = tuple(row for row in rows if row.name == name)
    if found:
        return found
    near = get_close_matches(name.lower().replace("-", "_"), [row.name for row in rows], 1, 0.5)
    hint = f'did you mean "{near[0]}"?' if near else "`battlectl faults` lists them"
    raise UserError(f'there is no fault "{name}": {hint}')


def overview(rows: Sequence[FaultRow], width: int) -> str:
    """A line or more for each kind, by layer."""
    column = max(len(row.name) for row in rows)
    parts = []
    for layer in dict.fromkeys(row.layer for row in rows):
        lines = [_overview_line(row, column, width) for row in rows if row.layer == layer]
        parts.append("\n".join([layer, *lines]))
    return "\n\n".join([*parts, textwrap.fill(FOOT, width, break_on_hyphens=False)])


def in_full(row: FaultRow, width: int) -> str:
    """One kind: what it does, what good looks like, where it works, and its parameters."""
    facts = [("layer", row.layer), ("what", row.what)]
    facts += [("good", row.expect)] if row.expect else []
    facts += [("works on", ", ".join(row.where))]
    lines = [row.name, *(_fact(name, text, width) for name, text in facts)]
    return "\n".join([*lines, *_parameters(row.parameters, width)])


def _overview_line(row: FaultRow, column: int, width: int) -> str:
    where = "" if {"node", "relay"} <= set(row.where) else f" ({' and '.join(row.where)} only)"
    return _wrapped(f"  {row.name:<{column}}  ", f"{row.what}{where}", width)


def _fact(name: str, text: str, width: int) -> str:
    return _wrapped(f"  {name:<8}  ", text, width)


def _parameters(parameters: Iterable[ParameterRow], width: int) -> Iterator[str]:
    for number, parameter in enumerate(parameters):
        if not number:
            yield "\n  attributes"
        default = "must be given" if parameter.default is None else f"default {parameter.default}"
        yield f"    {parameter.name}"
        yield _wrapped("      ", f"{parameter.description} ({parameter.values}; {default})", width)


def _wrapped(head: str, text: str, width: int) -> str:
    """`head`, and the text beside it, on as many lines as it takes."""
    return textwrap.fill(
        text, width, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False
    )
