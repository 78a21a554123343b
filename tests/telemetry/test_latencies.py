"""What replies tell of how long their provider took is held against the exchange, and against a delay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battlectl.analyse.checks.telemetry import check_telemetry
from battlectl.analyse.judge import judge
from battlectl.analyse.telemetry.account import disagreements
from battlectl.observe.served import is_longer
from tests.analyse.faulted import faulted, injection

SLOW = injection("rpc_latency", 20.0, 30.0, ("b",), "slow-b", latency_ms=150)
SLOWED = {
    "deeds": "slow-b|b/inject@20-20.1 slow-b|b/heal@30-30.1",
    "probes": "b/new:ok/2@19 b/new:ok/152@20.2-30 b/new:ok/2@31",
}
WELL = "a:10/10~9@0-20 b:10/10~9@0-20 a:10/10~9@30-40 b:10/10~9@30-40"


def evidence(served, *injections, **more):
    return faulted(*injections, served=served, **({"deeds": "", **more}))


def found(served, *injections, **more):
    """(kind, provider, words) of what cannot be so."""
    told = disagreements(evidence(served, *injections, **more))
    assert {one.source for one in told} <= {"replies"}
    return [(one.kind, one.provider, one.words) for one in told]


def slowed(served, fault=SLOW, **more):
    return found(f"{WELL} a:10/10~9@20-30 {served}", fault, **(SLOWED | more))


# Longer than the exchange


def test_a_provider_did_not_take_longer_than_the_client_waited():
    assert found("a:10/10~9@0-40 b:10/10~9@0-12 b:10/10~30@12 b:1/10~90@25") == [
        (
            "latency",
            "b",
            "tell of 11 requests that b took longer than the whole exchange, up to 90 ms in one of 10 ms: "
            "invented, or of another request",
        )
    ]


@pytest.mark.parametrize(
    "served",
    [
        "a:10/10~9@0-40",
        "a:10/10~11@0-40",  # Whole milliseconds, rounded.
        "a:10/10~0@0-40",
        "a:10/1000~1009@0-40",  # A clock that goes a little faster.
        "a:10/10~9@0-40 b:5/10~30@12",  # Five of them.
        "a:10/10~9@0-40 a:8/10~30@12",  # One in fifty.
        "a:10/10@0-40",
    ],
)
def test_what_a_provider_may_have_taken_is_no_lie(served):
    assert found(served) == []


KEPT = "a:10/10~9@0-40 b:10x?/10~30@0-40"


def test_who_does_not_tell_of_attempts_may_have_kept_the_answer_of_another_request():
    assert found(KEPT) == []
    assert found("a:10/10~9@0-40 b:10x?/10~9@0-40 b:10/10~30@12") == []
    ((_, provider, words),) = found("a:10/10~9@0-40 b:1x?/10~30@0-10 b:10/10~30@0-40")
    assert provider == "b"
    assert words.startswith("tell of 400 requests ")  # At least.


@pytest.mark.parametrize("injections", [(), (SLOW,)])
def test_such_a_latency_is_told_of_and_is_no_agreement(injections):
    served = "a:10/10~9@0-40 b:10x?/10~30@0-20 b:10/152~150@20-30 b:10/10~9@30-40"
    told = evidence(served, *injections, **(SLOWED if injections else {}))
    finding = check_telemetry(told)
    assert finding.verdict == "inconclusive"
    assert finding.summary.startswith(
        "replies tell of 200 requests that b took longer than the whole exchange, and not of their attempts: "
        "invented, or of an answer that was kept or shared"
    )
    assert [one.name for one in judge(told).findings if one.name == "telemetry"] == ["telemetry"]


def test_attempts_that_are_not_told_leave_other_latencies_alone():
    told = evidence(f"{WELL} a:10/10~9@20-30 b:13x?/152~150@20-30", SLOW, **SLOWED)
    assert check_telemetry(told).verdict == "pass"


@given(took=st.floats(0, 60), part=st.floats(0, 1), late=st.floats(0, 1))
def test_no_part_of_an_exchange_in_whole_milliseconds_is_longer_than_it(took, part, late):
    truth = took * part
    for told in (truth, round(truth, 3), -(-truth // 0.001) * 0.001):
        assert not is_longer(told, took + late)


# Shorter than a delay


def test_a_provider_did_not_take_less_than_its_delay():
    assert slowed("b:13/152~15@20-30") == [
        (
            "latency",
            "b",
            "tell of 125 requests that b took less than 135 ms, though slow-b makes each of its answers take "
            "150 ms",
        )
    ]


@pytest.mark.parametrize(
    "served",
    [
        "b:13/152~150@20-30",
        "b:13/152@20-30",  # Told by no reply.
        "b:1/152~15@20-30",  # Too few.
        "b:13/152~150@20-30 b:10/152~15@20 b:10/152~15@20",  # Due before it was in force.
        "b:9/152~150@20-30 b:1/4000~150@25 b:10/3000~15@27-30",  # Waited elsewhere until it was over.
        "b:3/152~150@20-30 b:30/3000~15@27",  # All of these.
    ],
)
def test_what_may_have_been_so_fast_is_no_lie(served):
    assert slowed(served) == []


@pytest.mark.parametrize("outlier", ["b:1/9900~15@20", "b:1/9900~15@29", "b:1/1500~15@24"])
def test_one_request_that_waited_long_excuses_no_other(outlier):
    ((kind, provider, _),) = slowed(f"b:13/152~15@20-30 {outlier}")
    assert (kind, provider) == ("latency", "b")


def test_who_cannot_have_answered_so_soon_is_told_of_once():
    ((kind, _, words),) = slowed("b:7/152~150@20-30 b:6/5~4@20-30")
    assert kind == "server"
    assert "came within 135 ms" in words


@pytest.mark.parametrize(
    ("attributes", "blamed"),
    [
        ({}, True),
        ({"probability": 0.5}, False),
        ({"transport": "ws"}, False),
        ({"methods": ["z"]}, False),
        ({"jitter_ms": 148}, False),
    ],
)
def test_only_a_delay_that_leaves_no_choice_proves_it(attributes, blamed):
    fault = injection("rpc_latency", 20.0, 30.0, ("b",), "slow-b", latency_ms=150, **attributes)
    assert bool(slowed("b:13/152~15@20-30", fault)) is blamed


def test_a_delay_that_did_nothing_leaves_everything_possible():
    probes = "b/new:ok/2@19 b/new:ok/2@21 b/new:ok/2@25 b/new:ok/2@31"
    assert slowed("b:13/152~15@20-30", probes=probes) == []


# What is agreement


@pytest.mark.parametrize(
    ("told", "injections", "verdict"),
    [
        ("b:13/152~150@20-30", (SLOW,), "pass"),
        ("b:13/152@20-30", (SLOW,), "inconclusive"),
        ("b:13/152~150@20-30", (), "inconclusive"),
        ("b:2/152~150@20-30", (SLOW,), "inconclusive"),
        ("b:13/9900~150@20-30", (SLOW,), "inconclusive"),
        ("b:13/9900~15@20-30", (SLOW,), "inconclusive"),
        ("b:13/10~9@20-30", (), "inconclusive"),
    ],
    ids=[
        "under a delay",
        "not told",
        "nothing that a short one could be told by",
        "as few as may have been answered after it",
        "all of them may have been answered after it",
        "all of them may have been answered after it, and were",
        "no delay",
    ],
)
def test_agreement_needs_a_delay_under_which_a_lie_would_have_been_seen(told, injections, verdict):
    finding = check_telemetry(evidence(f"{WELL} {told}", *injections, **(SLOWED if injections else {})))
    assert finding.verdict == verdict
    assert ("1 delays that replies tell of" in finding.summary) is (verdict == "pass")
