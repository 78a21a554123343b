"""Windows, distribution, failovers, breakers, amplification: measured where there is evidence, else not."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battlectl.analyse.faults.breaker import timelines
from battlectl.analyse.faults.counting import due_arrivals, tracks_of
from battlectl.analyse.faults.distribution import distributions
from battlectl.analyse.faults.figure import Figure, exact, longest, not_observable
from battlectl.analyse.faults.windows import fault_windows, figures_of
from battlectl.analyse.judge import judge
from battlectl.analyse.objectives import judge_objective
from battlectl.analyse.objectives_faults import MEASURES
from battlectl.observe.faults import Campaign, Count
from battlectl.observe.tally import FlowCell
from battlectl.scenario.metrics import FAULT_METRICS
from battlectl.scenario.objectives import parse_objective
from tests.analyse.faulted import faulted, injection

KILL = injection(name="kill")
ERRORS = injection("http_5xx", name="errors")
USED = "a:10@0-20 a:0@20-30 a:10@30-40 b:10@0-20 b:20@20-30 b:10@30-40"
DOWN = "new:ok@19 kept:ok@19 new:refused@20.2-30 kept:reset@20.2 new:ok@30.2"
FAILING = "new:ok@19 kept:ok@19 new:http_error(503)@20.2-29 kept:http_error(503)@20.2-29 new:ok@30.2"
RESET = injection(name="kill", mode="reset")
CUT = "new:ok@19 kept:ok@19 new:reset@20.2-30 kept:reset@20.2 new:ok@30.2"
TRIPPED = "a:10@0-21 a:0@21-30 a:10@30-40 b:10@0-20 b:20@20-30 b:10@30-40"
"""Ten more attempts fail at a until its breaker opens; each is made again at b."""
REPLIES = "a:10@0-20 b:10@0-20 b:19@20-30 b:1x2/80@20-30 a:10@30-40 b:10@30-40"


def judged(objective: str, *injections, fit: bool = True, **campaign):
    evidence = faulted(*(injections or (KILL,)), objectives=[objective], **campaign)
    return judge_objective(evidence.frame.objectives[0], evidence, fit)


class TestRanges:
    @pytest.mark.parametrize(
        ("objective", "least", "most", "holds"),
        [
            ("failovers < 5", 1, 4, True),
            ("failovers < 5", 1, 5, None),
            ("failovers < 5", 5, 9, False),
            ("failovers < 5", 1, inf, None),
            ("failovers >= 5", 5, inf, True),
            ("failovers == 0", 0, 0, True),
            ("failovers == 2", 1, 3, None),
            ("failovers == 4", 1, 3, False),
            ("failovers != 2", 1, 3, None),
            ("failovers != 4", 1, 3, True),
        ],
    )
    def test_an_objective_must_be_kept_or_broken_by_all_of_it(self, objective, least, most, holds):
        assert Figure(least, most, 9, "counters").verdict(parse_objective(objective)) is holds

    def test_of_several_the_longest_is_known_only_when_all_are(self):
        one, other = exact(2.0, 1, "client"), Figure(1.0, 5.0, 3, "counters", "about")
        assert longest([one, other]) == Figure(2.0, 5.0, 4, "counters", "about")
        assert longest([one, not_observable("dark")]).words == "dark"
        assert not longest([]).is_observable


def test_windows_stand_side_by_side():
    reads = "20*ok@0-20 19*ok/50@20-30 refused@20-30 20*ok@30-40"
    evidence = faulted(KILL, reads=reads)
    found = {window.name: figures_of(window, evidence) for window in fault_windows(evidence)}
    assert list(found) == ["baseline", "during:kill", "recovery:kill"]
    during = found["during:kill"]
    assert (during.seconds, during.arrivals, during.ok, during.success_rate) == (10.0, 200, 190, 0.95)
    assert (during.arrivals_per_s, during.ok_per_s) == (20.0, 19.0)
    assert (during.p50, found["baseline"].p95) == (pytest.approx(0.05), pytest.approx(0.01))
    silent = faulted(KILL, reads="")
    empty = figures_of(next(fault_windows(silent)), silent)
    assert (empty.arrivals, empty.success_rate, empty.p95) == (0, None, None)


class TestDistribution:
    def test_comes_from_replies(self):
        found = {d.window: d for d in distributions(faulted(KILL, served=REPLIES, counts=USED))}
        assert found["baseline"].source == "metadata"
        assert [(s.provider, s.requests, s.share) for s in found["baseline"].shares] == [
            ("a", 200, 0.5),
            ("b", 200, 0.5),
        ]
        [b] = found["during:kill"].shares
        assert (b.requests, b.success_rate, b.was_broken) == (200, 1.0, False)
        assert b.mean == pytest.approx(0.0135)
        assert b.p95 == pytest.approx(0.01, rel=0.01)

    def test_else_from_counters_which_do_not_tell_how_calls_ended(self):
        found = {d.window: d for d in distributions(faulted(KILL, counts=USED))}
        a, b = found["during:kill"].shares
        assert found["during:kill"].source == "counters"
        assert (a.requests, a.most, a.share, a.was_broken) == (0, inf, 0.0, True)  # Its port was closed.
        assert (b.requests, b.most) == (195, 202)  # 0.1 s at both ends may be told late, or a look later.
        assert (b.share, b.success_rate, b.mean, b.p95) == (1.0, None, None, None)
        assert found["during:kill"].words.endswith("how they ended is not observable")

    def test_a_probe_of_ours_that_is_under_way_may_hide_a_call(self):
        """It is taken off from when it is sent: at the look after the window it is not counted yet."""
        asked = {"counts": USED, "probes": "b/new:ok/400@30"}
        (_, alone), (_, b) = (
            next(d.shares for d in distributions(faulted(KILL, **more)) if d.window == "during:kill")
            for more in ({"counts": USED}, asked)
        )
        assert (alone.most, b.most) == (202, 203)

    def test_else_from_nothing(self):
        found = distributions(faulted(KILL))
        assert {(d.source, d.shares) for d in found} == {("", ())}
        assert found[0].words.startswith("not observable")


@pytest.mark.parametrize(
    ("objective", "seen", "verdict", "summary"),
    [
        ("failovers == 10", {"served": REPLIES}, "pass", "10 (from metadata)"),
        ("failovers < 10", {"served": REPLIES}, "fail", "10 (from metadata)"),
        ("failovers == 0 in baseline", {"served": REPLIES}, "pass", "0 (from metadata)"),
        (
            "failovers <= 10",
            {"served": f"{REPLIES} -:1@20-30"},
            "inconclusive",
            "10 to 20 (10 requests do not say how many attempts they took; from metadata): "
            "too little to judge",
        ),
        ("failover_latency.max < 90ms", {"served": REPLIES}, "pass", "80ms (from metadata)"),
        ("failover_latency.p50 < 70ms", {"served": REPLIES}, "fail", "80ms (from metadata)"),
        ("failover_latency.p95 < 1s", {"served": REPLIES}, "inconclusive", "10 samples, 20 needed"),
        (
            "failover_latency.max < 1s",
            {"served": f"{REPLIES} -:1@20-30"},
            "inconclusive",
            "at least 80ms (10 requests do not say how many attempts they took; from metadata): "
            "too little to judge",
        ),
        (
            "failover_latency.max < 1s",
            {"served": "a:10@0-40"},
            "inconclusive",
            "not observable: no request is known to have been failed over",
        ),
        (
            "failover_latency.max < 1s",
            {"counts": USED},
            "inconclusive",
            "not observable: no reply tells its attempts",
        ),
        (
            "failovers < 100",
            {"counts": USED},
            "inconclusive",
            "not observable: attempts at a provider that is down are counted by nobody",
        ),
        ("amplification < 1.1", {"served": REPLIES}, "pass", "1.0125 (from metadata)"),
        ("amplification < 1.01", {"served": REPLIES}, "fail", "1.0125 (from metadata)"),
        (
            "amplification < 1.1",
            {"served": "a:10x?@0-40"},
            "inconclusive",
            "not observable: no reply tells its attempts and no call is counted",
        ),
        (
            "amplification < 1.5",
            {"counts": USED},
            "inconclusive",
            "at least 1 (attempts at a provider that is down are counted by nobody; from counters): "
            "too little to judge",
        ),
    ],
)
def test_what_requests_took(objective, seen, verdict, summary):
    found = judged(objective, **seen)
    assert (found.verdict, found.summary) == (verdict, summary)


class TestCountedAttempts:
    def test_are_a_range_by_the_looks(self):
        found = judged("amplification < 1.1", ERRORS, counts=TRIPPED)
        assert (found.verdict, found.measured) == ("pass", pytest.approx(810 / 800))

    def test_connections_that_are_reset_at_once_are_attempts(self):
        found = judged("amplification < 1.1", RESET, probes=CUT, counts=USED, refused="40@20.1-30")
        assert (found.verdict, found.measured) == ("pass", pytest.approx(830 / 800))  # 10 are our probes
        assert (
            judged("failovers <= 30", RESET, probes=CUT, counts=USED, refused="40@20.1-30").verdict == "pass"
        )

    def test_what_was_open_when_it_was_cut_may_have_carried_attempts_that_nobody_read(self):
        cut = {"probes": CUT, "counts": USED, "refused": "40@20.1-30", "hits": "48@20.1-30"}
        found = judged("failovers < 36", RESET, **cut)
        assert (found.verdict, found.measured) == ("inconclusive", 38)
        assert found.summary.startswith("1 to 38 (30 to 38 more calls")

    def test_from_the_first_of_the_load_to_the_last_look_nothing_is_left_out(self):
        """The load begins at 10 s, between two looks, and nobody has called before."""
        counts = "a:0@0-9.9 a:10@9.9-40.15 b:0@0-9.9 b:10@9.9-40.15"
        late = {"phases": {"idle": "10s", "steady": "10s", "battle": "20s"}, "reads": "20*ok@10-40"}
        load = {"reads": {"rate": "1/s", "calls": ["a", "b"], "phases": ["steady", "battle"]}}
        limits = ("amplification >= 1 in steady", "amplification <= 1.03 in steady", "amplification <= 1.01")
        found = [judged(limit, ERRORS, counts=counts, load=load, **late).verdict for limit in limits]
        assert found == ["pass"] * 3

    def test_twice_as_many_calls_as_arrivals_are_a_storm(self):
        storm = "a:10@0-20 b:10@0-20 a:40@20-30 b:40@20-30 a:10@30-40 b:10@30-40"
        assert judged("amplification < 3 in during:errors", ERRORS, counts=storm).verdict == "fail"
        assert judged("failovers < 100", ERRORS, counts=storm).verdict == "inconclusive"

    def test_the_targets_own_probes_are_not_held_against_it_and_prove_nothing(self):
        """What every arrival cost from the beginning on may be probes or not, and chance is in both."""
        hedged = "a:20@0-40 b:20@0-40"
        found = judged("amplification < 1.5", ERRORS, counts=hedged)
        assert (found.verdict, found.summary[:13]) == ("inconclusive", "0.732692 to 2")

    def test_probes_that_were_counted_before_the_load_are_taken_off(self):
        idle = "a:2@0-10 b:2@0-10 a:12@10-40 b:12@10-40"
        late = {"phases": {"idle": "10s", "steady": "10s", "battle": "20s"}, "reads": "20*ok@10-40"}
        load = {"reads": {"rate": "1/s", "calls": ["a", "b"], "phases": ["steady", "battle"]}}
        found = judged("amplification <= 1.25", ERRORS, counts=idle, load=load, **late)
        assert (found.verdict, found.measured) == ("pass", pytest.approx(1.21))
        found = judged("amplification <= 1.1", ERRORS, counts=idle, load=load, **late)
        assert found.verdict == "inconclusive"

    def test_probes_that_come_at_another_time_than_before_are_no_attempts(self):
        """Nine in one go every three seconds: six times in the calm before, seven times since."""
        bursts = " ".join(
            f"{p}:{46 if s % 3 == 2 else 10}@{s}-{s}.25 {p}:10@{s}.25-{s + 1}"
            for p in "ab"
            for s in range(40)
        )
        found = judged("failovers == 0", ERRORS, counts=bursts)
        assert found.verdict == "inconclusive"


def test_a_probe_that_is_counted_late_is_no_call_of_the_load():
    """Sent at 22.2 s, read by the provider after the look at 22.25 s."""
    looks = [(22.0, 200, 4), (22.25, 200, 5), (22.5, 201, 5), (22.75, 201, 5)]
    campaign = Campaign(counts=tuple(Count(t, "a", 1, 1, calls, ours) for t, calls, ours in looks))
    assert [step.calls for step in tracks_of(campaign, {})["a"].steps(22.0, 23.0)] == [0, 0, 0]


def test_nothing_is_due_before_the_load_begins_or_after_it_ends_in_the_middle_of_a_second():
    reads = "10*ok@10.5 20*ok@11-30 10*ok@30.2"
    late = {"phases": {"idle": "10.5s", "steady": "10s", "battle": "10s"}, "reads": reads}
    load = {"reads": {"rate": "1/s", "calls": ["a", "b"], "phases": ["steady", "battle"]}}
    due = due_arrivals(faulted(load=load, **late))
    assert [due.between(0.0, t) for t in (10.5, 10.75, 11.0, 11.5)] == [0.0, 5.0, 10.0, 20.0]
    assert [due.between(t, inf) for t in (30.0, 30.25, 30.5)] == [10.0, 5.0, 0.0]


class TestTimes:
    def test_the_first_success_elsewhere_within_the_grain(self):
        found = judged("failover_time(kill) < 1s", probes=DOWN, counts=USED)
        assert (found.verdict, found.measured) == ("pass", pytest.approx(0.4))
        assert found.summary == "0ms to 400ms (in steps of 250ms; from counters)"

    def test_replies_tell_it_by_the_second(self):
        """Of the second in which it began nobody can tell what was due after it."""
        found = judged("failover_time(kill) < 2s", probes=DOWN, counts="a:10@0-20 a:0@20-40", served=REPLIES)
        assert (found.verdict, found.measured) == ("pass", pytest.approx(22.01 - 20.1))

    def test_what_was_due_before_it_in_the_same_second_is_no_failover(self):
        """At 20.6 s: b served before, and then nobody until 24 s."""
        late = injection(name="kill", at=20.6)
        late_probes = DOWN.replace("20.2", "20.7").replace("@19", "@20.1")
        told = {"deeds": "inject@20.6-20.65 heal@30-30.1", "probes": late_probes}
        reads = "20*ok@0-20 12*ok@20 8*refused@20 20*refused@21-24 20*ok@24-40"
        served = "a:10@0-20 b:10@0-20 b:6@20 b:20@24-40"
        counts = "a:20@0-20.5 a:0@20.5-40"
        found = judged("failover_time(kill) < 3s", late, **told, reads=reads, served=served, counts=counts)
        assert (found.verdict, found.measured) == ("inconclusive", pytest.approx(25.01 - 20.65))

    def test_what_is_answered_late_is_a_success_late(self):
        """Each arrival since took two seconds."""
        reads = "20*ok@0-20 20*ok/2000@20-30 20*ok@30-40"
        found = judged("failover_time(kill) < 1s", probes=DOWN, counts=USED, reads=reads)
        assert (found.verdict, found.measured) == ("inconclusive", pytest.approx(2.15))

    def test_the_first_elsewhere_may_be_another_than_the_one_it_is_known_best_of(self):
        """b was left alone until 21 s; c may have served before, of which less is known: it broke too."""
        both = (KILL, injection("http_5xx", name="errors", at=20.3, until=25.0, providers=("c",)))
        deeds = "inject@20-20.1 heal@30-30.1 errors|c/inject@20.3-20.4 errors|c/heal@25-25.1"
        failing = " ".join(f"c/{p}" for p in FAILING.replace("20.2-29", "20.7-24").split())
        counts = "a:10@0-20 a:0@20-30 a:10@30-40 b:10@0-19 b:0@19-21 b:15@21-40 c:10@0-40"
        seen = {"deeds": deeds, "probes": f"{DOWN} {failing.replace('ok@30.2', 'ok@25.2')}", "counts": counts}
        partly = "20*ok@0-20 19*ok@20 refused@20 20*ok@21-40"
        found = judged("failover_time(kill) < 2s", *both, **seen, reads=partly)
        # Whose calls they are is sure when there are more than may be probes.
        assert (found.verdict, found.measured) == ("pass", pytest.approx(1.65))
        assert judged("failover_time(kill) > 500ms", *both, **seen, reads=partly).verdict == "inconclusive"

    def test_a_health_check_elsewhere_is_no_failover(self):
        """a is slow, and answers; of b's three calls a second none need be the load's."""
        slow = injection("rpc_latency", name="kill", latency_ms=900)
        probes = "new:ok@19 kept:ok@19 new:ok/900@20.2-29 kept:ok/900@20.2-29 new:ok@30.2"
        counts = "a:23@0-40 b:3@0-40"
        seen = {"probes": probes, "counts": counts, "reads": "20*ok@0-20 20*ok/900@20-30 20*ok@30-40"}
        found = judged("failover_time(kill) < 5s", slow, **seen)
        assert found.verdict == "inconclusive"
        assert found.summary.startswith("not observable: ")

    def test_others_that_are_broken_too_serve_nobody(self):
        both = (KILL, injection("http_5xx", name="errors", providers=("b",)))
        deeds = "inject@20-20.1 heal@30-30.1 errors|b/inject@20-20.1 errors|b/heal@25-25.1"
        failing = " ".join(f"b/{probe}" for probe in FAILING.replace("20.2-29", "20.2-24").split())
        seen = {"deeds": deeds, "probes": f"{DOWN} {failing.replace('ok@30.2', 'ok@25.2')}"}
        mixed = "20*ok@0-20 10*ok@20-25 10*refused@20-25 20*ok@25-40"
        found = judged("failover_time(kill) < 4s", *both, **seen, counts=USED, reads=mixed)
        assert (found.verdict, found.measured) == ("inconclusive", pytest.approx(5.4))

    def test_nothing_is_said_of_a_fault_that_is_not_proven(self):
        for metric in ("failover_time", "detection_time"):
            found = judged(f"{metric}(kill) < 9s", counts=USED)
            assert found.verdict == "inconclusive"
            assert found.summary.startswith("not observable: kill at a is unproven: no probe says")

    def test_no_success_elsewhere_is_a_value(self):
        dead = {"reads": "20*ok@0-20 20*refused@20-30 20*ok@30-40", "probes": DOWN}
        found = judged("failover_time(kill) < 5s", counts="a:10@0-20 a:0@20-30 a:10@30-40 b:0@0-40", **dead)
        assert found.verdict == "inconclusive"
        silent = "a:20@0-20 a:0@20-30 a:20@30-40 b:0@0-31 b:1@31-40"
        found = judged("failover_time(kill) < 5s", counts=silent, **dead)
        assert (found.verdict, found.summary) == (
            "fail",
            "at least 9.9s (no success elsewhere while it lasted; from counters)",
        )

    def test_detection_is_when_calls_stop(self):
        found = judged("detection_time(errors) < 2s", ERRORS, probes=FAILING, counts=TRIPPED)
        assert (found.verdict, found.measured) == ("pass", pytest.approx(0.9))

    def test_a_provider_that_is_asked_all_the_time_was_not_detected(self):
        found = judged("detection_time(errors) < 5s", ERRORS, probes=FAILING, counts="a:10@0-40 b:10@0-40",
                       hits="200@20.1-30")  # fmt: skip
        assert found.summary.startswith("at least 9.9s (it was never left alone")
        assert found.verdict == "fail"

    def test_a_moment_without_attempts_may_have_been_a_detection(self):
        paused = "a:10@0-21 a:0@21-21.75 a:10@21.75-40 b:10@0-40"
        seen = {"probes": FAILING, "counts": paused, "hits": "200@20.1-30"}
        found = judged("detection_time(errors) < 5s", ERRORS, **seen)
        assert (found.verdict, found.measured) == ("inconclusive", pytest.approx(0.65))
        assert judged("detection_time(errors) > 600ms", ERRORS, **seen).verdict == "pass"

    def test_what_is_left_alone_before_nobody_is_well_may_be_so_unseen(self):
        """a until b breaks too, half a second later; from then on every request is tried at both."""
        both = (ERRORS, injection("http_5xx", name="others", at=20.6, providers=("b",)))
        deeds = "inject@20-20.1 heal@30-30.1 others|b/inject@20.6-20.65 others|b/heal@30-30.1"
        failing = " ".join(f"b/{probe}" for probe in FAILING.replace("20.2", "20.7").split())
        counts = "a:10@0-20.25 a:0@20.25-20.5 a:20@20.5-30 a:10@30-40 b:10@0-20.5 b:20@20.5-30 b:10@30-40"
        reads = "20*ok@0-20 12*ok@20 8*refused@20 20*refused@21-30 20*ok@30-40"
        seen = {"deeds": deeds, "probes": f"{FAILING} {failing}", "counts": counts, "reads": reads}
        seen["hits"] = "errors=200@20.1-30"
        found = judged("detection_time(errors) < 5s", *both, **seen)
        assert found.verdict == "inconclusive"
        assert found.summary.startswith("not observable: it may have been left alone for a moment")

    def test_a_closed_port_hides_it(self):
        found = judged("detection_time(kill) < 5s", probes=DOWN, counts=USED)
        assert (
            found.summary
            == "not observable: attempts at a provider that is down are counted by nobody, and a was down"
        )


HALF_OPEN = (
    "a:10@0-21 a:0@21-25 a:4@25-25.25 a:0@25.25-29 a:4@29-29.25 a:0@29.25-33 a:10@33-40 "
    "b:10@0-20 b:20@20-33 b:10@33-40"
)


class TestBreaker:
    def test_opens_tries_and_closes(self):
        line = timelines(faulted(ERRORS, counts=HALF_OPEN))[0]
        assert [(c.state, c.earliest, c.latest) for c in line.changes] == [
            ("opened", 20.75, 21.0),
            ("tried", 25.0, 25.25),
            ("tried", 29.0, 29.25),
            ("closed", 33.0, 33.25),
        ]
        assert (line.provider, line.grain, line.dark) == ("a", 0.25, ())

    @pytest.mark.parametrize(
        ("objective", "verdict", "measured"),
        [
            ("breaker(a).opens >= 1", "pass", 1),
            ("breaker(a).opens <= 3", "pass", 3),
            ("breaker(a).opens == 1", "inconclusive", 3),
            ("breaker(a).closes <= 3", "pass", 3),
            ("breaker(a).closes > 1", "inconclusive", 1),
            ("breaker(a).half_opens == 2", "inconclusive", None),
            ("breaker(a).false_trips == 0", "pass", 0),
            ("breaker(a).time_to_open < 1s", "pass", 0.9),
            ("breaker(a).time_to_open < 600ms", "fail", 0.65),
            ("breaker(a).time_to_open < 800ms", "inconclusive", 0.9),
            ("breaker(a).time_open < 13s", "pass", 12.5),
            ("breaker(a).time_open >= 8.5s", "pass", 8.5),
            ("breaker(a).time_open >= 8.75s", "inconclusive", 8.5),
            ("breaker(b).opens == 0", "pass", 0),
            ("breaker(a).opens == 0 in baseline", "pass", 0),
        ],
    )
    def test_is_judged(self, objective, verdict, measured):
        found = judged(objective, ERRORS, probes=FAILING, counts=HALF_OPEN)
        assert (found.verdict, found.measured) == (verdict, pytest.approx(measured))

    def test_trials_in_neighbouring_steps_are_one(self):
        """The looks are a quarter of a second apart: five attempts may lie in two steps."""
        trial = "a:10@0-21 a:0@21-25.25 a:10@25.25-25.75 a:0@25.75-33 a:10@33-40 "
        line = timelines(faulted(ERRORS, counts=trial + "b:10@0-21 b:20@21-33 b:10@33-40"))[0]
        assert [(c.state, c.earliest, c.latest) for c in line.changes if c.state == "tried"] == [
            ("tried", 25.25, 25.75)
        ]

    def test_trials_may_hide_among_the_targets_own_probes(self):
        """A call a second that nobody asked for, before any load: an open breaker may have been tried."""
        probed = "a:1@0-10 b:1@0-10 a:11@10-21 a:1@21-33 a:11@33-40 b:11@10-20 b:21@20-33 b:11@33-40"
        late = {"phases": {"idle": "10s", "steady": "10s", "battle": "20s"}, "reads": "20*ok@10-40"}
        load = {"reads": {"rate": "1/s", "calls": ["a", "b"], "phases": ["steady", "battle"]}}
        found = [
            judged(f"breaker(a).opens {limit}", ERRORS, counts=probed, load=load, **late).verdict
            for limit in (">= 1", "<= 1", "== 0 in steady")
        ]
        assert found == ["pass", "inconclusive", "pass"]

    def test_of_a_fault_that_counts_what_it_refuses_is_seen_all_through_it(self):
        """Five attempts until it opens, five of a trial, and our own ten probes, which are none of them."""
        refused = "5@20.1-20.3 5@24.5-24.7 1@20.2-20.21 1@21.2-21.21 1@22.2-22.21 1@23.2-23.21 1@24.2-24.21"
        refused += " 1@25.2-25.21 1@26.2-26.21 1@27.2-27.21 1@28.2-28.21 1@29.2-29.21"
        counts = "a:10@0-20 a:0@20-33 a:10@33-40 b:10@0-20 b:20@20-33 b:10@33-40"
        line = timelines(faulted(RESET, counts=counts, probes=CUT, refused=refused))[0]
        assert [(c.state, c.earliest, c.latest) for c in line.changes] == [
            ("opened", 20.25, 20.5),
            ("tried", 24.5, 24.75),
            ("closed", 33.0, 33.25),
        ]
        assert line.dark == ()
        found = judged("detection_time(kill) < 1s", RESET, counts=counts, probes=CUT, refused=refused)
        assert (found.verdict, found.measured) == ("pass", pytest.approx(0.4))

    def test_that_seems_to_open_without_a_fault_may_be_a_false_trip(self):
        """Or others were faster for a while."""
        tripped = "a:10@0-6 a:0@6-9 a:10@9-40 b:10@0-6 b:20@6-9 b:10@9-40"
        found = judged("breaker(a).false_trips == 0", ERRORS, counts=tripped)
        assert (found.verdict, found.measured) == ("inconclusive", 1)
        assert judged("breaker(a).false_trips <= 1", ERRORS, counts=tripped).verdict == "pass"
        assert judged("breaker(b).false_trips == 0", ERRORS, counts=tripped).verdict == "pass"

    @pytest.mark.parametrize("kind", ["hang", "rpc_latency", "rate_limit_in_body", "rpc_error", "lag"])
    def test_is_not_proven_by_silence_for_which_there_may_be_another_reason(self, kind):
        """Who is slow, limited, or answers errors of its own may be left alone without any breaker."""
        one = injection(kind, name="errors")
        line = timelines(faulted(one, counts=HALF_OPEN))[0]
        assert [(c.state, c.is_sure) for c in line.changes if c.state != "tried"] == [
            ("opened", False),
            ("closed", False),
        ]
        assert judged("breaker(a).opens >= 1", one, counts=HALF_OPEN).verdict == "inconclusive"
        assert judged("breaker(a).opens <= 3", one, counts=HALF_OPEN).verdict == "pass"
        found = judged("breaker(a).time_open <= 13s", one, counts=HALF_OPEN)
        assert (found.verdict, found.measured) == ("pass", pytest.approx(12.5))
        assert judged("breaker(a).time_open >= 1s", one, counts=HALF_OPEN).verdict == "inconclusive"

    def test_may_have_opened_in_a_pause_that_is_too_short_to_tell(self):
        paused = "a:10@0-21 a:0@21-21.75 a:10@21.75-40 b:10@0-40"
        line = timelines(faulted(ERRORS, counts=paused))[0]
        assert [(c.state, c.earliest, c.latest) for c in line.changes] == [("paused", 20.75, 22.0)]
        figures = {
            objective: judged(objective, ERRORS, probes=FAILING, counts=paused).verdict
            for objective in (
                "breaker(a).opens >= 1",
                "breaker(a).opens <= 1",
                "breaker(a).closes == 0",
                "breaker(a).time_open < 1.3s",
                "breaker(a).time_to_open < 9s",
                "breaker(a).time_to_open > 600ms",
            )
        }
        assert list(figures.values()) == [
            "inconclusive",
            "pass",
            *["inconclusive"],
            "pass",
            "inconclusive",
            "pass",
        ]

    def test_cannot_be_told_while_every_provider_is_broken(self):
        """Whom a target asks that has nobody left tells nothing: one that is open, as a last resort."""
        both = injection("http_5xx", name="errors", providers=("a", "b"))
        deeds = "inject@20-20.1 heal@30-30.1 b/inject@20-20.1 b/heal@30-30.1"
        reads = "20*ok@0-20 20*http_error(503)@20-30 20*ok@30-40"
        counts = "a:10@0-21 a:20@21-30 a:10@30-40 b:10@0-21 b:0@21-30 b:10@30-40"
        evidence = faulted(both, deeds=deeds, reads=reads, counts=counts)
        assert [(line.changes, line.dark) for line in timelines(evidence)] == [((), ((20.0, 31.0),))] * 2
        for objective in ("breaker(a).opens == 0", "breaker(b).opens >= 1", "breaker(a).time_to_open < 1s"):
            found = judged(objective, both, deeds=deeds, reads=reads, counts=counts)
            assert found.verdict == "inconclusive"

    def test_may_be_open_and_asked_by_those_who_waited_for_another_in_vain(self):
        """Whom to ask is decided once: who hung at b for two seconds comes to a, which has opened since."""
        both = (ERRORS, injection("hang", name="hang", providers=("b",)))
        deeds = "inject@20-20.1 heal@30-30.1 hang|b/inject@20-20.1 hang|b/heal@30-30.1"
        counts = "a:10@0-40 b:10@0-40 c:10@0-40"
        late = {"deeds": deeds, "counts": counts, "reads": "30*ok@0-20 30*ok/2010@20-30 30*ok@30-40"}
        for objective in ("breaker(a).opens == 0", "breaker(a).time_to_open > 5s"):
            assert judged(objective, *both, **late, probes=FAILING).verdict == "inconclusive"
        assert judged("breaker(c).opens == 0", *both, **late).verdict == "pass"
        alone = judged("breaker(a).opens == 0", ERRORS, counts=counts, probes=FAILING, reads="30*ok@0-40")
        assert alone.verdict == "pass"

    def test_is_not_closed_because_it_is_asked_as_a_last_resort(self):
        """a is silent until b breaks as well, at 32 s; then every request comes, and is no sign of trust."""
        both = (
            ERRORS,
            *(injection("http_5xx", name=f"again-{p}", at=32.0, until=34.0, providers=(p,)) for p in "ab"),
        )
        deeds = "inject@20-20.1 heal@30-30.1"
        deeds += "".join(f" again-{p}|{p}/inject@32-32.1 again-{p}|{p}/heal@34-34.1" for p in "ab")
        counts = (
            "a:10@0-21 a:0@21-32 a:20@32-34 a:0@34-37 a:10@37-40 b:10@0-20 b:20@20-32 b:0@32-34 b:20@34-40"
        )
        reads = "20*ok@0-32 20*refused@32-34 20*ok@34-40"
        line = timelines(faulted(*both, deeds=deeds, counts=counts, reads=reads))[0]
        assert [(c.state, c.latest) for c in line.changes if c.state != "paused"] == [
            ("opened", 21.0),
            ("closed", 37.25),
        ]
        found = judged("breaker(a).opens >= 2", *both, deeds=deeds, counts=counts, reads=reads)
        assert found.verdict == "inconclusive"

    def test_of_too_thin_a_load_may_open_unseen(self):
        """Four calls in half a second are none often enough by chance."""
        thin = "a:8@0-40 b:12@0-40"
        assert judged("breaker(a).opens == 0", ERRORS, counts=thin).verdict == "inconclusive"
        assert judged("breaker(b).opens == 0", ERRORS, counts=thin).verdict == "pass"

    def test_that_never_opens_has_no_time_to_open(self):
        steady = "a:10@0-40 b:10@0-40"
        found = judged("breaker(a).time_to_open < 5s", ERRORS, probes=FAILING, counts=steady)
        assert (found.verdict, found.measured) == ("fail", pytest.approx(9.9))

    def test_that_is_open_already_when_a_fault_strikes_needs_no_time(self):
        both = (ERRORS, injection("http_5xx", name="again", at=26.0, until=34.0))
        deeds = "inject@20-20.1 heal@30-30.1 again|a/inject@26-26.1 again|a/heal@34-34.1"
        counts = "a:10@0-21 a:0@21-35 a:10@35-40 b:10@0-20 b:20@20-35 b:10@35-40"
        found = judged("breaker(a).time_to_open < 1s", *both, deeds=deeds, counts=counts)
        assert (found.verdict, found.measured) == ("pass", pytest.approx(0.9))

    def test_that_may_have_closed_between_two_faults_is_not_known_to_be_open(self):
        """Silence from the one to the other: it may have closed, with nobody sent there."""
        both = (ERRORS, injection("http_5xx", name="again", at=32.0, until=36.0))
        deeds = "inject@20-20.1 heal@30-30.1 again|a/inject@32-32.1 again|a/heal@36-36.1"
        counts = "a:10@0-21 a:0@21-37 a:10@37-40 b:10@0-20 b:20@20-37 b:10@37-40"
        assert (
            judged("breaker(a).time_to_open < 1s", *both, deeds=deeds, counts=counts).verdict
            == "inconclusive"
        )

    def test_need_not_open_for_what_is_no_failure(self):
        found = judged("breaker(a).time_to_open < 5s", injection("http_429"), counts=HALF_OPEN)
        assert found.summary == "not observable: no fault was in force there that a breaker must open for"

    def test_is_not_open_because_the_dark_begins(self):
        """The second before a port closes is followed by silence, whatever the breaker does."""
        line = timelines(faulted(KILL, counts=USED))[0]
        assert (line.changes, line.dark) == ((), ((20.0, 30.1),))

    def test_in_the_dark_is_known_by_the_light_after_it_only(self):
        still_open = "a:10@0-20 a:0@20-33 a:10@33-40 b:10@0-20 b:20@20-33 b:10@33-40"
        line = timelines(faulted(KILL, counts=still_open))[0]
        assert line.dark == ((20.0, 30.1),)
        assert [(c.state, c.earliest, c.latest) for c in line.changes] == [
            ("opened", 19.75, 30.25),
            ("closed", 33.0, 33.25),
        ]
        assert judged("breaker(a).opens >= 1", KILL, counts=still_open).verdict == "pass"
        assert judged("breaker(a).opens <= 1", KILL, counts=still_open).verdict == "inconclusive"
        assert judged("breaker(a).time_to_open < 5s", KILL, counts=still_open).verdict == "inconclusive"
        assert judged("breaker(a).opens >= 1", KILL, counts=USED).verdict == "inconclusive"

    def test_a_pause_of_the_load_opens_nothing(self):
        pause = "a:10@0-20 a:0@20-30 a:10@30-40 b:10@0-20 b:0@20-30 b:10@30-40"
        evidence = faulted(ERRORS, reads="20*ok@0-20 20*ok@30-40", counts=pause)
        assert [line.changes for line in timelines(evidence)] == [(), ()]

    @pytest.mark.parametrize(
        ("counts", "words"),
        [
            ("", "its calls were not counted without a fault"),
            ("a:0.1@0-40 b:20@0-40", "it gets too few calls to tell silence from chance (0.10/s)"),
            ("a:12@0-40 b:2000@0-40", "the target's own probes may be as many as the calls of the load"),
        ],
    )
    def test_is_not_observable_where_calls_do_not_tell(self, counts, words):
        found = judged("breaker(a).opens == 0", ERRORS, counts=counts)
        assert found.verdict == "inconclusive"
        assert found.summary == f"not observable: {words}"


def test_every_metric_has_its_measure():
    assert set(MEASURES) == set(FAULT_METRICS)


@pytest.mark.parametrize("metric", ["failovers < 99", "amplification < 9", "breaker(a).opens < 9"])
def test_an_unfit_generator_fails_nobody(metric):
    worst = {"served": "a:10x9@0-40", "counts": HALF_OPEN}
    strict = metric.replace("99", "1").replace("9", "1")
    assert judged(strict, ERRORS, fit=True, **worst).verdict == "fail"
    assert judged(strict, ERRORS, fit=False, **worst).verdict == "inconclusive"


def test_a_run_cut_short_neither_passes_nor_has_missed_what_may_still_come():
    cut = {"how": "interrupted", "ended_at": 22.0, "counts": "a:10@0-22 b:10@0-22"}
    assert judged("breaker(a).opens == 0", ERRORS, **cut).verdict == "inconclusive"
    assert judged("breaker(a).opens >= 1", ERRORS, **cut).verdict == "inconclusive"


@pytest.mark.parametrize("text", ["failovers <= 5", "amplification < 1.5", "failover_latency.p50 < 1s"])
def test_what_earlier_sends_of_a_request_took_is_not_known(text):
    evidence = faulted(KILL, served="a:10@0-40 b:5x2@5", objectives=[text])
    objective = evidence.frame.objectives[0]
    assert judge_objective(objective, evidence, True).verdict == "pass"
    segments = evidence.frame.segments(evidence.frame.run)
    evidence.tally.flows.setdefault(("reads", segments[0]), FlowCell()).retries += 3
    assert judge_objective(objective, evidence, True).verdict == "inconclusive"


BRACKETS = {"fault": "(errors)", "provider": "(a)"}
BOUNDS = {"duration": ["< 1h", "> 1us"], "count": ["< 99", "== 0"], "factor": ["< 9", "> 0"]}
EVERY = [
    f"{name}{BRACKETS.get(metric.scope, '')}{f'.{stat}' if stat else ''} {bound}"
    for name, metric in FAULT_METRICS.items()
    for stat in metric.stats or ("",)
    for bound in BOUNDS[metric.unit_of(stat)]
]


@pytest.mark.parametrize("objective", EVERY)
def test_without_any_data_nothing_passes_or_fails(objective):
    found = judged(objective, ERRORS, reads="")
    assert found.verdict == "inconclusive"
    assert found.summary.startswith("not observable: ")


@settings(deadline=None, max_examples=80)
@given(
    objective=st.sampled_from(["failovers <= 3", "failover_latency.max < 50ms", "amplification <= 1.05"]),
    attempts=st.lists(st.tuples(st.sampled_from(["x1", "x2", "x3", "x?"]), st.integers(0, 39)), max_size=8),
    at=st.integers(0, 39),
)
def test_a_slow_failover_more_never_improves_a_verdict(objective, attempts, at):
    better = {"fail": 0, "inconclusive": 1, "pass": 2}
    served = " ".join(["a:1@0-40", *(f"a:1{x}/{20 * len(x)}@{due}" for x, due in attempts)])
    before = judged(objective, ERRORS, served=served).verdict.value
    after = judged(objective, ERRORS, served=f"{served} b:1x9/5000@{at}").verdict.value
    has_none = before == "inconclusive" and "x2" not in served and "x3" not in served
    assert better[after] <= better[before] or has_none


def test_a_whole_run_is_judged_with_everything_at_once():
    promises = [
        "success_rate >= 99%",
        "recovery_time(errors) < 5s",
        "breaker(a).time_to_open < 2s",
        "failovers <= 20",
    ]
    evidence = faulted(ERRORS, probes=FAILING, counts=TRIPPED, served=REPLIES, objectives=promises)
    judgement = judge(evidence)
    assert [f.verdict for f in judgement.objectives] == ["pass"] * 4
    assert judgement.verdict == "pass"
