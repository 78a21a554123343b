"""Attempts under a fault, and what they say of a breaker that was promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battlectl.analyse.breakers.attempts import Step, failed_attempts
from battlectl.analyse.breakers.promises import points_of
from battlectl.analyse.breakers.spells import spells_of
from battlectl.analyse.checks.breaker import check_breaker
from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.known import know
from battlectl.observe.faults import Campaign, Count, Probe
from battlectl.observe.telemetry import Reading, Telemetry, Told
from battlectl.plan.injection import Injection
from battlectl.plan.routing import BreakerFrame
from tests.analyse.faulted import faulted, injection

FAILING = injection("http_5xx", 20.0, 40.0, name="failing", methods=["a"])
PROMISED = BreakerFrame(failures=5, recovery=4.0, half_open=1, successes=2)
SOUND = [*(20.15 + 0.1 * n for n in range(5)), 24.7, 28.8, 32.9, 37.0]
"""Five in a row, then one every four seconds."""
PROBES = [20.3, 20.55, 21.1, 22.1, 23.1, 24.1, 25.1]
READS = "20*a:ok@0-20 20*a:ok@20-40"


def under(
    attempts: Sequence[float],
    *faults: Injection,
    probes: Sequence[float] = PROBES,
    promised: BreakerFrame | None = PROMISED,
    more_deeds: str = "",
    routing: dict[str, Any] | None = None,
    own: float = 0.0,
    every: float = 0.1,
    late: float = 0.0,
    **more: Any,
) -> Evidence:
    """Load calls at a, ten a second until the fault and at these times under it; `late` is how much later the
    counters are dated than they were read."""
    fault, *others = faults or (FAILING,)
    deeds = f"{fault.name}|a/inject@20-20.1 {fault.name}|a/heal@40-40.1 {more_deeds}"
    load = {"reads": {"rate": "1/s", "calls": ["a"], **({"routing": routing} if routing else {})}}
    evidence = faulted(fault, *others, deeds=deeds, reads=READS, load=load, **more)
    counts = []
    for look in range(int(42 / every)):
        t = look * every
        before = int(10 * min(t, 20.0))
        ours, load = sum(p + 0.004 <= t for p in probes), sum(a <= t for a in attempts)
        health = int(own * t)
        hits = {fault.name: ours + load} if 20.1 <= t < 40 else {}
        counts.append(Count(t + late, "a", 1, 1, before + load + ours + health, ours, hits))
        counts.append(Count(t + late, "b", 1, 1, int(10 * t) + health, 0, {}))
    asked = tuple(Probe(t, "a", "new", "http_error(503)", 0.01) for t in probes)
    campaign = Campaign("toxiproxy", evidence.campaign.deeds, asked, tuple(counts))
    return replace(evidence, campaign=campaign, frame=replace(evidence.frame, breaker=promised))


def told(evidence: Evidence) -> dict[str, bool | None]:
    return {point.promise: point.holds for point in points_of(know(evidence))}


def test_a_sound_breaker_keeps_all_that_can_be_seen():
    assert told(under(SOUND)) == {
        "trips": True,
        "failures": True,
        "recovery": True,
        "half_open": None,
        "successes": None,
    }
    finding = check_breaker(under(SOUND))
    assert finding.verdict.value == "pass"
    assert (
        "a under failing: failures: it was left alone after 5 failed attempts, 5 promised" in finding.summary
    )
    assert finding.summary.endswith("not shown by any fault here: half_open, successes")


@pytest.mark.parametrize("late", [0.0, 0.03, 0.09])
@pytest.mark.parametrize("every", [0.05, 0.1, 0.15])
def test_looks_that_are_dated_late_or_are_rare_accuse_nobody(late, every):
    assert False not in told(under(SOUND, late=late, every=every)).values()


class TestFailures:
    @pytest.mark.parametrize(("failed", "holds"), [(1, False), (4, False), (5, True), (7, True), (9, False)])
    def test_it_opens_after_so_many_and_not_before(self, failed, holds):
        times = [20.15 + 0.05 * n for n in range(failed)]
        assert told(under([*times, 25.0, 29.0, 33.0, 37.0]))["failures"] is holds

    def test_who_is_slow_to_fail_may_be_asked_more_often(self):
        hang = injection("hang", 20.0, 40.0, name="hang", methods=["a"])
        waiting = [20.15 + 0.1 * n for n in range(20)]
        times = [*waiting, 26.5, 31.0, 36.0]
        assert told(under(times, hang, routing={"strategy": "priority"}))["failures"] is True
        assert told(under(times, hang)) == {"trips": None}  # Nobody may want to wait there, breaker or not.

    def test_who_makes_wait_and_is_asked_all_the_same_is_told(self):
        hang = injection("hang", 20.0, 40.0, name="hang", methods=["a"])
        assert told(under(GOING_ON, hang)) == {"trips": False}

    def test_one_that_never_opens_is_told(self):
        finding = check_breaker(under(GOING_ON))
        assert finding.verdict.value == "fail"
        assert "trips: it was never left alone" in finding.summary

    def test_a_fault_that_met_nothing_says_nothing(self):
        assert told(under([])) == {"trips": None}


class TestRest:
    def test_one_that_is_too_short_is_told_with_its_time(self):
        short = [*SOUND[:5], 22.6, 24.7, 26.8, 28.9]
        finding = check_breaker(under(short))
        assert finding.verdict.value == "fail"
        assert "recovery: it was asked again after" in finding.summary
        assert "at 22.5s, and 4s are promised" in finding.summary

    def test_one_that_grows_is_long_enough(self):
        assert told(under([*SOUND[:5], 24.7, 33.0]))["recovery"] is True

    def test_rests_that_are_too_short_to_be_seen_let_too_many_in(self):
        finding = check_breaker(under([*SOUND[:5], *(20.8 + 0.4 * n for n in range(47))]))
        assert finding.verdict.value == "fail"
        assert "recovery: at least 52 attempts failed in 19.9s, and at most 13 may" in finding.summary

    def test_little_less_than_promised_may_be_the_grain(self):
        assert told(under([*SOUND[:5], 24.55, 28.5, 32.4], every=0.2))["recovery"] is not False


class TestHalfOpen:
    def test_a_flood_is_told(self):
        flood = [*SOUND[:5], *(24.7 + 0.02 * n for n in range(6)), 28.9, 33.0]
        finding = check_breaker(under(flood))
        assert finding.verdict.value == "fail"
        assert "half_open: it let 6 attempts through" in finding.summary

    def test_without_a_trial_nothing_is_known(self):
        assert told(under(SOUND[:5]))["half_open"] is None

    def test_more_than_one_may_be_promised(self):
        three = [*SOUND[:5], 24.70, 24.71, 24.72, 28.9]
        hang = injection("hang", 20.0, 40.0, name="hang", methods=["a"])
        heedless = {"routing": {"strategy": "priority"}}
        promised = replace(PROMISED, half_open=3)
        assert told(under(three, hang, promised=promised, **heedless))["half_open"] is True
        assert told(under(three, hang, **heedless))["half_open"] is False


GOING_ON = [20.15 + 0.1 * n for n in range(198)]


class TestWhatIsNoFailure:
    REVERT = injection("revert", 20.0, 40.0, name="revert", methods=["a"], code=3)
    PARAMS = injection("rpc_error", 20.0, 40.0, name="params", code=-32602, methods=["a"])
    LIMIT = injection("http_429", 20.0, 40.0, name="limit", retry_after_s=1, methods=["a"])

    @pytest.mark.parametrize("fault", [REVERT, PARAMS, LIMIT], ids=lambda fault: fault.name)
    def test_who_is_asked_on_has_not_tripped(self, fault):
        assert told(under(GOING_ON, fault)) == {"does not trip": True}

    @pytest.mark.parametrize("fault", [REVERT, PARAMS], ids=lambda fault: fault.name)
    def test_who_is_left_alone_has(self, fault):
        finding = check_breaker(under(SOUND, fault))
        assert finding.verdict.value == "fail"
        assert "does not trip: it was left alone at" in finding.summary

    @pytest.mark.parametrize(
        ("opens", "holds"), [(22.0, False), (10.0, True), (0.0, True)], ids=["under it", "before", "ever"]
    )
    def test_it_is_told_open_under_the_fault_and_closed_before(self, opens, holds):
        readings = tuple(
            Reading(t, t + 0.01, "page", Told(breakers={"a": "open" if t >= opens else "closed"}))
            for t in map(float, range(42))
        )
        evidence = replace(under(GOING_ON, self.REVERT), telemetry=Telemetry(readings))
        assert told(evidence) == {"does not trip": holds}

    @pytest.mark.parametrize(
        ("before", "pages", "holds"),
        [
            ("a:10!closed@0-20", "", False),
            ("a:10!closed@0-20", "closed half_open closed", False),
            ("a:10!closed@0-20", "closed closed closed", None),  # They disagree.
            ("a:10@0-20", "", True),  # Nobody knows what it was before.
            ("a:10!closed@0-20 a:1!half_open@19", "", True),
        ],
        ids=["replies alone", "a page too", "a page denies it", "untold before", "half-open before"],
    )
    def test_replies_tell_that_it_was_half_open_under_the_fault_and_closed_before(self, before, pages, holds):
        readings = tuple(
            Reading(t, t + 0.01, "page", Told(breakers={"a": state}))
            for t, state in zip((25.0, 30.0, 35.0), pages.split(), strict=False)
        )
        served = f"{before} a:2!half_open@30 a:10!closed@31-40"
        evidence = under(GOING_ON, self.REVERT, served=served)
        assert told(replace(evidence, telemetry=Telemetry(readings))) == {"does not trip": holds}

    def test_who_may_have_been_open_for_another_fault_is_not_blamed(self):
        earlier = injection("http_5xx", 10.0, 15.0, name="earlier", methods=["a"])
        served = "a:10!closed@0-20 a:2!half_open@21 a:10!closed@22-40"
        deeds = "earlier|a/inject@10-10.1 earlier|a/heal@15-15.1"
        evidence = under(GOING_ON, self.REVERT, earlier, served=served, more_deeds=deeds)
        points = [p for p in points_of(know(evidence)) if p.fault == "revert"]
        assert not any("half-open" in point.words for point in points)

    def test_who_is_broken_in_another_way_too_may_be_left_alone_for_that(self):
        beside = injection("http_5xx", 20.0, 40.0, name="beside", methods=["b"])
        deeds = "beside|a/inject@20-20.1 beside|a/heal@40-40.1"
        points = points_of(know(under(SOUND, self.REVERT, beside, more_deeds=deeds)))
        (found,) = [point for point in points if point.promise == "does not trip"]
        assert (found.holds, "beside was in force there" in found.words) == (None, True)

    def test_a_limit_may_be_why_it_is_left_alone(self):
        assert told(under(SOUND, self.LIMIT)) == {"does not trip": None}
        every_second = [20.15 + 1.1 * n for n in range(18)]
        assert told(under(every_second, self.LIMIT)) == {"does not trip": True}


def test_an_error_of_the_answer_is_neither():
    """One target holds -32603 against the method, another against the provider."""
    error = injection("rpc_error", 20.0, 40.0, name="error", code=-32603, methods=["a"])
    assert told(under(SOUND, error)) == {}


def test_a_port_that_hides_attempts_is_known_from_replies():
    kill = injection(name="kill", until=40.0)
    served = "b:20@0-20 b:5x2@20 b:15@20 b:20@21-24 b:1x2@24 b:19@24 b:20@25-28 b:1x2@28 b:19@28 b:20@29-40"
    evidence = under([], kill, probes=[], served=served)
    assert failed_attempts(know(evidence).strikes[0], know(evidence)).source == "metadata"
    assert told(evidence) | {"recovery": None} == {
        "trips": True,
        "failures": True,
        "recovery": None,
        "half_open": None,
        "successes": None,
    }


def test_while_others_are_broken_nothing_is_said():
    other = injection("kill", 18.0, 39.0, ("b",), "other")
    assert told(under(SOUND, FAILING, other, more_deeds="other|b/inject@18-18.1 other|b/heal@39-39.1")) == {
        "trips": None
    }


def test_without_any_evidence_it_is_inconclusive():
    blind = replace(under(SOUND), campaign=Campaign())
    assert check_breaker(blind).verdict.value == "inconclusive"


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), max_size=60))
def test_what_came_is_in_the_bursts_and_no_rest_is_shorter_than_patience(counts):
    steps, total = list[Step](), (0, 0)
    for n, (least, more) in enumerate(counts):
        total = (total[0] + least, total[1] + least + more)
        steps.append(Step(n / 10, (n + 1) / 10, least, least + more, total))
    spells = spells_of(steps, 0.35)
    assert sum(b.count[1] for b in spells.bursts) >= sum(step.most for step in steps)
    assert sum(b.count[0] for b in spells.bursts) <= sum(step.least for step in steps)
    assert all(rest.length[1] >= rest.length[0] >= 0.35 for rest in spells.rests)
    assert len(spells.bursts) - 1 <= len(spells.rests) <= len(spells.bursts)


SHORT = injection("http_5xx", 20.0, 24.0, name="failing", methods=["a"])


def closing(after: Sequence[float], longest: float = 5.0) -> tuple[bool | None, str]:
    """Whether it is back, of one that opened under a fault of four seconds, and after it had these calls."""
    evidence = under([20.15, 20.25, 20.35], SHORT, promised=BreakerFrame(longest=longest), probes=[])
    deeds = tuple(replace(d, t=d.t - 16) if d.action == "heal" else d for d in evidence.campaign.deeds)
    counts = tuple(
        replace(c, calls=c.calls + sum(t <= c.t for t in after), hits=c.hits if c.t < 24 else {})
        if c.provider == "a"
        else c
        for c in evidence.campaign.counts
    )
    campaign = replace(evidence.campaign, deeds=deeds, counts=counts)
    (point,) = [p for p in points_of(know(replace(evidence, campaign=campaign))) if p.promise == "closes"]
    return point.holds, point.words


def test_a_provider_that_is_well_again_is_to_be_asked_again():
    assert closing([28 + 0.1 * n for n in range(130)])[0] is True
    holds, words = closing([])
    assert holds is False
    assert words == (
        "it had 0 calls from 30.1s to 40s, its health checks among them, 99 of the load were to be expected;"
        " it was healed at 24.1s"
    )


def test_trials_alone_are_not_being_asked_again():
    assert closing([30.5, 33.5, 36.5])[0] is False


def test_whoever_may_still_be_resting_is_not_forgotten():
    assert closing([], longest=15.0) == (None, "the run was over before it had to be asked again")
