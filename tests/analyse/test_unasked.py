"""What came over a WebSocket and answered nothing is no silent pass."""

from __future__ import annotations

import pytest

from battlectl.analyse.checks.continuity import check_continuity
from battlectl.analyse.checks.replies import check_replies
from battlectl.analyse.evidence import Evidence
from battlectl.observe.consistency import Count, Fact, Seen
from battlectl.observe.tally import Delta
from battlectl.observe.unasked import FAULTS, HARMLESS, shown
from tests.analyse.histories import evidence_of
from tests.analyse.streamed import BATTLE, STEADY, WARMUP, ends, good, streamed

FINE = {WARMUP: ends(), STEADY: good(30), BATTLE: good(30)}
CHECKS = {
    "replies": (check_replies, lambda: evidence_of("99*ok@6")),
    "continuity": (check_continuity, lambda: streamed(FINE)),
}


def with_unasked(evidence: Evidence, check: str, kind: str) -> Evidence:
    """Two of them, seen by two workloads."""
    early, late = Seen(7.0, "", 1.0, '{"id": 7}'), Seen(9.0, "", 1.0, "{}")
    facts = {
        Fact(check, kind, "one", 2): Count(1, late, late),
        Fact(check, kind, "two", 1): Count(1, early, early),
    }
    evidence.tally.merge(Delta(facts=facts))
    return evidence


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_fails_its_check_and_is_shown(check, kind):
    judge, make = CHECKS[check]
    found = judge(with_unasked(make(), check, kind))
    assert found.verdict.value == "fail"
    assert found.summary == f'nobody asked for 2 {FAULTS[kind]} (first at 7.00s: {{"id": 7}})'
    assert found.first is not None
    assert found.first.seen == '{"id": 7}'


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("kind", HARMLESS)
def test_what_is_harmless_does_not(check, kind):
    judge, make = CHECKS[check]
    found = judge(with_unasked(make(), check, kind))
    assert found.verdict.value == "pass"


def test_late_replies_are_told_beside():
    found = check_replies(with_unasked(evidence_of("99*ok@6"), "replies", "late reply"))
    assert "; besides 2 replies after their deadline" in found.summary


@pytest.mark.parametrize("kind", FAULTS)
def test_each_check_has_its_own(kind):
    assert check_replies(with_unasked(evidence_of("9*ok@6"), "continuity", kind)).verdict.value == "pass"
    assert check_continuity(with_unasked(streamed(FINE), "replies", kind)).verdict.value == "pass"


def test_a_target_that_answers_others_only_is_no_target_that_said_nothing():
    found = check_replies(with_unasked(evidence_of("9*timeout/5000@6"), "replies", "reply to nothing"))
    assert found.verdict.value == "fail"


def test_they_are_told_beside_what_else_is_wrong():
    found = check_replies(with_unasked(evidence_of("9*ok@6 malformed@7"), "replies", "second reply"))
    assert found.summary.startswith("1 of 10 replies were malformed or wrong; nobody asked for 2 second")
    cells = {**FINE, BATTLE: good(30, duplicates=2)}
    found = check_continuity(with_unasked(streamed(cells), "continuity", "not subscribed"))
    assert "2 doubled; nobody asked for 2 notifications of unknown subscriptions" in found.summary


def test_only_the_beginning_of_a_long_message_is_shown():
    assert shown(b"x" * 1000) == "x" * 160 + "..."
    assert shown(b"\xff") == "\ufffd"
