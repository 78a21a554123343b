"""Histories of who served, and what each strategy makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from battlectl.analyse.checks.routing import check_routing
from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.known import know
from battlectl.analyse.judge import judge
from battlectl.analyse.routing.eligible import concerns, fields_of
from battlectl.analyse.routing.verdicts import routing_of
from battlectl.plan.routing import ProviderFrame
from tests.analyse.faulted import faulted, injection

RANKS = (ProviderFrame("a", 1, "paid"), ProviderFrame("b", 2, "free"), ProviderFrame("c", 3, "free"))
SLOW_B = injection("rpc_latency", 2.0, 40.0, ("b",), "slow-b", latency_ms=200)
SLOW_C = injection("rpc_latency", 2.0, 40.0, ("c",), "slow-c", latency_ms=400)
SLOW_A = injection("rpc_latency", 20.0, 40.0, ("a",), "slow-a", latency_ms=900)
SLOWED = (
    "slow-b|b/inject@2-2.1 slow-b|b/heal@40-40.1 slow-c|c/inject@2-2.1 slow-c|c/heal@40-40.1"
    " slow-a|a/inject@20-20.1 slow-a|a/heal@40-40.1"
)
KILL = injection(name="kill")
WARM = "a:10@0-2 b:10@0-2 c:10@0-2"


def ran(
    served: str,
    *injections: Any,
    http: Mapping[str, Any] | None = None,
    routing: Mapping[str, Any] | None = None,
    level: str = "fail",
    lines: int = 25,
    **more: Any,
) -> Evidence:
    """A run of 40 s at 30 requests a second in which these served; each connection carried `lines`."""
    load = {"rate": "30/s", "calls": ["a"], **({} if http is None else {"http": dict(http)})}
    settings = {"within": 60, "recovery": "5s", **(routing or {})}
    if http is None or "provider" not in http:
        load["routing"] = settings
    deeds = more.pop("deeds", "")
    evidence = faulted(
        *injections, served=served, deeds=deeds, load={"reads": load}, checks={"routing": level}, **more
    )
    for (_, _, _), cell in evidence.tally.by_provider.items():
        cell.firsts = -(-cell.requests // lines)
        cell.paired = cell.requests - cell.firsts
    return replace(evidence, frame=replace(evidence.frame, providers=RANKS))


def found(*args: Any, **more: Any) -> tuple[str, str]:
    finding = check_routing(ran(*args, **more))
    return finding.verdict.value, finding.summary


FASTEST = {"strategy": "fastest"}


class TestFastest:
    SLOW = (SLOW_B, SLOW_C, SLOW_A)

    def test_it_holds_where_the_load_goes_to_whoever_is_fastest_now(self):
        served = f"{WARM} a:29@2-20 b:1@2-20 a:30@20-21 b:30@21-40"
        verdict, summary = found(served, *self.SLOW, http=FASTEST, deeds=SLOWED)
        assert verdict == "pass"
        assert "a got 96.67% of" in summary
        assert "b got 100% of" in summary

    def test_a_ranking_that_is_frozen_is_told_with_provider_share_and_time(self):
        verdict, summary = found(f"{WARM} a:30@2-40", *self.SLOW, http=FASTEST, deeds=SLOWED)
        assert verdict == "fail"
        assert summary == (
            "reads (fastest) from 23s to 40s: b got 0% of 510 requests among b, a, c, wanted at least 80%"
        )

    def test_latencies_that_are_ignored_are_caught_at_once(self):
        verdict, summary = found(
            f"{WARM} a:10@2-40 b:10@2-40 c:10@2-40", *self.SLOW, http=FASTEST, deeds=SLOWED
        )
        assert verdict == "fail"
        assert "reads (fastest) from 5s to 20s: a got 33.33%" in summary

    def test_of_equals_anybody_may_be_asked(self):
        verdict, summary = found("a:30@0-20 b:30@20-40", http=FASTEST)
        assert verdict == "inconclusive"
        assert "no eligible provider is surely slower" in summary

    def test_it_has_so_many_requests_to_move(self):
        served = f"{WARM} a:30@2-23 b:30@23-40"
        slow = {"http": FASTEST, "deeds": SLOWED}
        assert found(served, *self.SLOW, routing={"within": 100}, **slow)[0] == "pass"
        (moved,) = [s for s in routing_of(know(ran(served, *self.SLOW, **slow))) if s.field.start > 20]
        assert moved.settled == (86, 117)  # 20.1 s to 23 s, and the second in which it had moved.

    def test_a_move_that_was_not_waited_for_is_not_known(self):
        short = {"ended_at": 21.5, "http": FASTEST, "deeds": SLOWED}
        verdict, summary = found(f"{WARM} a:30@2-21", *self.SLOW, **short)
        assert verdict == "inconclusive"
        assert "it was over before 60 requests were sent" in summary


class TestEven:
    @pytest.mark.parametrize("strategy", ["round-robin", "load-balanced"])
    def test_it_holds_where_it_is(self, strategy):
        assert found("a:10@0-40 b:10@0-40 c:10@0-40", http={"strategy": strategy})[0] == "pass"

    def test_who_gets_too_little_is_told(self):
        verdict, summary = found("a:15@0-40 b:10@0-40 c:5@0-40", routing={"strategy": "round-robin"})
        assert verdict == "fail"
        assert "b got" not in summary
        assert "c got 16.67% of" in summary

    def test_who_is_out_is_not_missed_and_the_next_may_have_its_turns(self):
        during = "a:10@0-20 b:10@0-20 c:10@0-20 b:20@20-36 c:10@20-36 b:10@36-40 c:10@36-40 a:10@36-40"
        down = {"deeds": "inject@20-20.1 heal@30-30.1", "routing": {"strategy": "round-robin"}}
        assert found(during, KILL, **down)[0] == "pass"
        starved = during.replace("b:20@20-36 c:10@20-36", "b:29@20-36 c:1@20-36")
        verdict, summary = found(starved, KILL, **down)
        assert verdict == "fail"
        assert "b got 96.67%" in summary

    def test_who_is_not_used_again_after_its_recovery_is_told(self):
        served = "a:10@0-20 b:10@0-20 c:10@0-20 b:15@20-60 c:15@20-60"
        long = {"phases": {"steady": "60s"}, "ended_at": 60.0, "deeds": "inject@20-20.1 heal@30-30.1"}
        verdict, summary = found(served, KILL, routing={"strategy": "load-balanced"}, **long)
        assert verdict == "fail"
        assert "a got 0%" in summary
        assert "from 38s to 1m" in summary

    def test_second_attempts_without_a_known_fault_excuse_it(self):
        verdict, summary = found("a:15@0-40 b:10x2@0-40 c:5@0-40", routing={"strategy": "round-robin"})
        assert verdict == "inconclusive"
        assert "needed another attempt" in summary

    def test_connections_that_cannot_be_told_apart_may_have_stayed_with_somebody(self):
        evidence = ran("a:15@0-40 b:15@0-40", routing={"strategy": "round-robin"})
        for cell in evidence.tally.by_provider.values():
            cell.firsts = cell.paired = 0
        assert check_routing(evidence).verdict.value == "inconclusive"


class TestRanks:
    def test_priority_is_kept_and_the_second_steps_in(self):
        served = "a:30@0-20 b:30@20-36 a:30@36-40"
        down = {"deeds": "inject@20-20.1 heal@30-30.1", "http": {"strategy": "priority"}}
        assert found(served, KILL, **down)[0] == "pass"
        verdict, summary = found(served.replace("b:30@20-36", "c:30@20-36"), KILL, **down)
        assert verdict == "fail"
        assert "b got 0% of" in summary

    def test_cheapest_prefers_the_free_ones_however_they_share(self):
        assert found("b:29@0-40 c:1@0-40", http={"strategy": "cheapest"})[0] == "pass"
        verdict, summary = found("a:30@0-40", http={"strategy": "cheapest"})
        assert verdict == "fail"
        assert "b and c got 0% of" in summary

    def test_what_the_config_does_not_rank_is_not_judged(self):
        evidence = ran("a:10@0-40 x:20@0-40".replace("x", "d"), http={"strategy": "priority"})
        assert "does not rank d" in check_routing(evidence).summary


class TestWeights:
    SLOW = (SLOW_B, SLOW_C)
    DEEDS = SLOWED.partition(" slow-a")[0]

    def test_the_faster_gets_more_by_as_much_as_it_is_faster(self):
        served = f"{WARM} a:26@2-40 b:2@2-40 c:1@2-40"
        weighted = {"http": {"strategy": "latency-weighted"}, "deeds": self.DEEDS}
        assert found(served, *self.SLOW, **weighted)[0] == "pass"

    @pytest.mark.parametrize("shares", ["a:10@2-40 b:10@2-40 c:10@2-40", "a:2@2-40 b:9@2-40 c:19@2-40"])
    def test_weights_that_are_ignored_or_upside_down_are_caught(self, shares):
        weighted = {"http": {"strategy": "latency-weighted"}, "deeds": self.DEEDS}
        assert found(f"{WARM} {shares}", *self.SLOW, **weighted)[0] == "fail"


class TestOneProvider:
    def test_all_of_it_goes_there_through_every_fault(self):
        served = "a:30@0-20 -:30@20-30 a:30@30-40"
        down = {"deeds": "inject@20-20.1 heal@30-30.1", "http": {"provider": "a"}}
        assert found(served, KILL, **down)[0] == "pass"

    def test_one_request_elsewhere_is_one_too_many(self):
        verdict, summary = found("a:30@0-40 b:1@21", http={"provider": "a"})
        assert verdict == "fail"
        assert summary.startswith("reads (provider) from 0ms to 40s: a got 99.92% of 1,201 requests")


def test_a_fault_of_other_methods_leaves_a_provider_in():
    told = injection("method_error", name="told", methods=["eth_call"])
    evidence = ran("a:30@0-40", told, http={"strategy": "priority"})
    (load,), (strike,) = evidence.frame.workloads, know(evidence).strikes
    assert not concerns(strike, load)
    assert concerns(strike, replace(load, labels=("eth_call",)))
    hung = know(ran("", injection("hang", name="hung", methods=["eth_call"]), http={"strategy": "priority"}))
    assert concerns(hung.strikes[0], load)  # Whoever waits may be held for gone, whatever he was asked.


def test_who_is_banned_for_a_method_of_others_is_told():
    told = injection("method_error", name="told", methods=["eth_call"])
    deeds = {"deeds": "told|a/inject@20-20.1 told|a/heal@30-30.1", "http": {"strategy": "priority"}}
    assert found("a:30@0-40", told, **deeds)[0] == "pass"
    verdict, summary = found("a:30@0-20 b:30@20-30 a:30@30-40", told, **deeds)
    assert verdict == "fail"
    assert summary.startswith("reads (priority) from 22s to 30.1s: a got 0% of")
    assert found("a:30@0-21", told, ended_at=21.5, **deeds)[0] == "inconclusive"


FAILS_A = injection("method_error", name="told", methods=["a"])
FAILED_A = {"deeds": "told|a/inject@20-20.1 told|a/heal@30-30.1", "http": {"strategy": "priority"}}


def test_who_fails_a_method_is_not_to_be_asked_first_for_it_again_and_again():
    served = "a:30@0-20 b:30x2@20-30 a:30@30-40"
    verdict, summary = found(served, FAILS_A, **FAILED_A)
    assert verdict == "fail"
    assert summary == (
        "reads (priority) from 22s to 35.1s: anybody but a got 0% of 240 requests among anybody but a, a "
        "first, wanted at least 83.33%"
    )


def test_to_try_it_again_now_and_then_is_no_harm():
    served = "a:30@0-20 b:29@20-30 b:1x2@20-30 a:30@30-40"
    assert found(served, FAILS_A, **FAILED_A)[0] == "pass"


@pytest.mark.parametrize("served", ["b:30x?@20-30", "b:30@20-30"])
def test_where_no_reply_tells_of_attempts_nothing_is_said_of_who_was_asked_first(served):
    evidence = ran(f"a:30x?@0-20 {served} a:30x?@30-40", FAILS_A, **FAILED_A)
    assert all(len(stretch.rulings) <= 1 for stretch in routing_of(know(evidence)))


def test_a_provider_is_out_from_its_fault_until_its_recovery_is_over():
    evidence = ran("", KILL, deeds="inject@20-20.1 heal@30-30.1", http={"strategy": "priority"})
    fields = fields_of(evidence.frame.workloads[0], know(evidence).strikes, 0.0, 40.0, True)
    assert [(f.start, f.end, f.out) for f in fields] == [(0, 20, ()), (20, 35.1, ("a",)), (35.1, 40, ())]


@pytest.mark.parametrize("level", ["note", "inconclusive", "fail"])
def test_without_evidence_it_weighs_only_where_a_scenario_asks(level):
    evidence = ran("", http={"strategy": "fastest"}, level=level, objectives=["success_rate >= 50%"])
    (finding,) = [f for f in judge(evidence).findings if f.name == "routing"]
    assert finding.summary.endswith("no reply names its provider, and no provider is counted")
    assert finding.weighs.value == ("pass" if level == "note" else "inconclusive")


def test_the_counters_of_providers_do_where_replies_tell_nothing():
    even = ran("", KILL, deeds="inject@39-39.1", counts="a:20@0-40 b:20@0-40 c:20@0-40", reads="60*ok@0-40",
               routing={"strategy": "priority"})  # fmt: skip
    finding = check_routing(even)
    assert finding.verdict.value == "fail"
    assert "a got 33" in finding.summary


def test_all_figures_come_back_from_what_is_stored():
    evidence = ran("a:15@0-40 b:10@0-40 c:5@0-40", routing={"strategy": "round-robin"})
    assert routing_of(know(evidence)) == routing_of(know(evidence))
