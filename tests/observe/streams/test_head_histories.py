"""Literal histories of headers, each with all that is found in it."""

from __future__ import annotations

import pytest

from battlectl.observe.streams.cell import COUNTS, StreamCells
from battlectl.observe.streams.heads import HeadStream
from battlectl.observe.streams.terms import Terms
from battlectl.observe.streams.truth import Truth
from tests.observe.streams.histories import TERMS, Told, expected

FIVE = "1 2 3 4 5"
NINE = "1 2 3 4 5 6 7 8 9"
FORK = "1 2a 3a | 2b+3b 4b"
DEEP = "1 2a 3a 4a 5a | 2b+3b+4b+5b 6b"
FLEETING = "1 2a 3a | 2b+3b | ~2a+3a 4a"
BACK = "1 2a 3a | 2b+3b . . | 2a+3a+4a 5a"

HISTORIES = {
    "nothing wrong": (FIVE, "1 2 3 4 5", "observed 5"),
    "one block": ("1", "1", "observed 1"),
    "one lost": (FIVE, "1 2 4 5", "observed 4, missing_middle 1, gaps 1"),
    "two lost in a row": (FIVE, "1 2 5", "observed 3, missing_middle 2, gaps 1"),
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
    "filled in part": (
        FIVE,
        "1 5@5.1 3",
        "observed 3, missing_forward 2, gaps 1, out_of_order 1, back_filled 1,resumes 1, stalls 1",
    ),
    "reorg followed": (FORK, "1 2a 3a 2b 3b 4b", "observed 6, reemitted 2, reorgs_followed 1"),
    "deep reorg followed": (
        DEEP,
        "1 2a 3a 4a 5a 2b 3b 4b 5b 6b",
        "observed 10, reemitted 4, reorgs_followed 1",
    ),
    "reorg to a shorter branch": (
        "1 2a 3a 4a | 2b 3b 4b 5b",
        "1 2a 3a 4a 2b 3b 4b 5b",
        "observed 8, reemitted 3, reorgs_followed 1",
    ),
    "reorg hidden": (FORK, "1 2a 3a 4b", "observed 4, reorgs_hidden 1, missing_unreplaced 2, gaps 1"),
    "reorg hidden to the end": (
        "1 2a 3a | 2b+3b .",
        "1 2a 3a",
        "observed 3, reorgs_hidden 1, missing_unreplaced 2, gaps 1",
    ),
    "only the newest head of a new branch": (
        FORK,
        "1 2a 3a 3b 4b",
        "observed 5, reemitted 1, reorgs_partial 1, missing_unreplaced 1, gaps 1",
    ),
    "only the first of a new branch": (
        FORK,
        "1 2a 3a 2b 4b",
        "observed 5, reemitted 1, reorgs_partial 1, missing_unreplaced 1, gaps 1",
    ),
    "what went was never shown": (FORK, "1 2b 3b 4b", "observed 4"),
    "what went was shown in part": (FORK, "1 2a 2b 3b 4b", "observed 5, reemitted 1, reorgs_followed 1"),
    "what went was shown above a gap": (FORK, "1 3a 2b 3b 4b", "observed 5, reemitted 2, reorgs_followed 1"),
    "new branch swapped": (
        FORK,
        "1 2a 3a 3b 2b 4b",
        "observed 6, reemitted 1, reorgs_followed 1, out_of_order 1, back_filled 1",
    ),
    "new branch doubled": (
        FORK,
        "1 2a 3a 2b 2b 3b 4b",
        "observed 6, reemitted 2, reorgs_followed 1, duplicates 1",
    ),
    "an old block after the new branch": (
        FORK,
        "1 2a 2b 3b 3a 4b",
        "observed 6, reemitted 1, reorgs_followed 1, out_of_order 1, back_filled 1",
    ),
    "an old block again after the new branch": (
        FORK,
        "1 2a 3a 2b 3b 3a 4b",
        "observed 6, reemitted 2, reorgs_followed 1, duplicates 1",
    ),
    "back and forth, followed": (
        BACK,
        "1 2a 3a 2b 3b 2a 3a 4a 5a",
        "observed 9, reemitted 4, reorgs_followed 2",
    ),
    "back and forth, hidden": (BACK, "1 2a 3a 4a 5a", "observed 5, reorgs_hidden 1, stalls 1, resumes 1"),
    "back and forth, shown again without the other": (
        BACK,
        "1 2a 3a 2a@7.4 3a@7.5 4a 5a",
        "observed 7, reemitted 2, reorgs_hidden 1, stalls 1, resumes 1",
    ),
    "back and forth, then the other branch again": (
        BACK,
        "1 2a 3a 2b 3b 2a 3a 4a 2b 5a",
        "observed 9, reemitted 4, reorgs_followed 2, duplicates 1",
    ),
    "back and forth, a block of it again before the chain is back": (
        BACK,
        "1 2a 3a 2b 3b 2a@4.5 3a@7.1 4a 5a",
        "observed 8, reemitted 3, reorgs_followed 1, reorgs_partial 1, duplicates 1",
    ),
    "back and forth, the same twice running": (
        "1 2a | 2b . . | 2a 3a",
        "1 2a 2a@6.1 3a",
        "observed 3, duplicates 1, reorgs_hidden 1, stalls 1, resumes 1",
    ),
    "hidden below a reorg that was fast and is followed": (
        "1 2a 3a | 2b+3b+4b | ~4c 5c",
        "1 2a 3a 4c 5c",
        "observed 5, reorgs_hidden 1, missing_unreplaced 2, gaps 1",
    ),
    "back and forth, too fast to say": (FLEETING, "1 2a 3a 4a", "observed 4"),
    "back and forth, too fast, and said": (
        FLEETING,
        "1 2a 3a 2b 3b 2a 3a 4a",
        "observed 8, reemitted 4, reorgs_followed 2",
    ),
    "two reorgs followed": (
        "1 2a 3a | 2b+3b 4b | 3c+4c+5c",
        "1 2a 3a 2b 3b 4b 3c 4c 5c",
        "observed 9, reemitted 4, reorgs_followed 2",
    ),
    "two reorgs, the second alone said": (
        "1 2a 3a | 2b+3b | 2c+3c 4c",
        "1 2a 3a 2c 3c 4c",
        "observed 6, reemitted 2, reorgs_followed 1, reorgs_hidden 1",
    ),
    "wrong fork": (FIVE, "1 2 3x@3.1 4 5", "observed 4, wrong_fork 1, missing_middle 1, gaps 1"),
    "wrong fork beside the right one": (FIVE, "1 2 3 3x 4 5", "observed 5, wrong_fork 1"),
    "wrong fork and back": (FIVE, "1 2 3 2x 3x 2 3 4 5", "observed 5, wrong_fork 2, reemitted 2"),
    "wrong fork and back twice": (
        FIVE,
        "1 2 3 2x 3x 2 3 2 3 4 5",
        "observed 5, wrong_fork 2, reemitted 2, duplicates 2",
    ),
    "wrong fork above what is shown again": (
        FIVE,
        "1 2 3 3x 2 4 5",
        "observed 5, wrong_fork 1, duplicates 1",
    ),
    "wrong fork, on, and then again what was before": (
        FIVE,
        "1 2 3 2x 4 3 5",
        "observed 5, wrong_fork 1, duplicates 1",
    ),
    "wrong fork doubled": (FIVE, "1 2 3x@3.1 3x 3 4 5", "observed 5, wrong_fork 1, duplicates 1"),
    "wrong fork doubled later": (FIVE, "1 2 3x@3.1 3 3x 4 5", "observed 5, wrong_fork 1, duplicates 1"),
    "for ever on the wrong fork": (
        FIVE,
        "1 2 3x@3.1 4x@4.1 5x@5.1",
        "observed 2, wrong_fork 3, missing_tail 3, gaps 1, stalls 1, unresumed 1, dead_at_end 1",
    ),
    "a tip on another block, and back": (
        FIVE,
        "1 2 3 3x<2a 3 4 5",
        "observed 5, unproven 1, reemitted 1",
    ),
    "a tip on another block, and on": (FIVE, "1 2 3x<2a@3.1 3 4 5", "observed 5, unproven 1"),
    "a tip on another block, in place of the right one": (
        FIVE,
        "1 2 3x<2a@3.1 4 5",
        "observed 4, unproven 1, missing_middle 1, gaps 1",
    ),
    "a tip on another block, doubled": (
        FIVE,
        "1 2 3x<2a@3.1 3x<2a 3 4 5",
        "observed 5, unproven 1, duplicates 1",
    ),
    "a tip on another block, twice": (
        FIVE,
        "1 2 3 3x<2a 3 3x<2a 3 4 5",
        "observed 5, unproven 2, reemitted 2",
    ),
    "a tip that grows": (
        FIVE,
        "1 2 3x<2a@3.1 4x<3x@4.1 4 5",
        "observed 4, unproven 1, wrong_fork 1, missing_middle 1, gaps 1",
    ),
    "a branch below the tip, and on": (FIVE, "1 2 3 4 3x<2a 5", "observed 5, unproven 1"),
    "a branch of two, and back": (
        FIVE,
        "1 2 3 2x<1a 3x<2x 2 3 4 5",
        "observed 5, unproven 2, reemitted 2",
    ),
    "a branch of three that is one longer, and back": (
        FIVE,
        "1 2 3 2x<1a 3x<2x 4x<3x 2 3 4 5",
        "observed 5, unproven 3, reemitted 2",
    ),
    "a branch that is longer than a chain can have become": (
        FIVE,
        "1 2 3 2x<1a 3x<2x 4x<3x 5x<4x 2 3 4 5",
        "observed 5, unproven 3, invented 1, reemitted 2",
    ),
    "a branch of two, doubled": (
        FIVE,
        "1 2 3 2x<1a 3x<2x 3x<2x 2 3 4 5",
        "observed 5, unproven 2, duplicates 1, reemitted 2",
    ),
    "a branch of two that grows for longer than nobody looked": (
        FIVE,
        "1 2 3 2x<1a 3x<2x 4x<3x@4.1 2 3 4 5",
        "observed 5, unproven 2, wrong_fork 1, reemitted 2",
    ),
    "two branches told in turn": (
        FIVE,
        "1 2 3 3x<2a 4 4x<3x 5 5x<4x",
        "observed 5, unproven 1, wrong_fork 2",
    ),
    "a branch of two on nothing that was told": (FIVE, "1 2 3 3x<2y 4 5", "observed 5, wrong_fork 1"),
    "a branch of two that is no chain": (
        FIVE,
        "1 2 3 2x<1a 4x<2x 4 5",
        "observed 5, unproven 1, invented 1",
    ),
    "a tip said by a stream that is late": (
        FIVE,
        "1 2 3x<2a@4.9 3@4.9 4@4.9 5",
        "observed 5, unproven 1, caught_up 1",
    ),
    "a tip, the stream's first": (FIVE, "2x<1a@2.1 3 4 5", "observed 3, unproven 1, missing_start 2, gaps 1"),
    "invented": (FIVE, "1 2 4x@2.2 3 4 5", "observed 5, invented 1"),
    "invented on what is there": (FIVE, "1 2 4x<2a@2.2 3 4 5", "observed 5, invented 1"),
    "invented in place of what came": (
        FIVE,
        "1 2 3x@2.2 4x@2.3 5x@2.4",
        "observed 2, invented 3, missing_tail 3, gaps 1, stalls 1, unresumed 1, dead_at_end 1",
    ),
    "early, and true": (FIVE, "1 2 3@2.2 4@2.3 5@2.4", "observed 5"),
    "beyond the truth": (FIVE, "1 2 3 4 5 9x", "observed 5, unproven 1"),
    "before the truth": (FIVE, "1 2 3@2.8 4@3.8 5@4.8", "observed 5"),
    "ended and lost": (
        "1 2 3 4 5 6",
        "1 2 end@2.5 open@4.5 5 6",
        "observed 4, ends_visible 1, resumes 1, missing_forward 2, gaps 1",
    ),
    "ended, nothing lost": (
        "1 2 3 4 5 6",
        "1 2 end@2.5 open@2.8 3 4 5 6",
        "observed 6, ends_visible 1, resumes 1",
    ),
    "ended and back-filled in order": (
        "1 2 3 4 5 6",
        "1 2 end@2.5 open@4.5 3@4.6 4@4.6 5 6",
        "observed 6, ends_visible 1, resumes 1, caught_up 1",
    ),
    "ended and back-filled afterwards": (
        "1 2 3 4 5 6",
        "1 2 end@2.5 open@4.5 5 3@5.2 4@5.2 6",
        "observed 6, ends_visible 1, resumes 1, out_of_order 2, back_filled 2",
    ),
    "ended and replayed": (
        "1 2 3 4 5 6",
        "1 2 3 end@3.5 open@3.6 2@3.7 3@3.7 4 5 6",
        "observed 6, ends_visible 1, resumes 1, duplicates 2",
    ),
    "ended for good": (
        "1 2 3 4 5 6",
        "1 2 end@2.5",
        "observed 2, ends_visible 1, stalls 1, unresumed 1, missing_tail 4, gaps 1",
    ),
    "ended for good after the last block": ("1 2", "1 2 end@2.5", "observed 2, ends_visible 1, unresumed 1"),
    "found dead": (
        "1 2 3 4 5 6 7 8",
        "1 2 die@6 open@6.1 7 8",
        "observed 4, ends_silent 1, stalls 1, resumes 1, missing_forward 4, gaps 1",
    ),
    "ended twice": (
        FIVE,
        "1 end@1.5 open@1.6 2 3 end@3.5 open@3.6 4 5",
        "observed 5, ends_visible 2, resumes 2",
    ),
    "ended in a reorg, followed": (
        FORK,
        "1 2a 3a end@3.5 open@4.5 2b 3b 4b",
        "observed 6, ends_visible 1, resumes 1, reemitted 2, reorgs_followed 1",
    ),
    "ended in a reorg, forward only": (
        FORK,
        "1 2a 3a end@3.5 open@4.5 4b",
        "observed 4, ends_visible 1, resumes 1, reorgs_hidden 1, missing_unreplaced 2, gaps 1",
    ),
    "stalled and lost": (
        "1 2 3 4 5 6 7",
        "1 2 6 7",
        "observed 4, stalls 1, resumes 1, missing_forward 3, gaps 1",
    ),
    "stalled and caught up": (
        "1 2 3 4 5 6 7",
        "1 2 3@6.6 4@6.6 5@6.6 6@6.6 7",
        "observed 7, stalls 1, resumes 1, caught_up 3",
    ),
    "silently dead": (
        "1 2 3 4 5 6 7",
        "1 2",
        "observed 2, stalls 1, unresumed 1, dead_at_end 1, missing_tail 5, gaps 1",
    ),
    "never an event": (FIVE, "", "stalls 1, unresumed 1, dead_at_end 1, missing_tail 5, gaps 1"),
    "no block in all the time": ("", "", ""),
    "slow chain": ("1 . . . . 2 . . . . 3", "1 2 3", "observed 3"),
    "another subscription, nothing lost": (FIVE, "1 2 open@2.5 3 4 5", "observed 5"),
    "another subscription that begins later": (
        FIVE,
        "1 2 open@3.6 4 5",
        "observed 4, missing_forward 1, gaps 1",
    ),
    "always behind": (
        "1 2 3 4 5 6",
        "1@2.6 2@3.6 3@4.6 4@5.6 5@6.6 6@7",
        "observed 6, caught_up 5",
    ),
}


