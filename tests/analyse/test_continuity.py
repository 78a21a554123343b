"""The checks of a run with subscribers: continuity, accounting, and whether the generator was fit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from battlectl.analyse.checks.continuity import ADVERSE, check_continuity
from battlectl.analyse.judge import judge
from battlectl.analyse.streams.figures import COUNTED_AS
from tests.analyse.streamed import BATTLE, STEADY, WARMUP, cell, ends, frame_of, gap, good, streamed, whole

FINE = {WARMUP: ends(), STEADY: good(30), BATTLE: good(30)}
GAPS = "subscription.gaps == 0"


def finding(judgement, name):
    (found,) = [one for one in judgement.findings if one.name == name]
    return found


def test_a_run_in_which_every_block_came_passes_with_subscribers_alone():
    judgement = whole(FINE, GAPS)
    assert judgement.verdict.value == "pass"
    assert [one.name for one in judgement.checks] == ["accounting", "generator", "continuity"]
    assert (
        finding(judgement, "continuity").summary == "each of 60 blocks came once and in order, to 1 streams"
    )
    assert finding(judgement, "accounting").summary == "each of 1 streams was followed to its end"
    assert finding(judgement, "generator").summary.startswith("lag p99 of streams 1ms")


def test_requests_beside_them_are_judged_as_ever():
    judgement = whole(FINE, GAPS, "success_rate >= 99%", reads="")
    assert judgement.verdict.value == "pass"
    assert [one.name for one in judgement.checks] == ["accounting", "generator", "replies", "continuity"]
    told = "each of 100 arrivals has exactly one outcome; each of 1 streams was followed to its end"
    assert finding(judgement, "accounting").summary == told


def test_a_run_without_subscribers_says_nothing_of_continuity():
    judgement = whole({}, "success_rate >= 99%", reads="", streams=())
    assert "continuity" not in [one.name for one in judgement.findings]


@pytest.mark.parametrize("stat", ADVERSE)
def test_whatever_is_adverse_is_found(stat):
    name = "missing_middle" if stat == "gaps" else COUNTED_AS.get(stat, stat)
    found = check_continuity(streamed({**FINE, BATTLE: good(30, **{name: 2})}))
    assert found.verdict.value == "fail"
    assert f"2 {ADVERSE[stat]}" in found.summary


@pytest.mark.parametrize(
    "name", ["ends_visible", "resumes", "reemitted", "reorgs_followed", "skipped", "removed"]
)
def test_what_is_honest_is_not_adverse(name):
    assert check_continuity(streamed({**FINE, BATTLE: good(30, **{name: 2})})).verdict.value == "pass"


def test_what_was_invented_is_told_beside_what_was_of_a_fork():
    found = check_continuity(streamed({**FINE, BATTLE: good(30, wrong_fork=2, invented=1)}))
    assert found.summary == "of 60 blocks: 3 never on the chain, 1 of these invented"
    judgement = whole({**FINE, BATTLE: good(30, invented=1)}, "subscription.wrong_fork == 0")
    assert judgement.verdict.value == "fail"


def test_warm_up_counts_as_well_and_the_first_example_is_told():
    early = cell(begun=1, streams=1, missing_start=5, seen=[gap(1, 5, 0.5, 2.0, "missing_start")])
    found = check_continuity(
        streamed({**FINE, WARMUP: early, BATTLE: good(30, duplicates=1, seen=[gap(9, 9)])})
    )
    told = "first: blocks 1 to 5 never came, before the first block (heads/1, 500ms to 2s)"
    assert found.summary == f"of 65 blocks: 5 missing, 1 doubled; {told}"


@pytest.mark.parametrize(
    ("level", "verdict"),
    [(None, "pass"), ("note", "pass"), ("inconclusive", "inconclusive"), ("fail", "fail")],
)
def test_it_is_a_note_unless_it_is_raised(level, verdict):
    checks = {} if level is None else {"continuity": level}
    judgement = whole({**FINE, BATTLE: good(30, duplicates=1)}, GAPS, checks=checks)
    assert judgement.verdict.value == verdict


@pytest.mark.parametrize("doubt", ["unproven", "unwatched_ns"])
def test_in_doubt_it_is_inconclusive_and_weighs(doubt):
    judgement = whole({**FINE, BATTLE: good(30, **{doubt: 10**9})}, "subscription.gaps == 0 in steady")
    assert finding(judgement, "continuity").weighs.value == "inconclusive"


@pytest.mark.parametrize("cells", [{}, {WARMUP: ends()}], ids=["nothing", "no block"])
def test_a_run_without_a_block_is_inconclusive(cells):
    assert whole(cells, GAPS).verdict.value == "inconclusive"


def test_asked_for_where_there_are_no_subscribers_it_is_inconclusive():
    judgement = whole({}, "success_rate >= 99%", reads="", streams=(), checks={"continuity": "fail"})
    assert finding(judgement, "continuity").summary == "nothing in this run measures it"
    assert judgement.verdict.value == "inconclusive"


@pytest.mark.parametrize(
    ("early", "problem"),
    [
        (cell(begun=2, streams=1), "heads: 2 streams were begun and 1 finished"),
        (cell(begun=1, streams=2), "heads: 1 streams were begun and 2 finished"),
        (cell(begun=3, streams=3), "heads: 1 streams were planned and 3 begun"),
        (cell(), "heads: 1 streams were planned and 0 begun"),
    ],
)
def test_streams_that_are_not_accounted_for_are_no_pass(early, problem):
    judgement = whole({**FINE, WARMUP: early}, GAPS)
    assert problem in finding(judgement, "accounting").summary
    assert judgement.verdict.value == "inconclusive"


def test_of_those_who_come_and_go_the_number_is_not_planned():
    judgement = whole({**FINE, WARMUP: ends(7)}, GAPS, streams=[frame_of(clients=None)])
    assert judgement.verdict.value == "pass"


def test_of_a_run_that_was_cut_short_not_all_need_have_begun():
    judgement = whole({WARMUP: ends(3)}, GAPS, streams=[frame_of(clients=9)], how="interrupted", ended_at=6.0)
    assert finding(judgement, "accounting").verdict.value == "pass"


def test_lag_that_nobody_measured_may_have_been_any():
    found = finding(whole({**FINE, STEADY: good(30, lag=[]), BATTLE: good(30, lag=[])}, GAPS), "generator")
    assert (found.verdict.value, found.summary) == (
        "inconclusive",
        "nobody measured how late streams were read",
    )


def test_how_late_streams_were_read_is_shown_beside_requests():
    cells = {**FINE, BATTLE: good(30, lag=[0.09] * 30)}
    delays = ["subscription.delivery_delay.p95 < 50ms", "subscription.delivery_delay.p95 < 1s"]
    judgement = whole(cells, *delays, GAPS, reads="")
    assert finding(judgement, "generator").summary.startswith("lag p99 0ms, lag p99 of streams 90ms, longest")
    assert [one.verdict.value for one in judgement.objectives] == ["inconclusive", "pass", "pass"]


def test_streams_that_were_read_too_late_prove_no_time_but_counts_all_the_same():
    cells = {**FINE, BATTLE: good(30, lag=[0.4] * 30)}
    judgement = whole(cells, "subscription.delivery_delay.p95 < 1s", GAPS)
    found = finding(judgement, "generator")
    assert found.verdict.value == "inconclusive"
    assert found.summary.startswith("lag p99 of streams 400ms is above 100ms")
    assert [one.verdict.value for one in judgement.objectives] == ["inconclusive", "pass"]


def test_what_is_late_about_requests_does_not_touch_the_times_of_streams():
    evidence = streamed(FINE, ["subscription.delivery_delay.p95 < 1s"], reads="")
    strict = replace(evidence, frame=replace(evidence.frame, max_lag=-1.0))
    judgement = judge(strict)
    assert finding(judgement, "generator").verdict.value == "inconclusive"
    assert [one.verdict.value for one in judgement.objectives] == ["pass"]


def test_requests_that_were_never_sent_are_not_excused_by_streams():
    judgement = whole(FINE, GAPS, reads=None)
    assert judgement.verdict.value == "pass"
    evidence_less = whole({**FINE}, "success_rate >= 99%")
    assert evidence_less.verdict.value == "inconclusive"
