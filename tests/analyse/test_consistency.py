"""What facts come to: adverse, excused, or nothing proven; a note where nobody asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from battlectl.analyse.judge import judge
from battlectl.observe.consistency import Book, Seen
from tests.analyse.histories import evidence_of

RIGHT = "success_rate >= 99%"
RAISED = dict.fromkeys(("head", "chain", "consistency", "errors"), "fail")


def judged(facts, checks=None, twin=False):
    """Check -> (verdict, what it weighs, summary); `facts` are (check, kind, number, subject, words)."""
    evidence = evidence_of("100*ok@6", objectives=[RIGHT])
    frame = replace(evidence.frame, checks=checks or {})
    if twin:
        first = frame.workloads[0]
        frame = replace(frame, workloads=(first, replace(first, name="x-other", arrivals=None, twin_of="x")))
    book = Book(frame.cuts)
    for check, kind, number, *rest in facts:
        subject, words = (*rest, "", "")[:2]
        seen = Seen(6.0, "provider_b", 1.0, words) if words else None
        book.add(6.0, check, kind, subject, seen, number)
    evidence.tally.facts.update(book.take())
    findings = judge(replace(evidence, frame=frame)).findings
    return {one.name: (one.verdict.value, one.weighs.value, one.summary) for one in findings}


def test_without_facts_the_checks_are_absent_unless_they_were_raised():
    assert not set(RAISED) & set(judged([]))
    found = judged([], RAISED)
    assert {found[name][:2] for name in RAISED} == {("inconclusive", "inconclusive")}


HEADS = ("head", "replies", 50, "reads")
WATCHED = ("head", "watched", 1)
ASKED = [("watch", "planned", 10), ("watch", "rounds", 9)]
DEAF = [("watch", "asked", 9), ("watch", "unanswered", 9, "(watch)", "eth_chainId: status 404")]
TABLE = [
    ("head", [HEADS, WATCHED, ("head", "compared", 49)], "pass", "no lower than those told before"),
    ("head", [HEADS, WATCHED, ("head", "compared", 24)], "inconclusive", "only 24 of 50 heads"),
    ("head", [HEADS, WATCHED, ("head", "compared", 24), ("head", "back", 1)], "fail", "1 went back"),
    ("head", [HEADS], "pass", "nobody compared"),
    ("head", [HEADS, ("head", "(other)", 2, "(other)")], "inconclusive", "2 facts were too many"),
    ("head", [HEADS, ("head", "back", 2, "reads", "head 4 after 5")], "fail", "2 went back for one client"),
    ("head", [HEADS, ("head", "ahead", 1)], "fail", "1 ran ahead"),
    ("head", [HEADS, ("head", "behind", 1)], "fail", "1 stayed behind"),
    ("head", [HEADS, ("head", "unsettled", 1)], "inconclusive", "nobody can tell"),
    ("head", [HEADS, ("head", "back_unwatched", 1)], "inconclusive", "nobody can tell"),
    ("head", [HEADS, ("head", "after_reorg", 3)], "pass", "3 after a reorg"),
    ("chain", [*ASKED, ("chain", "known", 1), ("chain", "right", 9)], "pass", "was the right one"),
    ("chain", [*ASKED, ("chain", "right", 9)], "pass", "which is right was not known"),
    ("chain", [("chain", "right", 8), ("chain", "wrong", 1)], "fail", "1 of another chain"),
    ("chain", [*ASKED, ("chain", "right", 8), ("chain", "not_noticed_yet", 2)], "pass", "2 more just after"),
    ("chain", [("chain", "not_noticed_yet", 2)], "inconclusive", "just after a fault"),
    (
        "chain",
        [("watch", "planned", 10), ("watch", "rounds", 3), ("chain", "right", 3)],
        "inconclusive",
        "only 3",
    ),
    (
        "consistency",
        [*ASKED, *[("consistency", k, 9) for k in ("looks", "whole", "with_logs")]],
        "pass",
        "9 with logs",
    ),
    (
        "consistency",
        [("consistency", "looks", 9), ("consistency", "whole", 2)],
        "inconclusive",
        "only 2 of 9",
    ),
    (
        "consistency",
        [*ASKED, *[("consistency", k, 9) for k in ("looks", "whole")], ("consistency", "unsettled", 1)],
        "inconclusive",
        "the chain was not read",
    ),
    ("consistency", [("consistency", "looks", 9), ("consistency", "logs", 1)], "fail", "without logs"),
    (
        "consistency",
        [*ASKED, *DEAF],
        "inconclusive",
        "none of 9 questions beside the load was answered (first at",
    ),
    ("consistency", [*ASKED, *DEAF, ("watch", "asked", 1)], "inconclusive", "nobody looked at any block"),
    ("chain", [*ASKED, *DEAF], "inconclusive", "provider_b: eth_chainId: status 404"),
    ("consistency", [("consistency", "looks", 9), ("consistency", "denied", 1)], "fail", "not there"),
    ("errors", [("errors", "errors", 4), ("error shapes", "s1", 4, "code 3")], "pass", "code 3 4 times"),
    (
        "errors",
        [("errors", "errors", 1), ("error shapes", "s1", 1, "code 3")],
        "inconclusive",
        "nothing to compare",
    ),
    (
        "errors",
        [
            ("errors", "errors", 4),
            ("error shapes", "s1", 3, "code 3", "s1"),
            ("error shapes", "s2", 1, "code 3", "s2"),
        ],
        "fail",
        "code 3 came in 2 shapes",
    ),
    (
        "errors",
        [("errors", "errors", 4), ("errors", "leak", 1, "reads", "a key of provider_a")],
        "fail",
        "a key of",
    ),
    (
        "errors",
        [
            ("errors", "errors", 9),
            ("error shapes", "s1", 4, "code 3"),
            ("error shapes", "(other)", 5, "(other)"),
        ],
        "inconclusive",
        "5 of 9 errors were of too many kinds",
    ),
    ("errors", [("errors", "errors", 4), ("errors", "bare", 1)], "fail", "no JSON-RPC error"),
    ("errors", [("errors", "errors", 4), ("errors", "alarm", 1)], "fail", "failure of the server"),
    ("errors", [("errors", "errors", 4), ("errors", "recoded", 1)], "fail", "another code"),
]


@pytest.mark.parametrize(("check", "facts", "verdict", "words"), TABLE)
def test_what_facts_come_to(check, facts, verdict, words):
    found = judged(facts, RAISED)[check]
    assert found[0] == verdict, found
    assert words in found[2]


@pytest.mark.parametrize(("check", "facts", "verdict", "words"), TABLE)
def test_nothing_of_it_weighs_where_nobody_asked(check, facts, verdict, words):
    found = judged(facts).get(check)
    assert found is None or found[1] == "pass"


@pytest.mark.parametrize("check", ["head", "consistency"])
def test_what_looks_wrong_and_nobody_can_tell_is_a_note(check):
    facts = [*ASKED, HEADS, ("consistency", "looks", 9), ("consistency", "whole", 9), (check, "unsettled", 2)]
    found = judged(facts)[check]
    assert found[:2] == ("inconclusive", "pass")
    assert found[2].startswith("2 ")


def test_a_step_back_that_nobody_watched_is_a_note():
    found = judged([HEADS, ("head", "back_unwatched", 1)])["head"]
    assert found[:2] == ("fail", "pass")
    assert "nobody looked whether the chain did" in found[2]


def test_a_difference_that_nobody_watched_is_a_note():
    facts = [("equality", "equal", 9, "x"), ("equality", "unwatched", 1, "x")]
    found = judged(facts, twin=True)["equality"]
    assert found[:2] == ("fail", "pass")
    assert "1 are not equal (nobody looked whether the chain turned)" in found[2]


@pytest.mark.parametrize(
    ("facts", "verdict", "words"),
    [
        ([("equality", "equal", 9, "x")], "pass", "each of 9 pairs is equal"),
        ([("equality", "equal", 9, "x"), ("equality", "different", 1, "x", "w")], "fail", "1 are not equal"),
        ([("equality", "equal", 9, "x"), ("equality", "unwatched", 1, "x")], "inconclusive", "9 of 10"),
        (
            [("equality", "equal", 2, "x"), ("equality", "unanswered", 9, "x")],
            "inconclusive",
            "2 of 11 pairs",
        ),
        ([("equality", "equal", 9, "x"), ("equality", "unsettled", 1, "x")], "inconclusive", "9 of 10"),
        ([("equality", "equal", 9, "x"), ("equality", "after_reorg", 1, "x")], "pass", "1 differ by a reorg"),
        ([], "inconclusive", "0 of 0 pairs"),
    ],
)
def test_pairs_are_judged_where_the_scenario_has_some(facts, verdict, words):
    found = judged(facts, {"equality": "fail"}, twin=True)["equality"]
    assert found[0] == verdict
    assert words in found[2]
    assert "equality" not in judged(facts)