@pytest.mark.parametrize("lag", [0.0, 0.3], ids=["truth first", "truth later"])
@pytest.mark.parametrize("name", HISTORIES)
def test_history(name, lag):
    truth, stream, findings = HISTORIES[name]
    assert Told(truth, stream, lag=lag).findings == expected(findings)


def test_there_are_sixty():
    assert len(HISTORIES) >= 60


@pytest.mark.parametrize("name", HISTORIES)
def test_all_that_is_found_is_named_and_what_is_expected_adds_up(name):
    truth, stream, _ = HISTORIES[name]
    told = Told(truth, stream)
    assert set(told.cell.counts) <= set(COUNTS)
    assert told.finished.counts == {
        name: n for name, n in told.cell.counts.items() if name in told.finished.counts
    }
    counts = told.findings
    strange = sum(counts.get(name, 0) for name in ("duplicates", "wrong_fork", "invented", "unproven"))
    again = strange + counts.get("reemitted", 0) + counts.get("out_of_order", 0)
    assert (
        counts.get("observed", 0) + strange <= told.cell.count("events") <= counts.get("observed", 0) + again
    )


NEWEST = Terms(settle=0.5, stall_after=2.5, newest_only=True)

NEWEST_ONLY = {
    "catch-up": ("1 2 3+4+5 6", "1 2 5 6", "observed 4, skipped 2"),
    "reorg": (FORK, "1 2a 3a 3b 4b", "observed 5, reemitted 1, reorgs_partial 1, skipped 1"),
    "after an end it is a gap": (
        FIVE,
        "1 2 end@2.5 open@3.6 4 5",
        "observed 4, ends_visible 1, resumes 1, missing_forward 1, gaps 1",
    ),
    "of a branch that came and went": (FIVE, "1 2 3 3x<2x 3 4 5", "observed 5, unproven 1, reemitted 1"),
    "of a branch that grows for longer than nobody looked": (
        FIVE,
        "1 2 3 3x<2x 4 4x<3x@4.3 5 5x<4x@5.3",
        "observed 5, unproven 1, wrong_fork 2",
    ),
    "of a branch of which every second block is shown": (
        NINE,
        "1 2 4x<3x@4.1 6x<5x@6.1 8x<7x@8.1 8 9",
        "observed 4, unproven 1, wrong_fork 2, missing_forward 5, gaps 1, resumes 1, stalls 1",
    ),
    "of two branches that came and went": (
        NINE,
        "1 2 4x<3x@4.1 4 5 7x<6x@7.1 7 8 9",
        "observed 7, unproven 2, skipped 2",
    ),
    "of two branches that came and went, and one block again between them": (
        NINE,
        "1 2 3 3x<2x@3.1 3 5x<4x@5.1 5 6 7 8 9",
        "observed 8, unproven 2, reemitted 1, skipped 1",
    ),
    "of a branch of which every second block is shown, and once from anew": (
        NINE,
        "1 2 4x<3x@4.1 end@4.5 open@6 6x<5x@6.1 8x<7x@8.1 8 9",
        "observed 4, unproven 2, wrong_fork 1, ends_visible 1, resumes 1, stalls 1, missing_forward 5,gaps 1",
    ),
    "at the end it is missing": (FIVE, "1 2 3", "observed 3, missing_tail 2, gaps 1"),
}


