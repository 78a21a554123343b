"""Literal histories of logs, each with all that is found in it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battlectl.observe.streams.cell import COUNTS, StreamCells
from battlectl.observe.streams.log_truth import LogTruth
from battlectl.observe.streams.logs import LogStream
from battlectl.observe.streams.terms import Terms
from battlectl.observe.streams.truth import Truth
from tests.observe.streams.histories import UNTOLD, expected
from tests.observe.streams.log_histories import findings
from tests.observe.streams.test_head_oracle import Said, chains

THREE = "1 2 3"
ALL = "1.0 1.1 2.0 2.1 3.0 3.1"
FORK = "1 2a 3a | 2b+3b 4b"
UNTIL_FORK = "1.0 1.1 2.0 2.1 3.0 3.1"
BACK = "-3.1@4.1 -3.0 -2.1 -2.0"
THEN = "2b.0 2b.1 3b.0 3b.1 4b.0 4b.1"
LONG = "1 2 3 4 5 6"

HISTORIES = {
    "all there": (THREE, ALL, "observed 6"),
    "one lost": (THREE, "1.0 1.1 2.0 3.0 3.1", "observed 5, missing_middle 1, gaps 1"),
    "a block lost": (THREE, "1.0 1.1 3.0 3.1", "observed 4, missing_middle 2, gaps 1"),
    "the first lost": (THREE, "2.0 2.1 3.0 3.1", "observed 4, missing_start 2, gaps 1"),
    "the first of its block lost": (THREE, "1.1 2.0 2.1 3.0 3.1", "observed 5, missing_middle 1, gaps 1"),
    "the last lost": (THREE, "1.0 1.1 2.0 2.1", "observed 4, missing_tail 2, gaps 1"),
    "doubled": (THREE, "1.0 1.0 1.1 2.0 2.1 3.0 3.1 3.1", "observed 6, duplicates 2"),
    "doubled later": (THREE, "1.0 1.1 2.0 2.1 3.0 1.0 3.1", "observed 6, duplicates 1"),
    "swapped in a block": (THREE, "1.1 1.0 2.0 2.1 3.0 3.1", "observed 6, out_of_order 1, back_filled 1"),
    "swapped over blocks": (THREE, "1.0 1.1 2.0 3.0 2.1 3.1", "observed 6, out_of_order 1, back_filled 1"),
    "not in the block": (THREE, "1.0 1.1 2.0 2.1 2.7 3.0 3.1", "observed 6, unexpected 1"),
    "of a wrong fork": (THREE, f"{ALL} 2x.0", "observed 6, wrong_fork 1"),
    "of a wrong fork, taken back": (
        THREE,
        f"{ALL} 2x.0 2x.1 -2x.1 -2x.0",
        "observed 6, wrong_fork 2, removed 2",
    ),
    "of a wrong fork that grows": (
        LONG,
        "1.0 1.1 2.0 2.1 3x.0@3.1 4x.0@4.1 5x.0@5.1 6.0 6.1",
        "observed 6, unproven 1, wrong_fork 2, missing_forward 6, gaps 3, stalls 1, resumes 1",
    ),
    "of a tip that may have stood": (THREE, "1.0 1.1 2.0 2.1 2x.0 3.0 3.1", "observed 6, unproven 1"),
    "of a tip that may have stood, taken back": (
        THREE,
        "1.0 1.1 2.0 2.1 -2.1 -2.0 2x.0 2x.1 -2x.1 -2x.0 2.0 2.1 3.0 3.1",
        "observed 6, unproven 2, removed 4, reemitted 2",
    ),
    "of a branch of two that may have stood, taken back": (
        THREE,
        f"{ALL} -3.1 -3.0 -2.1 -2.0 2x.0 2x.1 3x.0 3x.1 -3x.1 -3x.0 -2x.1 -2x.0 2.0 2.1 3.0 3.1",
        "observed 6, unproven 4, removed 8, reemitted 4",
    ),
    "of a branch of two for which nothing was taken back": (
        THREE,
        f"{ALL} 2x.0 2x.1 3x.0 3x.1",
        "observed 6, wrong_fork 4",
    ),
    "of a branch of two that grows for longer than nobody looked": (
        "1 2 3 4",
        f"{ALL} -3.1 -3.0 -2.1 -2.0 2x.0 3x.0 4x.0@4.1 -4x.0 -3x.0 -2x.0 2.0 2.1 3.0 3.1 4.0 4.1",
        "observed 8, unproven 2, wrong_fork 1, removed 7, reemitted 4",
    ),
    "invented": (LONG, "1.0 1.1 5x.0@1.2 2.0 2.1 3.0 3.1 4.0 4.1 5.0 5.1 6.0 6.1", "observed 12, invented 1"),
    "taken back and shown again, without a fork": (
        THREE,
        "1.0 1.1 2.0 2.1 -2.1 2.1 3.0 3.1",
        "observed 7, removed 1, out_of_order 1, back_filled 1",
    ),
    "of a wrong fork, doubled": (THREE, ALL + " 2x.0 2x.0", "observed 6, wrong_fork 1, duplicates 1"),
    "beyond the truth": (THREE, ALL + " 9x.0", "observed 6, unproven 1"),
    "reorg": (FORK, f"{UNTIL_FORK} {BACK} {THEN}", "observed 12, removed 4"),
    "reorg, nothing taken back": (FORK, f"{UNTIL_FORK} {THEN}", "observed 12, unremoved 4"),
    "reorg, taken back in part": (
        FORK,
        f"{UNTIL_FORK} -3.1@4.1 -3.0 {THEN}",
        "observed 12, removed 2, unremoved 2",
    ),
    "reorg, taken back twice": (
        FORK,
        f"{UNTIL_FORK} {BACK} -2.0 {THEN}",
        "observed 12, removed 4, duplicates 1",
    ),
    "reorg, taken back only": (
        FORK,
        f"{UNTIL_FORK} {BACK} 4b.0 4b.1",
        "observed 8, removed 4, missing_unreplaced 4, gaps 2",
    ),
    "reorg hidden": (
        FORK,
        f"{UNTIL_FORK} 4b.0 4b.1",
        "observed 8, unremoved 4, missing_unreplaced 4, gaps 2",
    ),
    "reorg, what was lost is taken back": (
        FORK,
        f"1.0 1.1 2.0 3.0 3.1 {BACK} {THEN}",
        "observed 11, removed 4",
    ),
    "reorg, then an old log again": (
        FORK,
        f"{UNTIL_FORK} {BACK} 2b.0 2b.1 2.0 3b.0 3b.1 4b.0 4b.1",
        "observed 13, removed 4, out_of_order 1, back_filled 1, unremoved 1",
    ),
    "back and forth": (
        "1 2a | 2b | 2a+3a",
        "1.0 1.1 2.0 2.1 -2.1@3.1 -2.0 2b.0 2b.1 -2b.1@4.1 -2b.0 2.0 2.1 3.0 3.1",
        "observed 10, removed 4",
    ),
    "back and forth, unsaid": ("1 2a | 2b | 2a+3a", "1.0 1.1 2.0 2.1 3.0@4.1 3.1", "observed 6"),
    "ended and lost": (
        LONG,
        "1.0 1.1 2.0 2.1 end@2.5 open@4.5 5.0 5.1 6.0 6.1",
        "observed 8, ends_visible 1, resumes 1, missing_forward 4, gaps 2",
    ),
    "ended in a block": (
        THREE,
        "1.0 1.1 2.0 end@2.5 open@2.6 3.0 3.1",
        "observed 5, ends_visible 1, resumes 1, missing_middle 1, gaps 1",
    ),
    "silently dead": (
        LONG,
        "1.0 1.1",
        "observed 2, stalls 1, unresumed 1, dead_at_end 1, missing_tail 10, gaps 5",
    ),
    "never an event": (THREE, "", "missing_tail 6, gaps 3, stalls 1, unresumed 1, dead_at_end 1"),
}


AT_THE_END = "1 2a 3a | 2b+3b 4b 5b | 2a+3a+4a"
THEN_5 = f"{THEN} 5b.0 5b.1"
RETURNED = {
    "nothing taken back": (THEN_5, "observed 14, unremoved 4"),
    "taken back": (f"{BACK} {THEN_5}", "observed 14, removed 4"),
    "taken back in part": (f"-3.1@4.1 -3.0 {THEN_5}", "observed 14, removed 2, unremoved 2"),
    "taken back, and shown again at once": (
        f"{BACK} {THEN_5} -5b.1@7.05 -5b.0 -4b.1 -4b.0 -3b.1 -3b.0 -2b.1 -2b.0 2.0 2.1",
        "observed 16, removed 12",
    ),
}


@pytest.mark.parametrize("name", RETURNED)
def test_a_truth_that_goes_back_just_before_the_end_forgives_nothing_of_the_time_between(name):
    """As when a reorg is healed at the end of a run: too late to be judged, and three seconds went before."""
    stream, found = RETURNED[name]
    assert findings(AT_THE_END, f"{UNTIL_FORK} {stream}", after=0.2) == expected(found)


@pytest.mark.parametrize("lag", [0.0, 0.3], ids=["truth first", "truth later"])
@pytest.mark.parametrize("name", HISTORIES)
def test_history(name, lag):
    truth, stream, found = HISTORIES[name]
    seen = findings(truth, stream, lag)
    assert seen == expected(found)
    assert set(seen) <= set(COUNTS)


def test_blocks_without_logs_owe_nothing():
    empty = {f"{n}a": () for n in range(2, 9)}
    assert findings("1 2 3 4 5 6 7 8 9", "1.0 1.1 9.0 9.1", logs=empty) == expected("observed 4")
    assert findings("1 2 3 4 5 6 7 8", "1.0 1.1", logs=empty) == expected("observed 2")


def test_blocks_whose_logs_nobody_asked_for_prove_nothing():
    unknown = {"2a": None}
    assert findings(THREE, "1.0 1.1 3.0 3.1", logs=unknown) == expected("observed 4, unproven 1")


def test_logs_are_wanted_for_each_announced_block():
    truth = Truth()
    logs = LogTruth(truth)
    assert logs.wanted() == []
    truth.see(1.0, 1, "1a", "0a")
    truth.see(2.0, 2, "2a", "1a")
    logs.see("1a", [3, 1, 3])
    assert (logs.of("1a"), logs.of("2a"), logs.wanted()) == ((1, 3), None, ["2a"])


def test_a_log_that_is_judged_for_good_is_late_ever_after():
    chain = " ".join(map(str, range(1, 80)))
    rest = " ".join(f"{n}.0 {n}.1" for n in range(2, 80))
    late = findings(chain, f"1.0 {rest} 1.1")
    assert late == expected("observed 157, missing_middle 1, gaps 1, out_of_order 1")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([[0.1], [0.1], [], [0.1, 0.6], [1.3]]), min_size=12, max_size=12))
def test_what_was_done_to_the_logs_is_what_is_found(done):
    places = [(n // 2 + 1, n % 2) for n in range(12)]
    events = sorted((places[p][0] + late, p) for p in range(12) for late in done[p])
    text = " ".join(f"{places[p][0]}.{places[p][1]}@{t}" for t, p in events)
    found = findings(LONG, text)
    order = [p for _, p in events]
    firsts = list(dict.fromkeys(order))
    late = sum(p < max(firsts[:n], default=-1) for n, p in enumerate(firsts))
    assert found.get("observed", 0) == len(firsts)
    assert found.get("duplicates", 0) == len(order) - len(firsts)
    assert found.get("out_of_order", 0) == found.get("back_filled", 0) == late
    assert sum(n for name, n in found.items() if name.startswith("missing")) == 12 - len(firsts)
    assert found.get("gaps", 0) == len({p // 2 for p in range(12) if p not in firsts})


@settings(max_examples=80, deadline=None)
@given(chains(with_returns=True), st.sampled_from([0.0, 0.3]), st.booleans())
def test_a_perfect_stream_has_no_finding_whatever_the_chain_does(chain, lag, takes_back):
    said, final = chain
    truth, cells = Truth(), StreamCells()
    logs = LogTruth(truth)
    stream = LogStream("s", logs, cells, Terms(settle=0.5, stall_after=1e9), 0.0)
    stream.opened(0.0)
    steps = [(one.t + lag, 0, one) for one in said] + [(one.t + 0.1, 1, one) for one in said]
    steps += [(n / 4, 2, None) for n in range(70)]
    shown: list[Said] = []
    stale = set()
    for t, kind, one in sorted(steps, key=lambda step: step[:2]):
        if kind == 0:
            truth.see(t, one.number, one.hash, one.parent)
            logs.see(one.hash, (0, 3))
        elif kind == 2 and truth.head is not None:
            truth.see(t, truth.head.number, truth.head.hash, truth.head.parent)
            stream.look(t)
        elif kind == 1:
            while shown and shown[-1].number >= one.number:
                gone = shown.pop()
                stale.add(gone.hash)
                for index in (3, 0) if takes_back else ():
                    stream.log(t, gone.number, gone.hash, index, removed=True)
            shown.append(one)
            stale.discard(one.hash)
            for index in (0, 3):
                stream.log(t, one.number, one.hash, index)
    stream.finish(17.5)
    found = {name for name, n in cells.total().counts.items() if n and name not in UNTOLD}
    if takes_back:
        assert found <= {"observed", "removed"}
        assert cells.total().count("observed") == 2 * len(said)
    else:
        assert cells.total().count("unremoved") == 2 * len(stale - set(final))
        assert found <= {"observed", "unremoved", "duplicates"}
