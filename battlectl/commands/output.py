"""What a finished command prints on stdout: a summary for people, or JSON for programs."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Any

import msgspec

from battlectl.commands.run import RunResult, Suite
from battlectl.report.terminal import SuiteRow, render_suite, render_summary

BULKY = ("record", "series", "digests", "frame")
"""Parts of report.json that `--json` leaves in the file."""


def print_suite(suite: Suite, as_json: bool) -> None:
    """Print what came of every run."""
    if as_json:
        data = msgspec.json.encode(
            {"exit_code": int(suite.code), "runs": [_result_json(r) for r in suite.results]}
        )
        print(msgspec.json.format(data, indent=2).decode())
        return
    width = shutil.get_terminal_size((100, 24)).columns
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    for result in suite.results:
        print(render_summary(result.document, width, colour, str(result.folder)))
    if len(suite.results) > 1:
        print(render_suite([_row(result) for result in suite.results]))


def _result_json(result: RunResult) -> dict[str, Any]:
    kept = {name: part for name, part in result.document.items() if name not in BULKY}
    return {"folder": str(result.folder), **kept}


def _row(result: RunResult) -> SuiteRow:
    document = result.document
    return SuiteRow(
        name=document["frame"]["name"],
        verdict=document["verdict"],
        exit_code=result.code,
        seconds=document["ending"]["at_s"],
        folder=str(result.folder),
    )
