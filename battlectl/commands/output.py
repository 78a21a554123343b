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
    """Print what came of every run; where stdout cannot take it, say so and leave the verdict standing."""
    try:
        print(_suite_json(suite) if as_json else _suite_text(suite), flush=True)
    except OSError as error:
        print(f"battlectl: the result cannot be printed ({error.strerror})", file=sys.stderr)
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (what is left in the buffer must not fail again)


def _suite_json(suite: Suite) -> str:
    data = msgspec.json.encode(
        {"exit_code": int(suite.code), "runs": [_result_json(r) for r in suite.results]}
    )
    return msgspec.json.format(data, indent=2).decode()


def _suite_text(suite: Suite) -> str:
    width = shutil.get_terminal_size((100, 24)).columns
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    parts = [_result_text(result, width, colour) for result in suite.results]
    if suite.planned > 1:
        parts.append(render_suite([_row(result) for result in suite.results], width, colour))
    if len(suite.results) < suite.planned:
        parts.append(f"{suite.planned - len(suite.results)} of {suite.planned} scenarios were not run\n")
    return "\n".join(parts).rstrip("\n")


def _result_text(result: RunResult, width: int, colour: bool) -> str:
    notice = f"{result.notice}\n" if result.notice else ""
    return render_summary(result.document, width, colour, str(result.folder)) + notice


def _result_json(result: RunResult) -> dict[str, Any]:
    kept = {name: part for name, part in result.document.items() if name not in BULKY}
    return {"folder": str(result.folder), "notice": result.notice, **kept}


def _row(result: RunResult) -> SuiteRow:
    document = result.document
    return SuiteRow(
        name=document["frame"]["name"],
        verdict=document["verdict"],
        exit_code=result.code,
        seconds=document["ending"]["at_s"],
        folder=str(result.folder),
    )
