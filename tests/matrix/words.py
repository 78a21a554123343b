"""The rows of the matrix as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tabulate import tabulate

from tests.matrix.rows import Row

OF_SCENARIOS = ("scenario", "fates", "nearest", "what was not sound")
MOST_MARGINS = 3
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
        "accuse it. `nearest` are objectives that came nearest to their limit in a run, three at most. An "
        "unsure run is inconclusive: it accuses nobody. Written by `make soundness ARGS=--write`."
    ),
}


def table(rows: Sequence[Row]) -> str:
    """For a terminal."""
    return tabulate(
        [_cells(row) for row in rows], headers=HEADERS, maxcolwidths=[30, 26, 12, 12, 12, 8, 60, 24, 20]
    )


def markdown(title: str, rows: Sequence[Row], counts: str) -> str:
    """A page of docs/."""
    is_sound = title == "Soundness"
    cells = _by_scenario(rows) if is_sound else [_cells(row) for row in rows]
    safe = [[_safe(cell) for cell in row] for row in cells]
    lines = tabulate(safe, headers=OF_SCENARIOS if is_sound else HEADERS, tablefmt="github")
    return f"# {title}\n\n{INTRODUCTIONS[title]}\n\nIn all: {counts}.\n\n{lines}\n"


def _by_scenario(rows: Sequence[Row]) -> list[list[str]]:
    """A row for each scenario over all its seeds: what was not sound is told in full."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.scenario, []).append(row)
    return [
        [
            scenario,
            ", ".join(f"{number} {fate}" for fate, number in Counter(row.fate for row in own).most_common()),
            "; ".join(sorted({row.margin for row in own if row.margin})[:MOST_MARGINS]),
            "; ".join(f"{row.subject}: {row.by}" for row in own if row.by),
        ]
        for scenario, own in found.items()
    ]


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
