"""The judgement of a run: objectives and checks, merged; and what never passes."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest

from battlectl.analyse import judge as judge_module
from battlectl.analyse.judge import judge
from battlectl.analyse.verdict import Finding, Verdict, at_level, merge_verdicts
from battlectl.errors import ExitCode, worst_exit
from tests.analyse.histories import evidence_of, whole

PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE
RIGHT = "success_rate >= 99%"


@pytest.mark.parametrize(
    ("several", "one"),
    [
        ([], INCONCLUSIVE),
        ([PASS], PASS),
        ([PASS, PASS], PASS),
        ([PASS, INCONCLUSIVE], INCONCLUSIVE),
        ([INCONCLUSIVE, FAIL, PASS], FAIL),
        ([PASS, FAIL], FAIL),
    ],
)
def test_fail_over_inconclusive_over_pass(several, one):
    assert merge_verdicts(several) is one


@pytest.mark.parametrize(
    ("verdict", "level", "weighs"),
    [
        (PASS, "fail", PASS),
        (PASS, "note", PASS),
        (FAIL, "fail", FAIL),
        (FAIL, "inconclusive", INCONCLUSIVE),
        (FAIL, "note", PASS),
        (INCONCLUSIVE, "fail", INCONCLUSIVE),
        (INCONCLUSIVE, "inconclusive", INCONCLUSIVE),
        (INCONCLUSIVE, "note", PASS),
    ],
)
def test_what_a_finding_weighs_at_its_level(verdict, level, weighs):
    assert at_level(Finding("check", "c", verdict, ""), level).weighs is weighs


def test_a_run_that_keeps_its_promises_passes():
    assert whole("100*ok@6", RIGHT) == "pass"


def test_without_objectives_nothing_is_proven():
    assert whole("100*ok@6") == "inconclusive"


def test_objectives_that_match_no_arrival_prove_nothing():
    assert whole("100*ok@6", "success_rate(nobody) >= 99%") == "inconclusive"
    assert whole("100*ok@6", f"{RIGHT} in warmup") == "inconclusive"


def test_one_failed_objective_outweighs_all_that_passed():
    assert whole("99*ok@6 refused@6", "success_rate >= 90%", "failures == 0", "total >= 1") == "fail"


def findings(reads: str, **more: object) -> dict[str, Finding]:
    judgement = judge(evidence_of(reads, objectives=[RIGHT], **more))
    return {finding.name: finding for finding in judgement.checks}


class TestAccounting:
    def test_agrees(self):
        found = findings("98*ok@6 dropped@6 abandoned@7")["accounting"]
        assert (found.verdict, found.samples) == (PASS, 100)

    def test_an_arrival_without_an_outcome_makes_every_figure_doubtful(self):
        found = findings("100*ok@6", unended=1)["accounting"]
        assert found.verdict is FAIL
        assert found.summary.startswith("reads: 101 arrivals were issued and 100 ended")
        assert whole("100*ok@6", RIGHT, unended=1) == "inconclusive"

    def test_a_completed_run_must_have_taken_every_planned_arrival(self):
        evidence = evidence_of("100*ok@6", objectives=[RIGHT])
        planned = replace(evidence.frame.workloads[0], arrivals=101)
        short = replace(evidence, frame=replace(evidence.frame, workloads=(planned,)))
        assert judge(short).verdict is INCONCLUSIVE
        assert "101 arrivals were planned and 100 issued" in judge(short).checks[0].summary

    def test_cannot_be_lowered_to_a_note(self):
        assert whole("100*ok@6", RIGHT, unended=1, checks={"accounting": "note"}) == "inconclusive"

    def test_can_be_raised(self):
        assert whole("100*ok@6", RIGHT, unended=1, checks={"accounting": "fail"}) == "fail"


class TestGenerator:
    def test_drops_make_it_the_bottleneck(self):
        found = findings("999*ok@6 dropped@6")["generator"]
        assert found.verdict is INCONCLUSIVE
        assert "1 of 1,000 arrivals were dropped" in found.summary
        assert whole("999*ok@6 dropped@6", RIGHT) == "inconclusive"

    @pytest.mark.parametrize(("lag", "verdict"), [(0.009, PASS), (0.011, INCONCLUSIVE)])
    def test_its_lag_at_p99_makes_it_the_bottleneck(self, lag, verdict):
        assert findings("100*ok/50@6", lag=lag)["generator"].verdict is verdict

    def test_the_limit_of_lag_is_the_scenarios(self):
        generous = findings("100*ok/50@6", lag=0.011, generator={"max_lag": "20ms"})
        assert generous["generator"].verdict is PASS

    @pytest.mark.parametrize(("busy", "verdict"), [(2, PASS), (3, INCONCLUSIVE)])
    def test_a_processor_used_up_in_most_seconds_makes_it_the_bottleneck(self, busy, verdict):
        health = [{"cpu_ratio": 0.3}] * (10 - busy) + [{"cpu_ratio": 0.99}] * busy
        assert findings("100*ok@6", health=health)["generator"].verdict is verdict

    def test_shows_its_longest_stall(self):
        found = findings("100*ok@6", health=[{"stall_ms": 3.0}, {"stall_ms": 120.0}])["generator"]
        assert found.summary == "lag p99 0ms, longest stall 120ms"

    def test_that_sent_nothing_is_not_known_to_be_fit(self):
        assert findings("")["generator"].verdict is INCONCLUSIVE


class TestReplies:
    @pytest.mark.parametrize("bad", ["malformed", "wrong", "too_large"])
    def test_a_reply_that_is_none_is_noted(self, bad):
        found = findings(f"999*ok@6 {bad}/30@7 {bad}/90@8")["replies"]
        assert (found.verdict, found.level) == (FAIL, "note")
        assert (found.first.due_s, found.worst.due_s) == (7.0, 8.0)
        assert whole(f"999*ok@6 {bad}@7", RIGHT) == "pass"

    def test_a_scenario_may_raise_it(self):
        assert whole("999*ok@6 wrong@7", RIGHT, checks={"replies": "fail"}) == "fail"
        assert whole("999*ok@6 wrong@7", RIGHT, checks={"replies": "inconclusive"}) == "inconclusive"

    @pytest.mark.parametrize("fair", ["rpc_error(3)", "http_error(502)", "timeout", "refused"])
    def test_an_honest_failure_is_no_bad_reply(self, fair):
        assert findings(f"999*ok@6 {fair}@7")["replies"].verdict is PASS

    def test_the_warm_up_counts_too(self):
        assert findings("999*ok@6 wrong@1")["replies"].verdict is FAIL


def test_a_check_that_crashes_is_inconclusive_with_its_error(monkeypatch):
    def crash(_evidence):
        raise ZeroDivisionError("by nought")

    checks = {**judge_module.CHECKS, "replies": (crash, "note")}
    monkeypatch.setattr(judge_module, "CHECKS", checks)
    judgement = judge(evidence_of("100*ok@6", objectives=[RIGHT]))
    assert judgement.verdict is INCONCLUSIVE
    (crashed,) = (f for f in judgement.checks if f.name == "replies")
    assert crashed.summary == "crashed: ZeroDivisionError: by nought"


def test_an_objective_that_crashes_is_inconclusive_with_its_error(monkeypatch):
    def crash(*_args):
        raise KeyError("no such thing")

    monkeypatch.setattr(judge_module, "judge_objective", crash)
    judgement = judge(evidence_of("100*ok@6", objectives=[RIGHT]))
    assert judgement.verdict is INCONCLUSIVE
    assert judgement.objectives[0].summary == "crashed: KeyError: 'no such thing'"


def test_no_exit_code_stands_for_nothing_run():
    assert worst_exit([]) is ExitCode.INCONCLUSIVE


def test_the_order_of_exit_codes_is_the_documented_one():
    """Where several apply: 6, 1, 130/143, 5, 4, 99, 3, 0; bad usage stops before any of the later."""
    order = [6, 1, 130, 143, 5, 4, 2, 99, 3, 0]
    for better, worse in combinations(reversed(order), 2):
        assert worst_exit([ExitCode(better), ExitCode(worse)]) == worse
