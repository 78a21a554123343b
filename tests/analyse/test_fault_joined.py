"""The client's side of faults that join each other, or come and go faster than calls go missing."""

import pytest

from battlectl.analyse.faults.proof import prove_faults
from tests.analyse.faulted import faulted, injection

ERRORS = injection("http_5xx", at=25.0, until=32.0, name="errors")
JOINED = {
    "deeds": "inject@20-20.1 heal@30-30.1 errors|inject@25-25.1 errors|heal@32-32.1",
    "probes": "new:ok@19 kept:ok@19 new:refused@20.2-30 kept:reset@20.2 new:http_error(503)@30.3 "
    "new:http_error(503)@31.3 new:ok@32.3",
}
FLAP = injection("flap", down_ms=300, up_ms=300)
TURNS = {
    "probes": "new:ok@19 new:refused@20.25 new:refused@21.45 new:refused@29.85 new:ok@30.2",
    "counts": "a:10@0-40 b:10@0-40",
    "hits": "3@20.1-30",  # those of our own probes
}


def test_a_fault_that_is_joined_by_another_is_proven_by_the_time_before_that():
    counts = "a:10@0-20 a:0@20-32 a:10@32-40 b:10@0-20 b:20@20-32 b:10@32-40"
    first, second = prove_faults(faulted(injection(), ERRORS, counts=counts, **JOINED))
    assert "0 calls reached it where about" in first.client_side
    assert (first.reasons, first.verdict) == ((), "confirmed")
    assert second.verdict == "unproven"  # Nobody called it, but the kill was reason enough for that.
    assert "what went missing may be the doing of kill-a, in force there as well" in second.reasons[0]


def test_one_that_was_joined_before_anything_went_missing_stays_unproven():
    counts = "a:10@0-25 a:0@25-32 a:10@32-40 b:10@0-25 b:20@25-32 b:10@32-40"
    first, second = prove_faults(faulted(injection(), ERRORS, counts=counts, **JOINED))
    assert [first.verdict, second.verdict] == ["unproven", "unproven"]


def test_a_flap_faster_than_any_breaker_is_seen_by_the_requests_that_needed_another_provider():
    served = "a:10@0-20 b:10@0-20 a:10@20-30 b:9@20-30 b:1x2/80@20-30 a:10@30-40 b:10@30-40"
    (found,) = prove_faults(faulted(FLAP, served=served, **TURNS))
    assert (found.reasons, found.verdict) == ((), "confirmed")
    assert "10 of 200 requests needed another provider, 0 of 400 in the baseline" in found.client_side


@pytest.mark.parametrize(
    "served",
    [
        "a:10@0-40 b:10@0-20 b:9@20-24 b:1x2/80@20-24 b:10@24-40",
        "a:10@0-40 b:9@0-40 b:1x2/80@0-40",
        "a:10x?@0-40 b:10x?@0-40",
        "",
    ],
    ids=["too few of them", "as many as ever", "attempts untold", "no reply tells"],
)
def test_it_is_not_when_hardly_more_of_them_did_than_usual(served):
    (found,) = prove_faults(faulted(FLAP, served=served, **TURNS))
    assert found.verdict == "unproven"


def test_requests_that_needed_another_provider_prove_none_of_two_faults_at_once():
    other = injection("flap", at=22.0, until=28.0, providers=("b",), name="other", down_ms=300, up_ms=300)
    served = "a:10@0-20 b:10@0-20 a:10@20-30 b:9@20-30 b:1x2/80@20-30 a:10@30-40 b:10@30-40"
    deeds = "inject@20-20.1 heal@30-30.1 other|b/inject@22-22.1 other|b/heal@28-28.1"
    first, second = prove_faults(faulted(FLAP, other, served=served, deeds=deeds, **TURNS))
    assert [first.verdict, second.verdict] == ["unproven", "unproven"]
