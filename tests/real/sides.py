"""Two sides of a comparison: what battlectl derived, and what the target says of itself.

Rule: battlectl's side is a range, and all of it must lie within the tolerance around the other side's value:
a range that is too wide to say anything does not agree.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One figure; `most` is None for one without an upper end."""

    what: str
    least: float | None
    most: float | None
    theirs: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """See the rule."""
        ends = (self.least, self.most)
        return all(end is not None and abs(end - self.theirs) <= self.tolerance for end in ends)


def row(what: str, figure: dict[str, Any], theirs: float, tolerance: float) -> Row:
    """Of a figure as report.json has it."""
    return Row(what, figure["least"], figure["most"], theirs, tolerance)


def table(rows: Sequence[Row]) -> str:
    """Both sides, for a person."""
    lines = [f"{'':44}{'battlectl':>22}{'theirs':>12}{'within':>9}"]
    for one in rows:
        ours = f"{_show(one.least)} to {_show(one.most)}"
        mark = "" if one.agrees else "  <-- differs"
        lines.append(f"{one.what:44}{ours:>22}{one.theirs:12.2f}{one.tolerance:9.2f}{mark}")
    return "\n".join(lines)


def _show(number: float | None) -> str:
    return "?" if number is None else f"{number:.2f}"


def assert_agree(rows: Sequence[Row]) -> None:
    """All of them, or both sides in a table."""
    assert all(one.agrees for one in rows), f"\n{table(rows)}"
