"""Literal histories of headers, each with all that is found in it."""

from __future__ import annotations

import pytest

from battlectl.observe.streams.cell import COUNTS
from battlectl.observe.streams.terms import Terms
from tests.observe.streams.histories import Told, expected

FIVE = "1 2 3 4 5"
FORK = "1 2a 3a | 2b+3b 4b"
DEEP = "1 2a 3a 4a 5a | 2b+3b+4b+5b 6b"
BACK = "1 2a 3a | 2b+3b . . | 2a+3a+4a 5a"

HISTORIES = {
    "nothing wrong": (FIVE, "1 2 3 4 5", "observed 5"),
    "one block": ("1", "1", "observed 1"),
    "one lost": (FIVE, "1 2 4 5", "observed 4, missing_middle 1, gaps 1"),
    "two lost in a row": (FIVE, "1 2 5", "observed 3, missing_middle 2, gaps 1, resumes 0"),
    "two lost apart": (FIVE, "1 3 5", "observed 3, missing_middle 2, gaps 2"),
    "the first lost": (FIVE, "2 3 4 5", "observed 4, missing_start 1, gaps 1"),
    "the last lost": (FIVE, "1 2 3 4", "observed 4, missing_tail 1, gaps 1"),
    "one doubled": (FIVE, "1 2 2 3 4 5", "observed 5, duplicates 1"),
    "all doubled": (FIVE, "1 1 2 2 3 3 4 4 5 5", "observed 5, duplicates 5"),
    "the last doubled": (FIVE, "1 2 3 4 5 5", "observed 5, duplicates 1"),
    "one three times": (FIVE, "1 2 3 3 3 4 5", "observed 5, duplicates 2"),
    "doubled later": (FIVE, "1 2 3 4 2 5", "observed 5, duplicates 1"),
    "swapped": (FIVE, "1 2 4 3 5", "observed 5, out_of_order 1, back_filled 1"),
    "swapped at the end": (FIVE, "1 2 3 5 4", "observed 5, out_of_order 1, back_filled 1"),
    "swapped at the start": (FIVE, "2 1 3 4 5", "observed 5, out_of_order 1, back_filled 1"),
    "all pairs swapped": ("1 2 3 4", "2 1 4 3", "observed 4, out_of_order 2, back_filled 2"),
    "one much too late": (FIVE, "1 3 4 5 2", "observed 5, out_of_order 1, back_filled 1"),
    "backwards": ("1 2 3 4", "4 3 2 1", "observed 4, out_of_order 3, back_filled 3, resumes 1, stalls 1"),
    "swapped and doubled": (FIVE, "1 2 4 3 3 5", "observed 5, out_of_order 1, back_filled 1, duplicates 1"),
    "filled in part": (FIVE, "1 5@5.1 3", "observed 3, missing_forward 2, gaps 1, out_of_order 1, back_filled 1,"
                       "resumes 1, stalls 1"),
    "a block from before the start": ("1 2 3 4", "1@4.3 4@4.4", ""),
}


@pytest.mark.parametrize("lag", [0.0, 0.3])
@pytest.mark.parametrize("name", HISTORIES)
def test_history(name, lag):
    truth, stream, findings = HISTORIES[name]
    assert Told(truth, stream, lag=lag).findings == {k: n for k, n in expected(findings).items() if n}
