"""The table of a whole comparison: per figure how many were right, how far off, how wide, how many unseen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import isinf

from battlectl.report.tables import markdown_table
from tests.real.truth_compare import Row

COLUMNS = ("figure", "equal", "in range", "open range", "unseen", "nothing", "WRONG", "worst off", "widest")


def truth_table(rows: Iterable[Row]) -> str:
    """`worst off` is how far a value (or the nearer end of a range) is from the truth, `widest` a range."""
    by_name: dict[str, list[Row]] = {}
    for row in rows:
        by_name.setdefault(row.name, []).append(row)
    return markdown_table(COLUMNS, [_line(name, own) for name, own in by_name.items()], "lrrrrrrrr")


def _line(name: str, rows: list[Row]) -> list[str]:
    counts = Counter(row.verdict for row in rows)
    unit = "s" if rows[0].kind == "time" else ""
    widths = [row.width for row in rows if row.verdict in ("equal", "in range") and not isinf(row.width)]
    return [
        name,
        *(str(counts[verdict] or "") for verdict in COLUMNS[1:7]),
        f"{max(row.off for row in rows):.3g}{unit}",
        f"{max(widths, default=0.0):.3g}{unit}",
    ]


def told(row: Row, seed: int, is_attributed: bool) -> str:
    """One disagreement in words."""
    how = "with metadata" if is_attributed else "without metadata"
    said = f"{row.said.least} to {row.said.most} ({row.said.source}; {row.said.words})"
    return f"seed {seed} {how}: {row.name} of {row.of}: the gateway says {row.true}, battlectl {said}"
