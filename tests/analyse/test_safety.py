"""What must be done once, held against what providers counted; and errors that give something away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from battlectl.analyse.checks.safety import NOTHING, check_safety
from battlectl.observe.consistency import Count as Facts
from battlectl.observe.consistency import Fact, Seen
from battlectl.observe.faults import Campaign, Count
from battlectl.observe.tally import Delta
from battlectl.plan.once import is_once
from battlectl.scenario.calls import Call
from tests.analyse.histories import evidence_of

READS = "8*a:ok@6 2*a:rpc_error(-32000)@7 1*a:dropped@8 5*b:ok@6"
LEAKED = Delta(facts={Fact("errors", "leak", "reads", 1): Facts(2, Seen(7.0, "x", 1.0, "an address"), None)})


def look(t: float, once: int, provider: str = "x", generation: int = 1) -> Count:
    return Count(t, provider, generation, connections=1, calls=once + 50, probes=0, once=once)


def found(*looks: Count, once: tuple[str, ...] = ("a",), reads: str = READS, leaked: bool = False):
    evidence = evidence_of(reads)
    if leaked:
        evidence.tally.merge(LEAKED)
    workloads = tuple(replace(workload, once=once) for workload in evidence.frame.workloads)
    frame = replace(evidence.frame, workloads=workloads)
    finding = check_safety(replace(evidence, frame=frame, campaign=Campaign(counts=looks)))
    return finding.verdict.value, finding.summary


def test_what_was_asked_of_providers_as_often_as_it_was_sent_was_done_once():
    """Ten of eleven: one was dropped. What was counted before the first look was not ours."""
    verdict, told = found(look(0.0, 7), look(9.0, 17))
    assert (verdict, told) == (
        "pass",
        "10 calls that must be done once were asked of providers 10 times (x 10)",
    )


def test_once_more_is_a_failure_wherever_it_was_asked():
    verdict, told = found(look(0.0, 0), look(0.0, 0, "y"), look(9.0, 8), look(9.0, 3, "y"))
    assert verdict == "fail"
    assert told.endswith("11 times (x 8, y 3)")


def test_a_restart_begins_at_zero():
    looks = look(0.0, 0), look(5.0, 8), look(6.0, 1, generation=2), look(9.0, 3, generation=2)
    assert found(*looks)[0] == "fail"
    assert found(*looks[:3])[0] == "pass"


@pytest.mark.parametrize("looks", [(), (look(0.0, 0), look(9.0, 0)), (look(0.0, 0), look(9.0, 7))])
def test_counters_that_missed_what_was_answered_prove_nothing(looks):
    verdict, told = found(*looks)
    assert verdict == "inconclusive"
    assert "nobody counts them all" in told


def test_where_nothing_must_be_done_once_there_is_nothing_to_find():
    assert found(look(0.0, 0), look(9.0, 99), once=()) == ("inconclusive", NOTHING)


def test_an_error_that_gives_something_away_is_a_failure_by_itself():
    verdict, told = found(once=(), leaked=True)
    assert (verdict, told) == ("fail", "2 errors gave something away (first at 7.00s, by x: an address)")
    assert found(look(0.0, 0), look(9.0, 10), leaked=True)[0] == "fail"


def test_only_what_surely_does_more_the_second_time_is_listed():
    assert is_once("eth_sendTransaction")
    assert not is_once("eth_sendRawTransaction")
    assert not is_once("eth_call")


def test_our_own_resending_is_no_fault_of_the_target():
    evidence = evidence_of("3*a:ok@6")
    workload = replace(evidence.frame.workloads[0], once=("a",))
    looks = look(0.0, 0), look(9.0, 4)
    again = replace(
        evidence, frame=replace(evidence.frame, workloads=(workload,)), campaign=Campaign(counts=looks)
    )
    assert check_safety(again).verdict.value == "fail"
    for flow in evidence.tally.flows.values():
        flow.reconnects += 1
        break
    assert check_safety(again).verdict.value == "pass"


def test_a_call_is_known_by_its_method_whatever_it_is_called():
    call = Call(method="eth_sendTransaction", name="payment")
    load = {"reads": {"rate": "1/s", "calls": [call.model_dump(include={"method", "name"}), "eth_call"]}}
    assert evidence_of("1*a:ok@6", load=load).frame.workloads[0].once == ("payment",)
