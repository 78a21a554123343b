"""What the comparison with the gateway's record lets pass, and what not."""

from math import inf

import pytest

from battlectl.analyse.faults.figure import Figure, exact, not_observable
from tests.real.truth_chaos import chaos_of
from tests.real.truth_compare import Row
from tests.real.truth_table import truth_table


def said(least: float, most: float) -> Figure:
    return Figure(least, most, 1, "counters")


@pytest.mark.parametrize(
    ("kind", "true", "figure", "verdict"),
    [
        ("count", 3, exact(3, 1, "metadata"), "equal"),
        ("count", 3, exact(4, 1, "metadata"), "WRONG"),
        ("count", 3, said(1, 5), "in range"),
        ("count", 3, said(4, inf), "WRONG"),
        ("count", 3, said(1, inf), "open range"),
        ("count", 3, said(0, inf), "unseen"),
        ("count", 3, not_observable("nobody saw it"), "unseen"),
        ("count", 0, exact(0, 1, "counters"), "equal"),
        ("ratio", 1.25, exact(1.25, 1, "metadata"), "equal"),
        ("ratio", 1.25, exact(1.251, 1, "metadata"), "WRONG"),
        ("time", 1.0, exact(1.09, 1, "metadata"), "equal"),
        ("time", 1.0, exact(1.11, 1, "metadata"), "WRONG"),
        ("time", 1.0, said(1.05, 2.0), "in range"),
        ("time", 1.0, said(1.2, 2.0), "WRONG"),
        ("time", 1.0, said(0.2, 0.85), "WRONG"),
        ("time", inf, said(2.0, inf), "in range"),
        ("time", inf, said(2.0, 9.0), "WRONG"),
        ("time", None, not_observable("there was none"), "nothing"),
        ("time", None, exact(1.0, 1, "metadata"), "WRONG"),
    ],
)
def test_a_figure_is_right_unseen_or_wrong(kind, true, figure, verdict):
    assert Row("figure", "run", kind, true, figure).verdict == verdict


def test_the_table_says_how_far_off_and_how_wide():
    rows = [
        Row("detection time", "a", "time", 1.0, said(1.05, 1.5)),
        Row("detection time", "b", "time", 1.0, said(0.5, 1.75)),
        Row("detection time", "c", "time", 1.0, not_observable("nobody saw it")),
    ]
    [line] = truth_table(rows).splitlines()[2:]
    assert [cell.strip() for cell in line.strip("|").split("|")] == [
        "detection time", "", "2", "", "1", "", "", "0.05s", "1.25s",
    ]  # fmt: skip


def test_chaos_is_the_seeds_and_of_many_kinds():
    assert chaos_of(7) == chaos_of(7)
    kinds = {kind for seed in range(20) for entry in chaos_of(seed).scenario["chaos"] for kind in entry}
    assert len(kinds - {"name", "at", "for"}) >= 12
    assert {chaos_of(seed).strategy for seed in range(20)} >= {"load-balanced", "round-robin", "fastest"}
