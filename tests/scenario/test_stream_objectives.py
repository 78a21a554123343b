"""Objectives about subscribers, against what a scenario sends."""

from __future__ import annotations

import pytest

from battlectl.errors import BadFile
from battlectl.scenario.check_objectives import check_objectives
from battlectl.scenario.draft import Draft, Promise
from battlectl.scenario.metrics import STREAM_METRICS, STREAM_UNITS
from battlectl.scenario.model import RequestWorkload
from battlectl.scenario.objectives import ORIGINAL_NAMES, parse_objective
from battlectl.scenario.parse import parse_scenario
from battlectl.scenario.streams import SubscribeWorkload

READS = RequestWorkload.model_validate({"rate": "5/s", "calls": ["eth_blockNumber"]})
HEADS = SubscribeWorkload.model_validate({"subscribe": "newHeads"})
LATE = SubscribeWorkload.model_validate({"subscribe": "newHeads", "phases": ["battle"]})
PHASES = {"steady": 10.0, "battle": 10.0}


def mistakes(text, **load):
    """What is wrong with one objective beside such workloads."""
    promises = (Promise(("objectives", 0), parse_objective(text)),)
    draft = Draft(
        phases=PHASES, load=load, feeds={}, promises=promises, originals={}, checks={}, safety=None, **EMPTY
    )
    return [mistake.message for mistake in check_objectives(draft)]


EMPTY = {"chaos": (), "warmup_latencies": {}}


@pytest.mark.parametrize(
    ("text", "load", "message"),
    [
        ("subscription.gaps == 0", {"heads": HEADS}, None),
        ("subscription(heads).gaps == 0 in battle", {"heads": HEADS, "reads": READS}, None),
        ("success_rate(reads) >= 99%", {"heads": HEADS, "reads": READS}, None),
        ("subscription.gaps == 0", {"heads": None, "reads": READS}, None),
        (
            "subscription.gaps == 0",
            {"reads": READS},
            '"subscription" is about subscribers, and none are in `load`',
        ),
        ("success_rate >= 99%", {"heads": HEADS}, '"success_rate" is about requests, and `load` sends none'),
        ("subscription(head).gaps == 0", {"heads": HEADS}, 'no workload "head", did you mean "heads"?'),
        ("subscription(reads).gaps == 0", {"heads": HEADS, "reads": READS}, 'cannot be about "reads"'),
        ("success_rate(heads) >= 99%", {"heads": HEADS, "reads": READS}, 'cannot be about "heads"'),
        ("subscription.gaps == 0 in steady", {"late": LATE}, "nothing of any workload is sent in steady"),
        ("subscription.gaps == 0 in battle", {"late": LATE}, None),
        ("latency.p95 < 60s", {"heads": HEADS, "reads": READS}, "always holds"),
        ("subscription.gaps >= 0", {"heads": HEADS}, "always holds"),
        ("subscription.stall.max == 3s", {"heads": HEADS}, "never exactly equal"),
    ],
)
def test_an_objective_is_about_what_is_there(text, load, message):
    found = mistakes(text, **load)
    assert (message is None) == (found == [])
    assert message is None or any(message in one for one in found)


def test_a_file_without_subscribers_cannot_promise_anything_about_them():
    text = """version: 1
name: x
phases: {steady: 5s}
load: {reads: {rate: 1/s, calls: [eth_blockNumber]}}
objectives: [subscription.gaps == 0]
"""
    with pytest.raises(BadFile) as refused:
        parse_scenario(text, "x.yml", {}, [], lambda name: "")
    assert "x.yml:5:14: objectives.0: " in str(refused.value)
    assert "none are in `load`" in str(refused.value)


def test_an_original_name_is_taken_as_it_is():
    text = """version: 1
name: x
phases: {steady: 5s}
load: {reads: {rate: 1/s, calls: [eth_blockNumber]}}
objectives: {success_rate: 0.5, subscription_uptime: 0.99}
"""
    assert parse_scenario(text, "x.yml", {}, [], lambda name: "").scenario


def test_every_original_name_of_subscribers_names_a_statistic_that_there_is():
    stats = {one.stat: one.unit for one in ORIGINAL_NAMES.values() if one.metric == "subscription"}
    assert set(stats) == {"uptime", "duplicate_rate", "gap_rate", "catch_up.max"}
    assert all(STREAM_METRICS["subscription"].unit_of(stat) == unit for stat, unit in stats.items())
    assert set(STREAM_UNITS) <= set(STREAM_METRICS["subscription"].stats)
