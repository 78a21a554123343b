"""The rows of the matrix as text."""

from __future__ import annotations

from collections.abc import Sequence

from tabulate import tabulate

from tests.matrix.rows import Row

HEADERS = ("subject", "scenario", "declared", "fate", "provider", "first at", "found", "measured", "also")
INTRODUCTIONS = {
    "Detection": (
        "Each defect that can be planted in the lab's gateway (docs/defects.md), the scenario that should "
        "catch it, the kind of finding that was declared beforehand, and what was found. `provider` is whom "
        "the finding names, or in brackets who was struck by then; `first at` the moment of the load. "
        "`measured` is how near it was where a threshold decided, `also` what else accused. Written by "
        "`make detect ARGS=--write`."
    ),
    "Soundness": (
        "The sound gateway under every scenario that runs on the lab, with several seeds: nothing may "
        "accuse it. `measured` is the objective that came nearest to its limit. `unsure` is an inconclusive "
        "run: it accuses nobody. Written by `make soundness ARGS=--write`."
    ),
}


def table(rows: Sequence[Row]) -> str:
    """For a terminal."""
    return tabulate(
        [_cells(row) for row in rows], headers=HEADERS, maxcolwidths=[30, 26, 12, 12, 12, 8, 60, 24, 20]
    )


def markdown(title: str, rows: Sequence[Row], counts: str) -> str:
    """A page of docs/."""
    cells = [[_safe(cell) for cell in _cells(row)] for row in rows]
    lines = tabulate(cells, headers=HEADERS, tablefmt="github")
    return f"# {title}\n\n{INTRODUCTIONS[title]}\n\nIn all: {counts}.\n\n{lines}\n"


def _cells(row: Row) -> list[str]:
    return [
        row.subject,
        row.scenario,
        row.wanted,
        row.fate,
        row.who,
        row.when,
        row.by,
        row.margin,
        row.others,
    ]


def _safe(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")
