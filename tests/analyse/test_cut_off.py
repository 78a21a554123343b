"""What the timeout cuts off, and what nothing measures, is no evidence for a pass."""

from __future__ import annotations

from dataclasses import replace

import pytest

from battlectl.analyse.checks.accounting import check_accounting
from tests.analyse.histories import evidence_of, judged, verdict, whole

MOSTLY_LATE = "5*ok/10@6 95*timeout/5000@7"


@pytest.mark.parametrize("objective", ["latency.p99 <= 5s", "latency.p99 < 8s", "latency.max < 9s"])
def test_an_upper_bound_beyond_the_timeout_is_never_a_pass(objective):
    found = judged(objective, MOSTLY_LATE)
    assert found.verdict == "inconclusive"
    assert "at least 5s" in found.summary


def test_below_the_timeout_it_is_judged():
    assert verdict("latency.p99 < 900ms", MOSTLY_LATE) == "fail"
    assert verdict("latency.p50 < 900ms", "95*ok/10@6 5*timeout/5000@7") == "pass"


def test_a_check_that_nothing_runs_is_never_a_pass():
    assert whole("100*ok@6", "success_rate >= 99%", checks={"telemetry": "fail"}) == "inconclusive"


def test_a_run_without_a_single_reply_is_never_a_pass():
    assert whole("100*refused@6", "outcomes.timeout == 0") == "inconclusive"


def test_a_plan_too_long_to_be_counted_again_says_so():
    evidence = evidence_of("100*ok@6")
    frame = replace(
        evidence.frame, workloads=tuple(replace(w, arrivals=None) for w in evidence.frame.workloads)
    )
    assert "too long to count: reads" in check_accounting(replace(evidence, frame=frame)).summary
    assert "too long" not in check_accounting(evidence).summary
