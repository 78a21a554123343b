"""Recovery time and unavailability, second by second."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battlectl.analyse.faults.figure import Figure
from battlectl.analyse.faults.recovery import recoveries, recovery_time, unavailability
from battlectl.analyse.faults.seconds import judge_seconds, standards
from battlectl.analyse.judge import judge
from battlectl.analyse.objectives import judge_objective
from tests.analyse.faulted import faulted, injection, proven

KILL = injection(name="kill")


def outage(*bad: str, until: int = 40) -> str:
    """Ten arrivals a second, refused in the stretches that are named: `20-24`."""
    told, at = [], 0
    for stretch in bad:
        start, end = map(int, stretch.split("-"))
        told += [f"10*ok@{at}-{start}", f"9*ok@{start}-{end}", f"refused@{start}-{end}"]
        at = end
    return " ".join([*told, f"10*ok@{at}-{until}"])


def judged(objective: str, reads: str, *injections, fit: bool = True, **more):
    faults = injections or (KILL,)
    evidence = faulted(*faults, reads=reads, objectives=[objective], **proven(*faults) | more)
    return judge_objective(evidence.frame.objectives[0], evidence, fit)


@pytest.mark.parametrize(
    ("bad", "harmed", "back", "seconds", "from_heal"),
    [
        ((), None, None, 0.0, 0.0),
        (("20-24",), 20, 24, 4.0, 0.0),
        (("22-24",), 22, 24, 2.0, 0.0),
        (("20-33",), 20, 33, 13.0, 3.0),
        (("20-22", "26-28"), 20, 28, 8.0, 0.0),
        (("20-22", "27-29"), 20, 22, 2.0, 0.0),
        (("5-9",), None, None, 0.0, 0.0),
        (("18-21",), 20, 21, 1.0, 0.0),
    ],
)
def test_from_the_first_bad_second_to_the_first_of_five_good_ones(bad, harmed, back, seconds, from_heal):
    found = recoveries(faulted(KILL, reads=outage(*bad)))[0]
    assert (found.harmed_at, found.back_at, found.time.value) == (harmed, back, seconds)
    assert (found.from_heal, found.did_recover) == (from_heal, True)


def test_not_to_recover_is_a_value():
    found = recoveries(faulted(KILL, reads=outage("20-40")))[0]
    assert (found.did_recover, found.back_at, found.from_heal) == (False, None, None)
    assert (found.time.least, found.time.most) == (20.0, inf)
    assert found.time.words == "did not recover in the 20s that were left (success_rate == 100%)"


@pytest.mark.parametrize(
    ("objective", "bad", "verdict", "summary"),
    [
        ("recovery_time(kill) < 5s", ("20-24",), "pass", "4s (in steps of 1s; from client)"),
        ("recovery_time(kill) < 4s", ("20-24",), "fail", "4s (in steps of 1s; from client)"),
        ("recovery_time(kill) < 5s", (), "pass", "0ms (in steps of 1s; from client)"),
        (
            "recovery_time(kill) < 5s",
            ("20-40",),
            "fail",
            "at least 20s (did not recover in the 20s that were left (success_rate == 100%); from client)",
        ),
        (
            "recovery_time(kill) < 30s",
            ("20-40",),
            "inconclusive",
            "at least 20s (did not recover in the 20s that were left (success_rate == 100%); from client): "
            "too little to judge",
        ),
        (
            "recovery_time(kill) < 18s",
            ("20-37",),
            "inconclusive",
            "at least 17s (not seen to recover: fewer than 5s in a row were surely good in the 20s left; "
            "from client): too little to judge",
        ),
        ("unavailability(kill) <= 4s", ("20-22", "31-33"), "pass", "4s (in steps of 1s; from client)"),
        ("unavailability(kill) <= 3s", ("20-22", "31-33"), "fail", "4s (in steps of 1s; from client)"),
        ("unavailability(kill) <= 3s", ("2-9",), "pass", "0ms (in steps of 1s; from client)"),
    ],
)
def test_objectives(objective, bad, verdict, summary):
    found = judged(objective, outage(*bad))
    assert (found.verdict, found.summary) == (verdict, summary)


def test_good_is_what_the_objectives_allow():
    promises = ["success_rate >= 90%", "latency.p95 < 100ms", "latency.p95 < 9s in during:kill"]
    slow = "30*ok@0-20 30*ok/200@20-23 30*ok@23-40"
    evidence = faulted(KILL, reads=f"{slow} refused@24-30", objectives=promises)
    assert [o.text for o in standards(evidence.frame)] == promises[:2]
    assert recovery_time(evidence, "kill", True).value == 3.0
    assert unavailability(evidence, "kill", True).value == 3.0


@pytest.mark.parametrize(
    ("second", "was_good", "may_be_good"),
    [
        ("19*ok/50", True, True),
        ("18*ok/50@{} ok/200", False, True),
        ("19*ok/200", False, False),
        ("ok/200", False, True),
        ("20*refused/1", False, True),
    ],
)
def test_a_percentile_of_too_few_samples_leaves_a_second_open(second, was_good, may_be_good):
    reads = " ".join(f"{second.format(t)}@{t}" for t in range(40))
    found = judge_seconds(faulted(KILL, reads=reads, objectives=["latency.p95 < 100ms"]), True)
    assert {(s.was_good, s.may_be_good) for s in found} == {(was_good, may_be_good)}


@pytest.mark.parametrize(
    ("stays", "verdict"),
    [("10*ok/4000", "fail"), ("ok/4000", "inconclusive"), ("10*refused/1", "inconclusive")],
)
def test_what_stays_broken_is_not_recovered_where_a_second_has_few_answers(stays, verdict):
    promises = ["latency.p95 < 300ms in steady", "recovery_time(kill) < 5s"]
    evidence = faulted(KILL, reads=f"10*ok@0-20 {stays}@20-40", objectives=promises, **proven(KILL))
    judgement = judge(evidence)
    assert [finding.verdict for finding in judgement.objectives] == ["pass", verdict]
    assert judgement.verdict == verdict
    assert ("not seen to recover" in judgement.objectives[1].summary) == (verdict == "inconclusive")


def test_a_percentile_that_several_calls_leave_open_counts_as_both():
    mixed = "30*ok@0-20 30*ok/200@20-23 30*b:ok@20-23 30*ok@23-40"
    evidence = faulted(KILL, reads=mixed, objectives=["latency.p95 < 100ms"])
    assert recovery_time(evidence, "kill", True) == Figure(0.0, 3.0, 20, "client", "in steps of 1s")
    assert judged("recovery_time(kill) < 5s", mixed).verdict == "pass"


def test_the_longest_of_repeats_counts_and_each_can_be_named():
    twice = (
        injection(name="kill#1", at=10.0, until=15.0, repeat_of="kill"),
        injection(name="kill#2", at=25.0, until=30.0, repeat_of="kill"),
    )
    reads = outage("10-12", "25-31")
    assert judged("recovery_time(kill) <= 6s", reads, *twice).measured == 6.0
    assert judged("recovery_time(kill#1) <= 2s", reads, *twice).verdict == "pass"
    assert judged("unavailability(kill) <= 8s", reads, *twice).measured == 8.0


def test_harm_belongs_to_a_fault_until_the_next_begins():
    two = (injection(name="one", at=10.0, until=12.0), injection(name="two", at=14.0, until=16.0))
    found = recoveries(faulted(*two, reads=outage("10-18")))
    assert [(r.harmed_at, r.back_at, r.seen_until) for r in found] == [(10, None, 14), (14, 18, 40)]


def test_overlapping_faults_share_the_harm():
    two = (injection(name="one", at=10.0, until=20.0), injection(name="two", at=15.0, until=25.0))
    found = recoveries(faulted(*two, reads=outage("12-22")))
    assert [(r.harmed_at, r.back_at) for r in found] == [(12, 22), (15, 22)]


def test_a_fault_at_time_zero_and_one_to_the_end():
    assert recoveries(faulted(injection(at=0.0, until=10.0), reads=outage("0-3")))[0].time.value == 3.0
    whole = recoveries(faulted(injection(at=0.0, until=40.0), reads=outage("0-40")))[0]
    assert (whole.time.least, whole.did_recover) == (40.0, False)


def test_seconds_without_arrivals_prove_no_recovery():
    thin = "10*ok@0-20 refused@20 ok@26 ok@32 ok@38"
    found = judged("recovery_time(kill) < 10s", thin)
    assert found.verdict == "inconclusive"
    assert judged("unavailability(kill) < 10s", thin).verdict == "inconclusive"


def test_our_own_failures_are_not_the_targets():
    dropped = "10*ok@0-20 8*ok@20-30 2*dropped@20-30 10*ok@30-40"
    assert judged("recovery_time(kill) < 5s", dropped, fit=False).verdict == "inconclusive"
    assert judged("recovery_time(kill) < 5s", f"{dropped} refused@20-30", fit=False).verdict == "fail"


def test_nothing_is_kept_under_a_fault_that_did_nothing():
    ignored = {"probes": "new:ok@19 new:ok@20.2-30 new:ok@30.2", "counts": "a:10@0-40 b:10@0-40"}
    found = judged("recovery_time(kill) < 5s", outage(), **ignored)
    assert found.verdict == "inconclusive"
    assert "but kill at a is mismatch: had no effect" in found.summary
    assert judged("unavailability(kill) < 5s", outage(), deeds="").verdict == "inconclusive"
    assert judged("recovery_time(kill) < 5s", outage("20-30"), **ignored).verdict == "fail"


def test_a_run_that_was_cut_short_does_not_pass():
    cut = {"how": "interrupted", "ended_at": 28.0}
    found = judged("recovery_time(kill) < 5s", outage("20-22", until=28), **cut)
    assert (found.verdict, found.summary.endswith("but the run was cut short")) == ("inconclusive", True)
    assert judged("recovery_time(kill) < 5s", outage("20-27", until=28), **cut).verdict == "fail"


OBJECTIVES = ("recovery_time(kill) < 5s", "recovery_time(kill) < 12s", "unavailability(kill) <= 3s")
BETTER = {"fail": 0, "inconclusive": 1, "pass": 2}
seconds = st.lists(st.integers(18, 39), max_size=12, unique=True)


@settings(deadline=None, max_examples=120)
@given(st.sampled_from(OBJECTIVES), seconds, st.integers(20, 39), st.booleans())
def test_adding_a_failure_never_improves_a_verdict(objective, bad, more, fit):
    reads = "10*ok@0-40 " + " ".join(f"refused@{second}" for second in bad)
    before, after = judged(objective, reads, fit=fit), judged(objective, f"{reads} refused@{more}", fit=fit)
    assert BETTER[after.verdict.value] <= BETTER[before.verdict.value]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_without_data_there_is_no_verdict(objective):
    found = judged(objective, "")
    assert found.verdict == "inconclusive"
    assert found.summary.startswith("not observable: nothing was due")
    assert judge(faulted(KILL, reads="", objectives=[objective])).verdict == "inconclusive"
