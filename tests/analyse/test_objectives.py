"""Objectives: pass, fail, and above all when neither can be said."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battlectl.scenario.metrics import FAULT_METRICS, LATENCY_STATS, METRICS, OUTCOMES
from battlectl.scenario.objectives import ORIGINAL_NAMES
from tests.analyse.histories import judged, verdict, whole

BETTER = {"fail": 0, "inconclusive": 1, "pass": 2}


def every_objective() -> list[str]:
    """One of each metric and statistic, with a bound that any value keeps."""
    bounds = {"ratio": ">= 0%", "duration": "< 1h", "rate": ">= 0/s", "count": ">= 0"}
    return [
        f"{name}{'.' + stat if stat else ''} {bounds[metric.unit]}"
        for name, metric in METRICS.items()
        for stat in metric.stats or ("",)
    ]


def plenty(objective: str) -> str:
    """As many samples as the highest percentile of an objective needs."""
    return "10000*ok@6" if "p99.99" in objective else "1000*ok@6" if "p99.9" in objective else "100*ok@6"


@pytest.mark.parametrize("objective", every_objective())
class TestEachMetric:
    def test_can_pass(self, objective):
        assert verdict(objective, plenty(objective)) == "pass"

    def test_without_samples_is_inconclusive(self, objective):
        found = judged(objective)
        assert (found.verdict, found.summary) == ("inconclusive", "no samples")

    def test_with_samples_in_another_window_only_is_inconclusive(self, objective):
        assert verdict(f"{objective} in battle", plenty(objective)) == "inconclusive"

    def test_of_a_workload_without_samples_is_inconclusive(self, objective):
        name = objective.split(" ")[0].split(".")[0]
        scoped = objective.replace(name, f"{name}(writes)", 1)
        assert verdict(scoped, plenty(objective), writes="") == "inconclusive"


def test_every_statistic_and_outcome_is_covered():
    covered = " ".join(every_objective())
    assert all(f"latency.{stat} " in covered for stat in LATENCY_STATS)
    assert all(f"outcomes.{outcome} " in covered for outcome in OUTCOMES)


@pytest.mark.parametrize(
    ("op", "verdicts"),
    [
        (">=", ["fail", "pass", "pass"]),
        ("<=", ["pass", "pass", "fail"]),
        ("==", ["fail", "pass", "fail"]),
        ("!=", ["pass", "fail", "pass"]),
        (">", ["fail", "fail", "pass"]),
        ("<", ["pass", "fail", "fail"]),
    ],
)
def test_each_comparison(op, verdicts):
    assert [verdict(f"failures {op} 2", f"{9 - n}*ok@6 {n}*refused@7") for n in (1, 2, 3)] == verdicts


@pytest.mark.parametrize(
    ("stat", "needed"),
    [("p50", 2), ("p75", 4), ("p90", 10), ("p95", 20), ("p99", 100), ("p99.9", 1_000), ("p99.99", 10_000)],
)
def test_a_percentile_needs_a_sample_beyond_it(stat, needed):
    assert verdict(f"latency.{stat} < 1s", f"{needed}*ok@6") == "pass"
    found = judged(f"latency.{stat} < 1s", f"{needed - 1}*ok@6")
    assert (found.verdict, found.summary) == ("inconclusive", f"{needed - 1} samples, {needed} needed")


@pytest.mark.parametrize("reads", ["19*ok/9@6", "19*ok/9000@6"])
def test_too_few_samples_neither_pass_nor_fail(reads):
    assert verdict("latency.p95 < 1s", reads) == "inconclusive"


def test_min_samples_can_be_asked_for():
    asked = {"objective": "success_rate >= 50%", "min_samples": 10}
    assert verdict(asked, "9*ok@6") == "inconclusive"
    assert verdict(asked, "10*ok@6") == "pass"


def test_only_latencies_of_the_population_are_samples():
    assert verdict("latency.p50 < 1s", "9*refused@6 9*dropped@6") == "inconclusive"


@pytest.mark.parametrize("name", [n for n, o in ORIGINAL_NAMES.items() if o.metric not in METRICS])
def test_an_original_name_that_nothing_measures_is_inconclusive(name):
    assert whole("99*ok@6", objectives={name: 0}) == "inconclusive"


BRACKETS = {"fault": "(kill-provider_a)", "provider": "(provider_a)"}
BOUNDS = {"duration": ["< 1h", "> 1us"], "count": [">= 0", "== 0"], "factor": ["< 9", "> 0"]}
WHAT_FAULTS_DO = [
    f"{name}{BRACKETS.get(metric.scope, '')}{f'.{stat}' if stat else ''} {bound}"
    for name, metric in FAULT_METRICS.items()
    for stat in metric.stats or ("",)
    for bound in BOUNDS[metric.unit_of(stat)]
]


@pytest.mark.parametrize("objective", WHAT_FAULTS_DO)
def test_what_faults_do_is_inconclusive_as_long_as_nothing_measures_it(objective):
    found = judged(objective, "99*ok@6 refused@7")
    assert (found.verdict, found.summary) == ("inconclusive", "nothing in this run measures it")
    assert whole("99*ok@6", "success_rate >= 1%", objective) == "inconclusive"


@pytest.mark.parametrize(
    ("promises", "expected"),
    [
        ({"success_rate": 0.9}, "pass"),
        ({"success_rate": 0.96}, "fail"),
        ({"p95_latency_ms": 10}, "pass"),
        ({"p95_latency_ms": 9}, "fail"),
        ({"success_rate": 0.9, "max_gap_rate": 0}, "inconclusive"),
        ({"success_rate": 0.96, "max_gap_rate": 0}, "fail"),
    ],
)
def test_original_names_with_bare_numbers(promises, expected):
    assert whole("95*ok/9.9@6 5*rpc_error(3)/1@7", objectives=promises) == expected


def test_a_failure_shows_its_first_and_worst_example():
    found = judged("success_rate >= 99%", "8*ok@6 refused/3@9 timeout/5000@7 refused/1@8")
    assert (found.verdict, found.measured, found.expected) == ("fail", pytest.approx(8 / 11), ">= 99%")
    assert (found.first.outcome, found.first.due_s) == ("timeout", 7.0)
    assert (found.worst.outcome, found.worst.latency_ms) == ("timeout", pytest.approx(5_000))


class TestAnUnfitGenerator:
    """A violation that our own part explains is inconclusive; one that it does not is a failure still."""

    @pytest.mark.parametrize(
        ("objective", "reads", "expected"),
        [
            ("success_rate >= 99%", "80*ok@6 20*dropped@7", "inconclusive"),
            ("success_rate >= 99%", "80*ok@6 20*abandoned@7", "inconclusive"),
            ("success_rate >= 99%", "70*ok@6 10*refused@6 20*dropped@7", "fail"),
            ("failures == 0", "80*ok@6 20*dropped@7", "inconclusive"),
            ("failures == 0", "80*ok@6 1*reset@6 20*dropped@7", "fail"),
            ("outcomes.dropped == 0", "80*ok@6 20*dropped@7", "inconclusive"),
            ("outcomes.timeout == 0", "80*ok@6 20*timeout@7", "fail"),
            ("throughput >= 5/s", "80*ok@6 20*dropped@7", "inconclusive"),
            ("throughput >= 5/s", "80*ok@6 10*dropped@7", "fail"),
            ("latency.p50 < 10ms", "40*ok/20@6 60*dropped@7", "inconclusive"),
            ("latency.p50 < 10ms", "60*ok/20@6 40*dropped@7", "fail"),
            ("latency.mean < 10ms", "40*ok/20@6 60*dropped@7", "inconclusive"),
            ("latency.max < 10ms", "40*ok/20@6 60*dropped@7", "fail"),
        ],
    )
    def test_is_excused_for_its_own_part_only(self, objective, reads, expected):
        assert verdict(objective, reads, fit=False) == expected
        assert verdict(objective, reads, fit=True) == "fail"

    @pytest.mark.parametrize(("lag", "expected"), [(0.350, "inconclusive"), (0.250, "fail")])
    def test_is_not_the_targets_latency(self, lag, expected):
        assert verdict("latency.p95 < 100ms", "100*ok/400@6", fit=False, lag=lag) == expected

    def test_gets_no_second_look_when_it_passes(self):
        assert verdict("success_rate >= 70%", "80*ok@6 20*dropped@7", fit=False) == "pass"


class TestAnUnfinishedRun:
    """What was not run cannot have been kept."""

    def test_never_passes_a_window_it_did_not_finish(self):
        found = judged("success_rate >= 99%", "50*ok@6", how="interrupted", ended_at=12.0)
        assert found.verdict == "inconclusive"
        assert "only 7s of 20s were run" in found.summary

    def test_fails_on_what_was_seen(self):
        assert verdict("success_rate >= 99%", "50*refused@6", how="interrupted", ended_at=12.0) == "fail"

    def test_may_pass_a_window_that_was_over(self):
        ended = {"how": "interrupted", "ended_at": 15.0}
        assert verdict("success_rate >= 99% in steady", "50*ok@6", **ended) == "pass"
        assert whole("50*ok@6", "success_rate >= 99% in steady", **ended) == "inconclusive"

    @pytest.mark.parametrize("how", ["interrupted", "terminated", "safety", "objective", "killed"])
    def test_never_passes_as_a_whole(self, how):
        assert whole("50*ok@6", "success_rate >= 99%", how=how, ended_at=25.0) == "inconclusive"
        assert whole("50*refused@6", "success_rate >= 99%", how=how, ended_at=25.0) == "fail"


def test_percentiles_of_coarse_sketches_do_not_pass():
    assert verdict("latency.p95 < 1s", "50*ok@6", coarse=3) == "inconclusive"
    assert verdict("success_rate >= 99%", "50*ok@6", coarse=3) == "pass"


OBJECTIVES = (
    "success_rate >= 90%",
    "failures <= 3",
    "throughput >= 1/s",
    "outcomes.timeout == 0",
    "latency.p95 < 100ms",
    "latency(reads/a).p50 < 50ms",
    "success_rate(reads/b) >= 50%",
)
ENDS = ("ok/5", "ok/200", "b:ok/5", "rpc_error(3)/5", "timeout/5000", "refused/0.1", "dropped/0", "wrong/5")
FAILURES = ("rpc_error(3)/300", "timeout/5000", "http_error(500)/400", "malformed/5000", "wrong/500")
tokens = st.lists(st.sampled_from([f"{n}*{end}@{due}" for n in (1, 30) for end in ENDS for due in (6, 16)]))


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(OBJECTIVES), tokens, st.sampled_from(FAILURES), st.booleans())
def test_adding_a_slow_failure_never_improves_a_verdict(objective, reads, failure, fit):
    """Where there was evidence: with too few samples any one more may be what was missing."""
    before = verdict(objective, " ".join(reads), fit=fit)
    after = judged(objective, " ".join([*reads, f"{failure}@6"]), fit=fit)
    assert before == "inconclusive" or BETTER[after.verdict.value] <= BETTER[before]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(OBJECTIVES), min_size=1, max_size=4), st.booleans())
def test_removing_all_data_gives_inconclusive(objectives, fit):
    assert all(verdict(objective, "", fit=fit) == "inconclusive" for objective in objectives)
    assert whole("", *objectives) == "inconclusive"
