"""Objectives about subscriptions: judged on what came, and never kept where nothing could be seen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battlectl.analyse.live import failed_objective
from battlectl.analyse.streams.figures import stream_figure
from battlectl.analyse.streams.words import tell_sighting
from battlectl.observe.streams.book import UNKNOWN
from battlectl.observe.streams.cell import StreamCell
from battlectl.scenario.metrics import STREAM_COUNTS, STREAM_METRICS, STREAM_UNITS
from battlectl.scenario.objectives import parse_objective
from tests.analyse.streamed import (
    BATTLE,
    STEADY,
    WARMUP,
    cell,
    ends,
    frame_of,
    gap,
    good,
    judged,
    objective_of,
    streamed,
    verdict,
)

FINE = {WARMUP: ends(), STEADY: good(30), BATTLE: good(30)}
STATS = STREAM_METRICS["subscription"].stats
VALUES = {"ratio": "50%", "duration": "300ms", "count": "5"}


def with_battle(**fields):
    """A run that was fine until the battle."""
    return {**FINE, BATTLE: good(**fields)}


@pytest.mark.parametrize(
    ("objective", "battle", "expected"),
    [
        ("subscription.gaps == 0", {}, "pass"),
        ("subscription.gaps == 0", {"missing_middle": 1}, "fail"),
        ("subscription.gaps <= 2", {"missing_start": 1, "missing_tail": 1}, "pass"),
        ("subscription.gaps < 2", {"missing_forward": 1, "missing_unreplaced": 1}, "fail"),
        ("subscription.gaps == 0 in steady", {"missing_middle": 9}, "pass"),
        ("subscription(heads).gaps == 0 in battle", {"missing_middle": 9}, "fail"),
        ("subscription.gaps == 0", {"skipped": 3}, "pass"),
        ("subscription.skipped == 0", {"skipped": 3}, "fail"),
        ("subscription.duplicates == 0", {"duplicates": 1}, "fail"),
        ("subscription.out_of_order == 0", {"out_of_order": 1}, "fail"),
        ("subscription.wrong_fork == 0", {"wrong_fork": 1}, "fail"),
        ("subscription.reorgs_hidden == 0", {"reorgs_hidden": 1}, "fail"),
        ("subscription.reorgs_followed >= 1", {"reorgs_followed": 1}, "pass"),
        ("subscription.reorgs_followed >= 1", {}, "fail"),
        ("subscription.back_filled <= 2", {"back_filled": 2}, "pass"),
        ("subscription.stalls == 0", {"stalls": 1}, "fail"),
        ("subscription.silent_ends == 0", {"ends_silent": 1}, "fail"),
        ("subscription.visible_ends == 1", {"ends_visible": 1}, "pass"),
        ("subscription.events >= 60", {}, "pass"),
        ("subscription.blocks >= 61", {}, "fail"),
        ("subscription.stall.max < 3s", {"silence": 2.5}, "pass"),
        ("subscription.stall.max < 3s", {"silence": 3.5}, "fail"),
        ("subscription.uptime >= 90%", {"dead_ns": 1_000_000_000}, "pass"),
        ("subscription.uptime >= 99%", {"dead_ns": 1_000_000_000}, "fail"),
        ("subscription.uptime >= 99%", {"open_ns": 9_000_000_000}, "fail"),
        ("subscription.gap_rate <= 5%", {"missing_middle": 2}, "pass"),
        ("subscription.gap_rate <= 1%", {"missing_middle": 2}, "fail"),
        ("subscription.duplicate_rate < 1%", {"duplicates": 1}, "fail"),
        ("subscription.resume.max < 2s", {"resume": [1.5]}, "pass"),
        ("subscription.resume.max < 2s", {"resume": [1.5, 2.5]}, "fail"),
        ("subscription.first_event.max < 2s", {"first_event": [0.5]}, "pass"),
        ("subscription.delivery_delay.p95 < 20ms", {}, "pass"),
        ("subscription.delivery_delay.max < 20ms", {"delay": [0.01, 0.5]}, "fail"),
        ("subscription.lateness.max < 1s", {"lateness": [0.4]}, "pass"),
        ("subscription.lateness.max < 1s", {"lateness": [1.4]}, "fail"),
        ("subscription.lateness.max < 1s", {}, "pass"),
        ("subscription.catch_up.max < 1s", {"catch_up": [1.4]}, "fail"),
        (("subscription_uptime", 0.9), {"dead_ns": 1_000_000_000}, "pass"),
        (("subscription_uptime", 0.99), {"dead_ns": 1_000_000_000}, "fail"),
        (("max_duplicate_rate", 0.0), {}, "pass"),
        (("max_duplicate_rate", 0.01), {"duplicates": 3}, "fail"),
        (("max_gap_rate", 0.0), {"missing_tail": 1}, "fail"),
        (("backfill_completion_ms", 2000), {"catch_up": [1.9]}, "pass"),
        (("backfill_completion_ms", 2000), {"catch_up": [2.1]}, "fail"),
    ],
)
def test_what_came_is_judged(objective, battle, expected):
    assert verdict(objective, with_battle(**battle)) == expected


@pytest.mark.parametrize("stat", STATS)
def test_every_statistic_is_measured(stat):
    """None is left at nothing where all counts and durations are there."""
    full = good(
        30,
        silence=1.0,
        **dict.fromkeys(("resume", "first_event", "lateness", "catch_up"), [0.5] * 200),
    )
    for name in ("duplicates", "wrong_fork", "ends_silent", "ends_visible", "missing_middle", "skipped"):
        full.add(name, 2)
    figure = stream_figure(full, stat)
    assert figure.value is not None
    assert figure.samples >= 30


@pytest.mark.parametrize("stat", STATS)
@pytest.mark.parametrize(
    "cells",
    [{}, {WARMUP: ends()}, {BATTLE: cell(wanted_ns=10**10, open_ns=10**10)}],
    ids=["nothing", "no blocks", "open and silent"],
)
def test_without_a_block_expected_nothing_passes(stat, cells):
    for op in ("<=", ">=", "==", "<", ">", "!="):
        text = f"subscription.{stat} {op} {VALUES[STREAM_UNITS.get(stat, 'count')]}"
        assert verdict(text, cells) == "inconclusive", text


@pytest.mark.parametrize("stat", STATS)
def test_without_subscribers_nothing_measures_it(stat):
    finding = judged(f"subscription.{stat} <= {VALUES[STREAM_UNITS.get(stat, 'count')]}", FINE, streams=())
    assert (finding.verdict.value, finding.summary) == ("inconclusive", "nothing in this run measures it")


DOUBTS = {
    "unproven": ({"unproven": 1}, "the truth can tell nothing about 1 events of heads"),
    "unwatched": ({"unwatched_ns": 2 * 10**9}, "for 2s nobody looked at the truth about heads"),
    "never opened": ({"never_opened": 1}, "1 streams of heads never got a subscription"),
    "unfinished": ({"begun": 1}, "1 streams of heads were not followed to their end"),
}


@pytest.mark.parametrize("doubt", DOUBTS)
@pytest.mark.parametrize(
    "objective",
    [
        "subscription.gaps == 0",
        "subscription.duplicates < 1",
        "subscription.uptime >= 99%",
        "subscription.gap_rate <= 1%",
        "subscription.stall.max < 3s",
        "subscription.lateness.max < 3s",
        "subscription.delivery_delay.p95 < 3s",
        "subscription.events >= 1",
    ],
)
def test_in_doubt_nothing_passes(objective, doubt):
    counts, words = DOUBTS[doubt]
    finding = judged(objective, with_battle(**counts))
    assert finding.verdict.value == "inconclusive"
    assert words in finding.summary


@pytest.mark.parametrize("doubt", DOUBTS)
def test_what_was_found_in_spite_of_doubt_is_a_failure(doubt):
    cells = with_battle(missing_middle=2, **DOUBTS[doubt][0])
    assert verdict("subscription.gaps == 0", cells) == "fail"
    assert verdict("subscription.blocks >= 1000", cells) == "inconclusive"  # It may have been there, unseen.


def test_an_unfinished_stream_counts_wherever_it_began():
    cells = {**FINE, WARMUP: cell(begun=2, streams=1)}
    assert verdict("subscription.gaps == 0 in battle", cells) == "inconclusive"


@pytest.mark.parametrize(
    "stat", ["duplicates", "duplicate_rate", "out_of_order", "wrong_fork", "false_links"]
)
def test_of_what_never_came_nothing_is_said(stat):
    silent = {WARMUP: ends(), BATTLE: cell(missing_tail=30, wanted_ns=10**10, open_ns=10**10, lag=[0.001])}
    value = "0%" if stat.endswith("rate") else "0"
    assert verdict(f"subscription.{stat} == {value}", silent) == "inconclusive"
    assert verdict("subscription.gaps == 0", silent) == "fail"


def test_one_workload_that_had_nothing_to_show_spoils_the_pass_of_all():
    streams = [frame_of(), frame_of("logs", kind="logs")]
    cells = {**FINE, ("logs", WARMUP): ends(), ("logs", BATTLE): cell(wanted_ns=10**10, open_ns=10**10)}
    finding = judged("subscription.gaps == 0", cells, streams=streams)
    assert (finding.verdict.value, "no block was expected of logs" in finding.summary) == (
        "inconclusive",
        True,
    )
    assert verdict("subscription(heads).gaps == 0", cells, streams=streams) == "pass"
    assert verdict("subscription(logs).gaps == 0", cells, streams=streams) == "inconclusive"


def test_a_workload_that_is_not_there_in_a_window_is_not_asked_for_it():
    streams = [frame_of(), frame_of("late", start=15.0)]
    cells = {**FINE, ("late", BATTLE): good(20, begun=1, streams=1)}
    assert verdict("subscription.gaps == 0 in steady", cells, streams=streams) == "pass"
    assert verdict("subscription(late).gaps == 0 in steady", cells, streams=streams) == "inconclusive"


@pytest.mark.parametrize(
    "objective",
    ["subscription.lateness.max < 1h", "subscription.catch_up.max < 1h", ("backfill_completion_ms", 9e9)],
)
def test_a_block_that_never_came_is_later_than_any_limit(objective):
    finding = judged(objective, with_battle(missing_middle=2, lateness=[0.1], catch_up=[0.1]))
    assert finding.verdict.value == "fail"
    assert "2 blocks never came" in finding.summary


def test_a_stream_that_never_came_back_leaves_open_how_long_it_takes():
    assert verdict("subscription.resume.max < 5s", with_battle(resume=[1.0], unresumed=1)) == "inconclusive"
    assert verdict("subscription.resume.max < 5s", with_battle(resume=[9.0], unresumed=1)) == "fail"


def test_without_an_end_there_is_no_time_to_resume():
    finding = judged("subscription.resume.max < 5s", FINE)
    assert (finding.verdict.value, finding.measured) == ("inconclusive", None)
    assert "there are no samples" in finding.summary


def test_a_percentile_needs_a_sample_beyond_it():
    few = {WARMUP: ends(), BATTLE: good(19)}
    assert verdict("subscription.delivery_delay.p95 < 1s", few) == "inconclusive"
    assert verdict("subscription.delivery_delay.p95 < 1s", {**few, STEADY: good(1)}) == "pass"
    assert verdict("subscription.delivery_delay.max < 1s", few) == "pass"


def test_min_samples_counts_blocks():
    objective = replace(parse_objective("subscription.resume.max < 5s"), min_samples=61)
    cells = with_battle(resume=[1.0])
    assert verdict(objective, cells) == "inconclusive"
    assert verdict(replace(objective, min_samples=60), cells) == "pass"


TIMES = [f"subscription.{stat} < 1s" for stat in STREAM_UNITS if STREAM_UNITS[stat] == "duration"]


@pytest.mark.parametrize("objective", [*TIMES, "subscription.uptime >= 50%", "subscription.stalls == 0"])
@pytest.mark.parametrize("seconds", [0.1, 9.0])
def test_with_an_unfit_generator_no_time_is_judged(objective, seconds):
    names = ("delay", "resume", "first_event", "lateness", "catch_up")
    cells = with_battle(silence=seconds, **{name: [seconds] * 200 for name in names})
    assert verdict(objective, cells, fit=False) == "inconclusive"


@pytest.mark.parametrize(("missing", "expected"), [(0, "pass"), (1, "fail")])
def test_an_unfit_generator_loses_no_block(missing, expected):
    assert verdict("subscription.gaps == 0", with_battle(missing_middle=missing), fit=False) == expected


@pytest.mark.parametrize(
    ("delay", "expected"), [(0.3, "pass"), (0.45, "inconclusive"), (0.55, "inconclusive"), (0.7, "fail")]
)
def test_a_time_is_as_exact_as_we_were_on_time(delay, expected):
    cells = {WARMUP: ends(), BATTLE: good(30, delay=[delay] * 30, lag=[0.1] * 30)}
    assert verdict("subscription.delivery_delay.p95 < 500ms", cells) == expected


@pytest.mark.parametrize(
    ("stat", "delay", "most", "expected"),
    [
        ("p95 < 10ms", 0.0, 0.1, "inconclusive"),
        ("max < 10ms", 0.0, 0.1, "inconclusive"),
        ("p95 < 200ms", 0.0, 0.1, "pass"),
        ("p95 < 10ms", 0.02, 0.12, "fail"),
        ("p95 > 50ms", 0.0, 0.1, "inconclusive"),
        ("p95 > 50ms", 0.06, 0.16, "pass"),
    ],
)
def test_a_delay_is_as_exact_as_the_chain_was_looked_at(stat, delay, most, expected):
    cells = {WARMUP: ends(), BATTLE: good(30, delay=[delay] * 30, delay_most=[most] * 30, lag=[0.0] * 30)}
    finding = judged(f"subscription.delivery_delay.{stat}", cells)
    assert finding.verdict.value == expected
    assert ("it may be 100ms more" in finding.summary) == (expected == "inconclusive")


def test_one_slow_look_spoils_the_maximum_and_no_percentile():
    """Each delay has its own doubt: of 40 blocks one was looked for a whole second later."""
    most = [0.1] * 39 + [1.0]
    cells = {WARMUP: ends(), BATTLE: good(40, delay=[0.0] * 40, delay_most=most)}
    assert verdict("subscription.delivery_delay.p95 < 500ms", cells) == "pass"
    assert verdict("subscription.delivery_delay.max < 500ms", cells) == "inconclusive"


@pytest.mark.parametrize(
    ("most", "words"), [([], "not known"), ([UNKNOWN] * 30, "before the chain was first looked at")]
)
def test_a_delay_of_which_nobody_knows_the_most_is_no_pass(most, words):
    cells = {WARMUP: ends(), BATTLE: good(30, delay=[0.2] * 30, delay_most=most)}
    finding = judged("subscription.delivery_delay.p95 < 500ms", cells)
    assert (finding.verdict.value, words in finding.summary) == ("inconclusive", True)
    assert verdict("subscription.delivery_delay.p95 < 100ms", cells) == "fail"


def test_what_the_journal_kept_too_coarsely_is_not_judged_but_counts_are():
    cells = with_battle(coarse=5, silence=2.0, missing_middle=0)
    assert verdict("subscription.delivery_delay.p95 < 1s", cells) == "inconclusive"
    assert verdict("subscription.stall.max < 3s", cells) == "pass"
    assert verdict("subscription.gaps == 0", cells) == "pass"


@pytest.mark.parametrize(
    ("objective", "battle", "expected"),
    [
        ("subscription.gaps == 0", {}, "inconclusive"),
        ("subscription.gaps == 0", {"missing_middle": 1}, "fail"),
        ("subscription.gaps == 3", {"missing_middle": 2}, "inconclusive"),
        ("subscription.gaps != 2", {"missing_middle": 2}, "inconclusive"),
        ("subscription.events >= 1", {}, "inconclusive"),
        ("subscription.events >= 1000", {}, "inconclusive"),
        ("subscription.uptime >= 99%", {"dead_ns": 5 * 10**9}, "inconclusive"),
        ("subscription.stall.max < 1s", {"silence": 5.0}, "fail"),
        ("subscription.gaps == 0 in steady", {}, "pass"),
    ],
)
def test_of_a_run_that_was_cut_short_only_what_cannot_get_better_is_a_failure(objective, battle, expected):
    assert verdict(objective, with_battle(**battle), how="interrupted", ended_at=20.0) == expected


def test_a_failure_shows_the_first_thing_that_was_seen():
    cells = with_battle(missing_middle=6, seen=[gap(101, 105), gap(90, 90, since=15.5, until=16.0)])
    finding = judged("subscription.gaps == 0", cells)
    told = "block 90 never came, jumped over in the middle (heads/1, 15.5s to 16s)"
    assert finding.summary == f"6; first: {told}"
    assert (finding.measured, finding.samples, finding.expected) == (6, 66, "== 0")


@pytest.mark.parametrize(
    ("sighting", "words"),
    [
        (gap(101, 105), "blocks 101 to 105 never came, jumped over in the middle (heads/1, 16s to 18s)"),
        (gap(7, 7, 1.5, 1.5, "duplicates"), "block 7 came again (heads/1, at 1.5s)"),
        (
            gap(7, 7, 0.0, 2.0, "missing_start"),
            "block 7 never came, before the first block (heads/1, 0s to 2s)",
        ),
        (gap(7, 7, 1.0, 1.0, "new kind"), "block 7 new kind (heads/1, at 1s)"),
    ],
)
def test_a_sighting_is_told_with_blocks_and_times(sighting, words):
    assert tell_sighting(sighting) == words


def test_an_abort_waits_for_what_may_still_come_and_not_for_what_is_lost():
    def reason(text, **battle):
        objective = replace(objective_of(text), abort_on_fail=True)
        return failed_objective(
            streamed({**FINE, WARMUP: cell(begun=1), BATTLE: good(**battle)}, [objective])
        )

    assert reason("subscription.gaps == 0") is None
    assert reason("subscription.events >= 1000") is None
    assert "failed with 2" in reason("subscription.gaps == 0", missing_middle=2).text


counts = st.dictionaries(
    st.sampled_from(
        ["missing_middle", "missing_tail", "duplicates", "wrong_fork", "unproven", "never_opened"]
    ),
    st.integers(1, 5),
)


@given(counts, st.sampled_from(["gaps", "duplicates", "wrong_fork", "gap_rate", "uptime"]))
def test_more_trouble_never_improves_a_verdict(more, stat):
    order = ["fail", "inconclusive", "pass"]
    value = {"uptime": ">= 99%", "gap_rate": "<= 0%"}.get(stat, "== 0")
    before = verdict(f"subscription.{stat} {value}", FINE)
    after = verdict(f"subscription.{stat} {value}", with_battle(**more))
    assert order.index(after) <= order.index(before)


@given(st.sampled_from(STATS), counts)
def test_no_figure_of_an_empty_cell_is_made_up(stat, more):
    assert stream_figure(StreamCell(), stat).value in (None, 0.0)
    assert stream_figure(StreamCell(), stat).samples == 0
    assert (stat in STREAM_COUNTS) == (stream_figure(StreamCell(), stat).value == 0.0)


@pytest.mark.parametrize(("lag", "expected"), [(1.4, "pass"), (1.6, "inconclusive")])
@pytest.mark.parametrize("objective", ["subscription.uptime >= 90%", "subscription.stalls == 0"])
def test_a_silence_that_may_be_our_own_is_nobodys_fault(objective, lag, expected):
    """Dead is what is silent for 3 s."""
    assert verdict(objective, with_battle(lag=[lag])) == expected