@pytest.mark.parametrize("name", NEWEST_ONLY)
def test_a_node_that_says_only_its_newest_head(name):
    truth, stream, findings = NEWEST_ONLY[name]
    assert Told(truth, stream, terms=NEWEST).findings == expected(findings)


def test_a_stream_that_was_never_opened_is_held_to_nothing():
    told = Told(FIVE, "", opens=False)
    assert told.findings == expected("never_opened 1")
    assert told.cell.blocks_expected == 0
    assert told.cell.uptime is None


@pytest.mark.parametrize("until", [0.2, 0.9, 1.4])
def test_a_run_shorter_than_a_block_proves_nothing(until):
    told = Told(FIVE, "", until=until)
    assert told.cell.blocks_expected == 0
    assert (told.cell.uptime, told.cell.gap_rate, told.cell.duplicate_rate) == (None, None, None)
    assert told.cell.count("streams") == 1


def test_nothing_is_held_against_a_stream_at_its_edges():
    told = Told("1 2 3", "2 3", until=3.3)
    assert told.findings == expected("observed 2, missing_start 1, gaps 1")
    early = Told("1 2 3", "", until=3.3)
    assert early.cell.blocks_expected == 2  # 3 was seen less than `settle` before the end.


def found_of_branch(looks: list[float]) -> dict[str, int]:
    """What is found of 2x 3x at 3.1 and 4x at 6.0, where the chain 1 to 3 was looked at then."""
    truth, cells = Truth(), StreamCells()
    stream = HeadStream("heads/1", truth, cells, TERMS, 0.0)
    stream.opened(0.5)
    chain = [(n, f"{n}a", f"{n - 1}a") for n in (1, 2, 3)]
    steps = [(float(one[0]), 0, one) for one in chain] + [(t, 0, chain[-1]) for t in looks]
    steps += [(one[0] + 0.1, 1, one) for one in chain]
    steps += [(3.1, 1, (2, "2x", "1a")), (3.1, 1, (3, "3x", "2x")), (6.0, 1, (4, "4x", "3x"))]
    steps += [(7.0, 0, (4, "4a", "3a")), (8.0, 0, (4, "4a", "3a"))]
    for t, kind, block in sorted(steps, key=lambda step: step[:2]):
        (stream.head if kind else truth.see)(t, *block)
    stream.finish(8.0)
    return {name: cells.total().count(name) for name in ("unproven", "wrong_fork", "invented")}


