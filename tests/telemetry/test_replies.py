"""What replies tell of who served them is held against what a fault leaves possible."""

from __future__ import annotations

import pytest

from battlectl.analyse.telemetry.account import disagreements
from battlectl.analyse.telemetry.replies import comparable_faults
from tests.analyse.faulted import faulted, injection

HANG = injection("hang", 20.0, 30.0)
SLOW = injection("rpc_latency", 20.0, 30.0, ("b",), "slow-b", latency_ms=150)
HUNG = {
    "deeds": "inject@20-20.1 heal@30-30.1",
    "counts": "a:10@0-40 b:10@0-20 b:20@20-30 b:10@30-40",
    "probes": "new:ok@19 new:timeout/900@20.2-29 new:ok@30.2",
}
SLOWED = {
    "deeds": "slow-b|b/inject@20-20.1 slow-b|b/heal@30-30.1",
    "probes": "b/new:ok/2@19 b/new:ok/152@20.2-30 b/new:ok/2@31",
}
WELL = "a:10@0-20 b:10@0-20 a:10@30-40 b:10@30-40"


def found(*injections, **more):
    """(kind, provider) of what cannot be so, and in what words."""
    told = disagreements(faulted(*injections, **more))
    assert {one.source for one in told} <= {"replies"}
    return [(one.kind, one.provider, one.words) for one in told]


def hung(served, hits="100@20.1-30", **more):
    return found(HANG, served=f"{WELL} {served}", hits=hits, **(HUNG | more))


def test_replies_that_tell_of_their_attempts_agree():
    assert hung("b:10@20-30 b:10x2@20-30") == []


def test_who_cannot_have_answered_is_not_to_be_named():
    (kind, provider, words), *_ = hung("b:10@20-30 a:10x2@20-30")
    assert (kind, provider) == ("server", "a")
    assert words.startswith("name a in 80 good answers, 20.1s to 30.0s, ")
    assert words.endswith("while hang-a failed all that came to it")


def test_attempts_that_failed_are_to_be_told():
    ((kind, provider, words),) = hung("b:20@20-30")
    assert (kind, provider) == ("attempts", "a")
    assert "tell of 0 attempts in vain, and at least 8" in words
    assert words.endswith("none says more")


def test_to_say_nothing_of_them_is_no_better():
    ((kind, _, words),) = hung("b:10@20-30 b:10x?@20-30")
    assert kind == "attempts"
    assert words.endswith("100 good answers say nothing of theirs")


@pytest.mark.parametrize(
    ("served", "more"),
    [
        ("b:10@20-30 -:10@20-30", {}),  # Those that never came had made them.
        ("b:20@20-30", {"hits": "10@20.1-30"}),  # Too few to say anything.
        ("b:20@20-30", {"hits": ""}),  # Nobody counted.
    ],
)
def test_what_may_be_so_is_no_lie(served, more):
    assert hung(served, **more) == []


def test_a_target_that_never_tells_its_attempts_is_not_blamed_for_it():
    quiet = WELL.replace("10@", "10x?@")
    assert found(HANG, served=f"{quiet} b:20x?@20-30", hits="100@20.1-30", **HUNG) == []


@pytest.mark.parametrize(
    ("attributes", "blamed"),
    [({}, True), ({"probability": 0.5}, False), ({"transport": "http"}, False), ({"methods": ["z"]}, False)],
)
def test_only_a_fault_that_leaves_no_choice_proves_it(attributes, blamed):
    fault = injection("hang", 20.0, 30.0, **attributes)
    served = f"{WELL} b:10@20-30 a:10x2@20-30"
    told = found(fault, served=served, hits="100@20.1-30", **HUNG)
    assert any(kind == "server" for kind, _, _ in told) is blamed


def test_an_answer_is_not_of_one_who_could_not_give_it_so_soon():
    ((kind, provider, words),) = found(SLOW, served=f"{WELL} a:10@20-30 b:7/150@20-30 b:6/5@20-30", **SLOWED)
    assert (kind, provider) == ("server", "b")
    assert words == (
        "name b in 60 answers that came within 135 ms, though slow-b makes each of its answers take 150 ms"
    )


def test_answers_that_took_their_time_agree():
    assert found(SLOW, served=f"{WELL} a:10@20-30 b:13/150@20-30", **SLOWED) == []


DELAYED = {
    "late": "b/new:ok/2@19 b/new:ok/152@20.2-30 b/new:ok/2@31",
    "at once": "b/new:ok/2@19 b/new:ok/2@20.2-30 b/new:ok/2@31",
    "late for a part of it": "b/new:ok/2@19 b/new:ok/152@20.2-25 b/new:ok/2@31",
    "nobody looked": "b/new:ok/2@19 b/new:ok/2@31",
    "nobody looked before": "b/new:ok/152@20.2-30 b/new:ok/2@31",
    "never asked": "",
}


@pytest.mark.parametrize("seen", DELAYED)
def test_a_delay_that_is_not_known_to_have_been_leaves_everything_possible(seen):
    served = f"{WELL} a:10@20-30 b:7/150@20-30 b:6/5@20-30"
    told = found(SLOW, served=served, **(SLOWED | {"probes": DELAYED[seen]}))
    assert bool(told) is (seen == "late")


FAILED = {
    "for all of it": "new:ok@19 new:timeout/900@20.2-29 new:ok@30.2",
    "not at all": "new:ok@19-40",
    "for a part of it": "new:ok@19 new:timeout/900@20.2-24 new:ok@25-31",
    "nobody looked": "new:ok@19 new:ok@30.2",
    "never asked": "",
}


@pytest.mark.parametrize("served", ["b:10@20-30 a:10x2@20-30", "b:20@20-30"], ids=["who", "how often"])
@pytest.mark.parametrize("seen", FAILED)
def test_a_failure_that_is_not_known_to_have_been_accuses_nobody_and_is_no_agreement(seen, served):
    """Its hits alone are no proof: what it did to them nobody saw."""
    is_known = seen == "for all of it"
    assert bool(hung(served, probes=FAILED[seen])) is is_known
    evidence = faulted(
        HANG,
        served=f"{WELL} b:10@20-30 b:10x2@20-30",
        hits="100@20.1-30",
        **(HUNG | {"probes": FAILED[seen]}),
    )
    assert comparable_faults(evidence) == int(is_known)