@pytest.mark.parametrize(
    ("looks", "unproven"),
    [
        ([], 3),
        ([3.1], 3),  # As it was shown: it may have gone before, and come just then.
        ([5.6, 5.9], 3),  # Too soon before: the truth may yet have been behind.
        ([4.0], 2),
        ([5.5], 2),
        ([3.6, 4.6, 5.6], 2),
    ],
)
def test_only_a_look_while_a_branch_must_have_stood_tells_that_it_did_not(looks, unproven):
    found = found_of_branch(looks)
    assert found["unproven"] == unproven
    assert found["wrong_fork"] + found["invented"] == 3 - unproven


def gone_between_looks(parent: str, at: float) -> dict[str, int]:
    """What is found of a block 4x on that parent, where 3a goes at 3.2 and the new branch is 2b 3b 4b."""
    truth, cells = Truth(), StreamCells()
    stream = HeadStream("heads/1", truth, cells, TERMS, 0.0)
    stream.opened(0.5)
    said = [(1.0, 1, "1a", "0a"), (2.0, 2, "2a", "1a"), (3.0, 3, "3a", "2a")]
    said += [(3.2, 2, "2b", "1a"), (3.2, 3, "3b", "2b"), (3.2, 4, "4b", "3b"), (5.0, 5, "5b", "4b")]
    strange = (at, 4, "4x", parent)
    for t, number, hash_, below in sorted([*said, strange]):
        if hash_ != "4x":
            truth.see(t, number, hash_, below)
        stream.head(t, number, hash_, below)
    truth.see(8.0, 5, "5b", "4b")
    stream.finish(8.0)
    return {name: cells.total().count(name) for name in ("wrong_fork", "unproven", "reorgs_followed")}


@pytest.mark.parametrize(
    ("parent", "at", "expected"),
    [
        ("3a", 3.1, "unproven"),
        ("3a", 4.5, "wrong_fork"),
        ("3x", 3.1, "wrong_fork"),
        ("2a", 3.1, "wrong_fork"),
    ],
)
def test_a_block_on_a_branch_that_went_may_have_stood_between_two_looks(parent, at, expected):
    found = gone_between_looks(parent, at)
    assert found == {"wrong_fork": 0, "unproven": 0, "reorgs_followed": 1} | {expected: 1}
