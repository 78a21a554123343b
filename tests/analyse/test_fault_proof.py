"""The proof of faults: the ways in which one does nothing, and what it takes to be confirmed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battlectl.analyse.faults.expect import LOOKS, expected_of
from battlectl.analyse.faults.proof import Proof, check_proof, prove_faults
from battlectl.analyse.judge import judge
from battlectl.lab.faults.table import KINDS
from battlectl.observe.faults import Campaign
from battlectl.scenario.chaos_kinds import FAULTS
from tests.analyse.faulted import faulted, injection

USED = "a:10@0-20 a:0@20-30 a:10@30-40 b:10@0-20 b:20@20-30 b:10@30-40"
"""Half of the load, none while it is down, half again."""
UNCHANGED = "a:10@0-40 b:10@0-40"
SLOW = "20*ok@0-20 20*ok/400@20-30 20*ok@30-40"
HEALED = "inject@20-20.1 heal@30-30.1"
OVER_WEBSOCKETS = {"reads": {"rate": "1/s", "calls": ["a", "b"], "ws": {}}}
DOWN = "new:ok@19 kept:ok@19 new:refused@20.2-30 kept:reset@20.2 new:ok@30.2"
UP = "new:ok@19 kept:ok@19 new:ok@20.2-30 kept:ok@20.2-30 new:ok@30.2"


def met(outcome: str) -> str:
    """Probes of a fault that makes each of them end so."""
    return f"new:ok@19 kept:ok@19 new:{outcome}@20.2-29 kept:{outcome}@20.2-29 new:ok@30.2"


def proof(*injections, **campaign) -> Proof:
    return prove_faults(faulted(*(injections or (injection(),)), **campaign))[0]


COLD = "new:ok/90@18 kept:ok/90@18 new:ok/90@19 kept:ok/90@19"
"""Answers that took their time before the fault, as the first ones of a run do."""


@pytest.mark.parametrize(("middle", "verdict"), [(310, "confirmed"), (200, "mismatch")])
def test_a_delay_is_gone_when_an_answer_came_sooner_than_it_alone_would_let_it(middle, verdict):
    late = injection("rpc_latency", latency_ms=300)
    seen = f"kept:ok/400@20.2-24 kept:ok/{middle}@25.2 kept:ok/400@26.2-29"
    probes = f"{COLD} {seen} {seen.replace('kept', 'new')} new:ok@30.2"
    found = proof(late, reads=SLOW, probes=probes, counts=UNCHANGED, hits="100@20.1-30")
    assert found.verdict == verdict, found.reasons
    assert any("was gone at 25.2s" in reason for reason in found.reasons) is (verdict == "mismatch")


@pytest.mark.parametrize(("first", "verdict"), [(310, "confirmed"), (200, "mismatch")])
def test_a_delay_took_effect_late_only_where_an_answer_came_sooner_than_it_alone_would_let_it(first, verdict):
    late = injection("rpc_latency", latency_ms=300)
    seen = f"kept:ok/{first}@20.2-23.2 kept:ok/400@24.2-29.2"
    probes = f"{COLD} {seen} {seen.replace('kept', 'new')} new:ok@30.2"
    found = proof(late, reads=SLOW, probes=probes, counts=UNCHANGED, hits="100@20.1-30")
    assert found.verdict == verdict, found.reasons
    assert any("took effect late" in reason for reason in found.reasons) is (verdict == "mismatch")


SLOW_BEFORE = COLD.replace("/90", "/310")


@pytest.mark.parametrize(
    "during",
    [
        "kept:ok/310@20.2-29.2 new:ok/310@20.2-29.2",
        "kept:ok/310@20.2-29.2 new:ok/700@20.2-29.2",
        "kept:ok/310@20.2-23.2 kept:ok/700@24.2-29.2 new:ok/700@20.2-29.2",
    ],
)
def test_what_answered_as_slowly_without_the_delay_proves_none(during):
    """Whether it counts hits or not: what it struck may have been elsewhere, half, or later."""
    late = injection("rpc_latency", latency_ms=300)
    probes = f"{SLOW_BEFORE} {during} new:ok/310@30.2 kept:ok/310@30.2"
    found = proof(late, reads=SLOW, probes=probes, counts=UNCHANGED, hits="100@20.1-30")
    assert found.verdict == "unproven", found.reasons
    assert any("may have been as slow without it" in reason for reason in found.reasons)


@pytest.mark.parametrize(("kept", "verdict"), [(310, "confirmed"), (200, "mismatch")])
def test_a_delay_left_connections_alone_only_where_they_answered_sooner_than_it_would_let_them(kept, verdict):
    late = injection("rpc_latency", latency_ms=300)
    probes = f"{COLD} kept:ok/{kept}@20.2-29.2 new:ok/400@20.2-29.2 new:ok@30.2"
    found = proof(late, reads=SLOW, probes=probes, counts=UNCHANGED, hits="100@20.1-30")
    assert found.verdict == verdict, found.reasons
    assert any("left kept connections alone" in reason for reason in found.reasons) is (verdict == "mismatch")


def test_a_kill_that_is_seen_from_both_sides_is_confirmed():
    found = proof(probes=DOWN, counts=USED)
    assert (found.verdict, found.reasons) == ("confirmed", ())
    assert found.provider_side == (
        "before: 1 new ok, 1 kept ok (up to 2ms); "
        "injected at 20.1s: 10 new refused, 1 kept reset (up to 2ms); "
        "refused or reset first seen after 100ms; healed at 30.1s: 1 new ok (up to 2ms)"
    )
    assert found.client_side == "10.0 calls/s before the fault; 0 calls reached it where about 98 would have"
    assert (found.struck, found.healed) == (20.1, 30.1)


LATE = injection("rpc_latency", latency_ms=300)
ERRORS = injection("http_5xx")
SOME = injection("http_5xx", probability=0.5)
FEW = injection("http_5xx", probability=0.05)
STALE = injection("stale_head")
CALLS = injection("rpc_error", methods=["eth_call"])
OTHER_KILL = injection("kill", 18.0, 32.0, name="long")
BOTH_DOWN = "long|inject@18-18.1 long|heal@32-32.1 inject@20-20.1 heal@30-30.1"

WAYS_TO_DO_NOTHING = {
    "the provider does not exist": (
        injection(providers=("x",)),
        {"deeds": "x/inject@20-20.1!no-such-proxy", "probes": "x/new:refused@19", "counts": UNCHANGED},
        ("unproven", "the driver could not inject it: no-such-proxy"),
    ),
    "the driver says ok and ignores it": (
        injection(),
        {"probes": UP, "counts": UNCHANGED},
        (
            "mismatch",
            "had no effect: 10 new ok, 10 kept ok (up to 2ms) while in force, refused or reset was expected",
        ),
    ),
    "a kept connection is unaffected": (
        injection(),
        {
            "probes": "new:ok@19 kept:ok@19 new:refused@20.2-30 kept:ok@20.2-30 new:ok@30.2",
            "counts": UNCHANGED,
        },
        (
            "mismatch",
            "left kept connections alone: 10 kept ok (up to 2ms), refused or reset was expected",
        ),
    ),
    "new connections are unaffected": (
        injection(),
        {"probes": "new:ok@19 kept:ok@19 new:ok@20.2-30 kept:reset@20.2 new:ok@30.2", "counts": UNCHANGED},
        ("mismatch", "left new connections alone: 10 new ok (up to 2ms), refused or reset was expected"),
    ),
    "the provider was dead already": (
        injection(),
        {"probes": "new:ok@2 new:refused@19 new:refused@20.2-30 new:ok@30.2", "counts": USED},
        ("unproven", "was already down before the fault (refused at 19.0s)"),
    ),
    "nobody looked before": (
        injection(),
        {"probes": "new:refused@20.2-30 new:ok@30.2", "counts": USED},
        ("unproven", "no probe says that it was up before the fault"),
    ),
    "it spares what the load uses, and one request fails by chance": (
        injection(connections="new"),
        {
            "reads": "20*ok@0-25 19*ok@25 timeout/5000@25 20*ok@26-40",
            "probes": "new:ok@19 kept:ok@19 new:refused@20.2-30 kept:ok@20.2-30 new:ok@30.2",
            "counts": UNCHANGED,
        },
        (
            "unproven",
            "nothing of the load was seen to be touched: it strikes new connections alone, and spares those "
            "that were open before",
        ),
    ),
    "the same, and we had no room to send some": (
        injection(connections="new"),
        {
            "reads": "20*ok@0-25 10*ok@25 10*dropped/0@25 20*ok@26-40",
            "probes": "new:ok@19 kept:ok@19 new:refused@20.2-30 kept:ok@20.2-30 new:ok@30.2",
            "counts": UNCHANGED,
        },
        (
            "unproven",
            "nothing of the load was seen to be touched: it strikes new connections alone, and spares those "
            "that were open before",
        ),
    ),
    "only sockets of the target's own are struck": (
        injection("ws_close"),
        {"probes": UP, "counts": UNCHANGED, "hits": "3@20.1-30"},
        (
            "unproven",
            "nothing of the load was touched: its 3 hits may all be probes: it strikes WebSockets alone, and "
            "nothing of the load went there over one",
        ),
    ),
    "no traffic goes there": (
        injection(),
        {"probes": DOWN, "counts": "a:0+4@0-40 b:20@0-40"},
        ("unproven", "got no traffic: no call of the load in 10.0s before the fault"),
    ),
    "only the target's own probes go there": (
        injection(),
        {"probes": DOWN, "counts": "a:1@0-20 a:0@20-30 a:1@30-40 b:21@0-40"},
        (
            "unproven",
            "got no more traffic than probes may be: 10 calls in 10.0s before the fault",
        ),
    ),
    "the target answers everything itself, and somebody else probes": (
        injection(),
        {"probes": DOWN, "counts": "a:3@0-20 a:0@20-30 a:3@30-40 b:3@0-40"},
        ("unproven", "got no more traffic than probes may be: 30 calls in 10.0s before the fault"),
    ),
    "the same, and nothing was counted without a fault": (
        injection(at=0.0, until=20.0),
        {
            "deeds": "inject@0-0.1 heal@20-20.1",
            "probes": "new:ok/0@0 new:refused@0.2-20 new:ok@20.2",
            "counts": "a:0@0-20 a:3@20-40 b:3@0-40",
        },
        ("unproven", "got no more traffic than probes may be: 30 calls in 9.8s after the fault"),
    ),
    "the provider is dead throughout": (
        injection(),
        {"driver": "haproxy", "probes": "new:refused@10-40", "counts": USED},
        ("unproven", "was already down before the fault (refused at 19.0s)"),
    ),
    "the traffic had left before": (
        injection(),
        {"probes": DOWN, "counts": "a:10@0-8 a:0@8-30 a:10@30-40 b:10@0-8 b:20@8-30 b:10@30-40"},
        ("unproven", "got no traffic: no call of the load in 10.0s before the fault"),
    ),
    "somebody healed it half-way, as probes see": (
        injection(),
        {"probes": "new:ok@19 new:refused@20.2-25 new:ok@25.2-30 new:ok@30.2", "counts": USED},
        ("mismatch", "was gone at 25.2s, it should have lasted until 30.0s"),
    ),
    "somebody healed it half-way, as its own list says": (
        STALE,
        {"probes": UP, "counts": UNCHANGED, "hits": "90@20.1-26"},
        ("mismatch", "was gone at 26.2s, it should have lasted until 30.0s"),
    ),
    "the admin API died in between": (
        STALE,
        {
            "probes": "new:ok@19 new:ok@20.2",
            "counts": "a:10@0-24 b:10@0-24",
            "hits": "90@20.1-24",
            "deeds": "inject@20-20.1 heal@30-38!refused",
        },
        ("mismatch", "could not be healed: refused"),
    ),
    "nobody watched it to its end": (
        injection(),
        {"probes": "new:ok@19 new:refused@20.2-24 new:ok@30.2", "counts": USED},
        ("unproven", "nothing shows that it lasted until 30.0s: it was last seen at 23.2s"),
    ),
    "the lease was lost": (
        injection(),
        {"probes": DOWN, "counts": USED, "lost": "24"},
        ("mismatch", "the lease was lost at 24.0s: the lab does not know it"),
    ),
    "it came late": (
        injection(),
        {
            "deeds": "inject@20-21.5 heal@30-30.1",
            "probes": "new:ok@19 new:refused@22-30 new:ok@30.2",
            "counts": USED,
        },
        ("mismatch", "was injected 1.5s late, at 21.5s"),
    ),
    "it worked late": (
        injection(),
        {"probes": "new:ok@19 new:ok@20.2-23 new:refused@23.2-30 new:ok@30.2", "counts": USED},
        (
            "mismatch",
            "took effect late: 3 new ok (up to 2ms) until 2.2s after it was due",
        ),
    ),
    "it was healed early": (
        injection(),
        {"deeds": "inject@20-20.1 heal@27-27.1", "probes": DOWN, "counts": USED},
        ("mismatch", "was healed 3s early, at 27.0s"),
    ),
    "it was healed early, for the run was stopped": (
        injection(),
        {
            "deeds": "inject@20-20.1 heal@27-27.1",
            "probes": DOWN,
            "counts": USED,
            "how": "interrupted",
            "ended_at": 27.5,
        },
        ("unproven", "was healed 3s early, at 27.0s: the run was stopped"),
    ),
    "it was healed late": (
        injection(),
        {"deeds": "inject@20-20.1 heal@30-34", "probes": f"{DOWN} new:ok@35", "counts": USED},
        ("mismatch", "was healed 4s late, at 34.0s"),
    ),
    "the provider does not come back": (
        injection(),
        {"probes": "new:ok@19 new:refused@20.2-30 new:refused@30.2-33", "counts": USED},
        ("mismatch", "does not answer after it was healed: 3 new refused (up to 2ms)"),
    ),
    "nobody looked afterwards": (
        injection(),
        {"probes": "new:ok@19 new:refused@20.2-30", "counts": USED},
        ("unproven", "no probe says that it is up after it was healed"),
    ),
    "it is still there afterwards": (
        LATE,
        {
            "probes": "new:ok@19 new:ok/310@20.2-29 new:ok/310@30.2",
            "counts": UNCHANGED,
            "reads": SLOW,
        },
        ("mismatch", "is still there after it was healed: 1 new ok (up to 310ms)"),
    ),
    "it was never healed": (
        injection(),
        {"deeds": "inject@20-20.1", "probes": DOWN, "counts": USED},
        ("mismatch", "was never healed"),
    ),
    "the run was killed while it was in force": (
        injection(),
        {"deeds": "inject@20-20.1", "probes": DOWN, "counts": USED, "how": "killed", "ended_at": 26.0},
        ("unproven", "nothing says that it was healed: the run was killed"),
    ),
    "replies name others alone": (
        injection(),
        {"probes": DOWN, "served": "b:10@0-40"},
        ("unproven", "got no traffic that anybody saw: it served none of 200 requests before the faults"),
    ),
    "the driver hung": (
        injection(),
        {"deeds": "inject@20", "probes": DOWN, "counts": USED},
        ("unproven", "the driver never answered when it was to inject it"),
    ),
    "nothing was ever done": (
        injection(),
        {"deeds": "", "probes": UP, "counts": UNCHANGED},
        ("unproven", "nothing says that it was ever injected"),
    ),
    "the run ended first": (
        injection(),
        {"deeds": "", "how": "interrupted", "ended_at": 12.0},
        ("unproven", "the run ended before it was due"),
    ),
    "another status came": (
        ERRORS,
        {"probes": met("http_error(429)"), "counts": USED},
        (
            "mismatch",
            "had no effect: 9 new http_error(429), 9 kept http_error(429) (up to 2ms) while in force, "
            "HTTP status 503 was expected",
        ),
    ),
    "it is a tenth as late as asked": (
        LATE,
        {"probes": met("ok/32"), "counts": UNCHANGED, "reads": SLOW},
        (
            "mismatch",
            "had no effect: 9 new ok, 9 kept ok (up to 32ms) while in force, late was expected",
        ),
    ),
    "it touched our probes only": (
        ERRORS,
        {"probes": met("http_error(503)"), "counts": UNCHANGED, "hits": "18@20.1-30"},
        ("unproven", "nothing of the load was touched: its 18 hits may all be probes"),
    ),
    "nobody called the methods": (
        CALLS,
        {"probes": UP, "counts": UNCHANGED, "hits": "0@20.1-30"},
        (
            "unproven",
            "was in force and nothing met it: its own count of hits is 0: it strikes eth_call alone, and the "
            "load calls a, b",
        ),
    ),
    "nobody asked often enough": (
        FEW,
        {"probes": UP, "counts": UNCHANGED},
        (
            "unproven",
            "10 new ok, 10 kept ok (up to 2ms) while in force prove nothing, and nothing counts its hits",
        ),
    ),
    "it should have been met by now": (
        SOME,
        {"probes": UP, "counts": UNCHANGED},
        (
            "mismatch",
            "had no effect: 10 new ok, 10 kept ok (up to 2ms) while in force, HTTP status 503 was expected",
        ),
    ),
    "another fault explains all of it": (
        injection(),
        {"probes": f"new:ok@17 {DOWN}", "counts": USED, "deeds": BOTH_DOWN},
        ("unproven", "no probe that it alone explains while in force, and no count of its hits"),
    ),
    "a dead provider is late": (
        LATE,
        {"probes": f"new:ok@17 {DOWN}", "counts": USED, "deeds": BOTH_DOWN},
        ("unproven", "no probe that it alone explains while in force, and no count of its hits"),
    ),
    "it did not restart": (
        injection("restart", down_ms=2_000),
        {"probes": "new:ok@19 kept:ok@19 new:refused@20.2-22 kept:reset@20.2 new:ok@30.2", "counts": USED},
        ("mismatch", "did not restart: its generation is the same as before"),
    ),
    "a flapping provider never came down": (
        injection("flap", down_ms=2_000, up_ms=2_000),
        {"probes": UP, "counts": UNCHANGED},
        (
            "mismatch",
            "had no effect: 3 new ok, 3 kept ok (up to 2ms) while in force, refused or reset was expected",
        ),
    ),
    "the load saw nothing of it": (
        LATE,
        {"probes": met("ok/310"), "counts": UNCHANGED},
        (
            "unproven",
            "nothing of the load was seen to be touched: no calls missing, none hit, none failed or slower",
        ),
    ),
    "no provider is counted": (
        injection(),
        {"probes": DOWN},
        (
            "unproven",
            "nothing says whether the load used it: its calls were not counted without the fault",
        ),
    ),
    "the target was told to leave it alone, and did not": (
        injection(),
        {"driver": "haproxy", "probes": UP, "counts": UNCHANGED},
        (
            "unproven",
            "nothing shows that the target left it alone: 100 calls came in 10s",
        ),
    ),
    "the target left it alone for a while only": (
        injection(),
        {"driver": "haproxy", "probes": UP, "counts": "a:10@0-20 a:0@20-26 a:10@26-40 b:10@0-40"},
        ("unproven", "nothing shows that it lasted until 30.0s: it was last seen at 27.5s"),
    ),
    "it struck another provider": (
        injection(),
        {"probes": UP, "counts": UNCHANGED, "hits": "30@20.1-30"},
        (
            "mismatch",
            "struck another provider, or is asked at another's url: it counted 30 hits, and 10 new ok, 10 "
            "kept ok (up to 2ms) at its address",
        ),
    ),
    "only its own count has seen it": (
        injection(),
        {"probes": "new:ok@19 new:ok@30.2", "counts": USED, "hits": "30@20.1-30"},
        ("unproven", "no probe while it was in force, only its own count of hits"),
    ),
    "a delay of nothing": (
        injection("rpc_latency", latency_ms=0),
        {"probes": UP, "counts": UNCHANGED, "hits": "110@20.1-30"},
        (
            "unproven",
            "adds 0ms at most, and nobody could tell: 10 new ok, 10 kept ok (up to 2ms) while in force",
        ),
    ),
    "a delay of next to nothing on a machine that has more to do": (
        injection("rpc_latency", latency_ms=1),
        {
            "probes": "new:ok/2@10-20 kept:ok/3@19 new:ok/5@20.2-30 kept:ok/6@20.2-30 new:ok/2@30.2",
            "counts": UNCHANGED,
            "hits": "110@20.1-30",
        },
        (
            "unproven",
            "adds 1ms at most, and nobody could tell: 10 new ok, 10 kept ok (up to 6ms) while in force",
        ),
    ),
    "a small delay among answers that differ by more": (
        injection("rpc_latency", latency_ms=5),
        {
            "probes": "new:ok/2@10-20 kept:ok/12@19 new:ok/15@20.2-30 kept:ok/15@20.2-30 new:ok/2@30.2",
            "counts": UNCHANGED,
            "hits": "110@20.1-30",
        },
        (
            "unproven",
            "adds 5ms at most, and nobody could tell: 10 new ok, 10 kept ok (up to 15ms) while in force",
        ),
    ),
    "a delay of nothing, over WebSockets": (
        injection("rpc_latency", latency_ms=0, transport="ws"),
        {"probes": UP, "counts": UNCHANGED, "hits": "110@20.1-30"},
        (
            "unproven",
            "adds 0ms at most, and nobody could tell: 10 new ok, 10 kept ok (up to 2ms) while in force",
        ),
    ),
    "a bandwidth that nothing fills": (
        injection("bandwidth", rate=1_000_000),
        {"probes": UP, "counts": UNCHANGED, "hits": "110@20.1-30"},
        (
            "unproven",
            "adds 0.03us at most, and nobody could tell: 10 new ok, 10 kept ok (up to 2ms) while in force",
        ),
    ),
    "it is made to do nothing": (
        injection("rpc_noop"),
        {"probes": UP, "counts": UNCHANGED, "hits": "110@20.1-30"},
        ("unproven", "does nothing by design: that it was in force proves its driver and nothing else"),
    ),
    "the target had left it alone before": (
        injection(),
        {"driver": "haproxy", "probes": UP, "counts": "a:0@0-40 b:20@0-40"},
        ("unproven", "nothing shows that the target left it alone: it had no calls before the fault either"),
    ),
    "nothing is known at all": (
        injection(),
        {"deeds": "", "reads": ""},
        ("unproven", "nothing says that it was ever injected"),
    ),
}
"""Name -> (the fault, what was seen, its verdict and the first reason)."""


@pytest.mark.parametrize("way", WAYS_TO_DO_NOTHING)
def test_a_fault_that_did_nothing_is_not_confirmed_and_says_why(way):
    fault, campaign, (verdict, reason) = WAYS_TO_DO_NOTHING[way]
    others = (OTHER_KILL,) if "long|" in campaign.get("deeds", "") else ()
    if others:
        campaign = campaign | {"deeds": campaign["deeds"].replace(" inject", f" {fault.name}|inject", 1)}
        campaign["deeds"] = campaign["deeds"].replace(" heal@30", f" {fault.name}|heal@30")
    evidence = faulted(fault, *others, objectives=["success_rate >= 1%"], **campaign)
    found = next(p for p in prove_faults(evidence) if p.fault == fault.name)
    assert (found.verdict, found.reasons[0]) == (verdict, reason)
    assert judge(evidence).verdict == "inconclusive"
    check = check_proof(evidence)
    assert check.verdict == "inconclusive"
    assert reason in check.summary


def test_there_are_at_least_sixteen_of_them():
    assert len(WAYS_TO_DO_NOTHING) >= 16


CONFIRMED = {
    "kill": (injection(), {"probes": DOWN, "counts": USED}),
    "kill, one of two connections meant": (
        injection(connections="new"),
        {
            "probes": "new:ok@19 kept:ok@19 new:refused@20.2-30 kept:ok@20.2-30 new:ok@30.2",
            "counts": USED,
        },
    ),
    "hang": (
        injection("hang"),
        {
            "probes": "new:ok@19 kept:ok@19 new:timeout/1500@20.2-28 kept:timeout/1500@20.2 "
            "new:timeout/1500@28.4 new:ok@30.2",
            "counts": USED,
        },
    ),
    "flap": (
        injection("flap", down_ms=2_000, up_ms=2_000),
        {
            "probes": "new:ok@19 new:refused@20.3-22 new:ok@22.3-24 new:refused@24.3-26 new:ok@26.3-28 "
            "new:refused@28.3-30 new:ok@30.2",
            "counts": USED,
        },
    ),
    "restart": (
        injection("restart", until=22.0, down_ms=2_000),
        {
            "deeds": "inject@20-20.1 heal@22-22.1",
            "probes": "new:ok@19 kept:ok@19 new:refused@20.2-22 kept:reset@20.2 new:ok@22.3",
            "counts": "a:10@0-20 a:0@20-22 a:10@22-40#2 b:10@0-20 b:20@20-22 b:10@22-40",
        },
    ),
    "latency": (LATE, {"probes": met("ok/305"), "counts": UNCHANGED, "reads": SLOW}),
    "latency, by its hits": (LATE, {"probes": met("ok/305"), "counts": UNCHANGED, "hits": "110@20.1-30"}),
    "a status": (ERRORS, {"probes": met("http_error(503)"), "counts": UNCHANGED, "hits": "110@20.1-30"}),
    "a status for some": (
        SOME,
        {
            "probes": "new:ok@19 new:ok@20.2-24 new:http_error(503)@24.2 new:ok@25.2-30 new:ok@30.2",
            "counts": UNCHANGED,
            "hits": "50@20.1-30",
        },
    ),
    "a delay that may be long": (
        injection("rpc_latency", latency_ms=100, jitter_ms=100),
        {"probes": UP, "counts": UNCHANGED, "hits": "110@20.1-30"},
    ),
    "no JSON": (injection("garbage"), {"probes": met("malformed"), "counts": USED}),
    "an error": (CALLS, {"probes": met("rpc_error(-32603)"), "counts": USED}),
    "an old head": (STALE, {"probes": UP, "counts": UNCHANGED, "hits": "110@20.1-30"}),
    "a WebSocket": (
        injection("ws_stall"),
        {"probes": UP, "counts": UNCHANGED, "hits": "3@20.1-30", "load": OVER_WEBSOCKETS},
    ),
    "a delay that no single probe shows": (
        injection("bandwidth", rate=10),
        {
            "probes": "new:ok/2@14-20 new:ok/14@20.2-29 kept:ok/13@20.2-29 new:ok/2@30.2",
            "counts": UNCHANGED,
            "reads": "20*ok@0-20 20*ok/24@20-30 20*ok@30-40",
        },
    ),
    "without counters, by replies": (
        injection(),
        {"driver": "process", "probes": DOWN, "served": "a:10@0-20 b:10@0-20 b:20@20-30 a:10@30-40"},
    ),
    "at the target": (injection(), {"driver": "haproxy", "probes": UP, "counts": USED}),
    "at time zero": (
        injection(at=0.0, until=10.0),
        {
            "deeds": "inject@0-0.1 heal@10-10.1",
            "probes": "new:ok@0-0.5 new:refused@0.2-10 new:ok@10.2".replace("new:ok@0-0.5", "new:ok/0@0"),
            "counts": "a:0@0-10 a:10@10-40 b:20@0-10 b:10@10-40",
        },
    ),
    "longer than the run": (
        injection(until=40.0),
        {
            "deeds": "inject@20-20.1 heal@43-43.1",
            "probes": "new:ok@19 kept:ok@19 new:refused@20.2-40 kept:reset@20.2 new:ok@43.2",
            "counts": "a:10@0-20 a:0@20-40 b:10@0-20 b:20@20-40",
        },
    ),
}


@pytest.mark.parametrize("name", CONFIRMED)
def test_what_is_seen_from_both_sides_is_confirmed(name):
    fault, campaign = CONFIRMED[name]
    found = proof(fault, **campaign)
    assert found.reasons == ()
    assert found.verdict == "confirmed"


def test_one_untouched_provider_of_several_leaves_the_fault_doubtful():
    both = injection(providers=("a", "b"))
    probes = f"{DOWN} b/new:ok@19 b/new:ok@20.2-30 b/new:ok@30.2"
    deeds = "inject@20-20.1 heal@30-30.1 b/inject@20-20.1 b/heal@30-30.1"
    evidence = faulted(both, probes=probes, counts=USED, deeds=deeds)
    assert [p.verdict for p in prove_faults(evidence)] == ["confirmed", "mismatch"]
    assert "kill-a+b at b: mismatch: had no effect" in check_proof(evidence).summary


def test_confirmed_faults_let_a_run_pass():
    evidence = faulted(injection(), probes=DOWN, counts=USED, objectives=["success_rate >= 99%"])
    assert judge(evidence).verdict == "pass"
    left = replace(evidence, campaign=replace(evidence.campaign, leftovers=("kill-a at a: heal it by hand",)))
    assert judge(left).verdict == "inconclusive"


def test_a_run_without_faults_is_judged_without_proof():
    assert "proof" not in [f.name for f in judge(faulted(objectives=["success_rate >= 99%"])).findings]


def test_every_kind_has_its_look():
    assert set(LOOKS) == {kind.toxic for kind in FAULTS.values()} >= set(KINDS)


@pytest.mark.parametrize("name", FAULTS)
def test_the_defaults_of_a_look_are_those_of_the_kind(name):
    kind = FAULTS[name]
    written = kind.defaults() | {field: ["eth_call"] for field in kind.required()}
    bare, full = injection(name), injection(name)
    bare = replace(bare, toxic=kind.toxic, attributes={f: written[f] for f in kind.required()})
    full = replace(full, toxic=kind.toxic, attributes=written)
    expected = replace(expected_of(full), must_show=expected_of(bare).must_show)
    if not kind.toxic.startswith("ws_"):  # Their connections are no matter of probes.
        assert expected == expected_of(bare)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(CONFIRMED)), st.data())
def test_taking_evidence_away_never_confirms(name, data):
    """What was not confirmed stays so with less, except where what spoke against it is taken away."""
    fault, campaign = CONFIRMED[name]
    evidence = faulted(fault, **campaign)
    kept = evidence.campaign
    part = data.draw(st.sampled_from(["deeds", "probes", *(["counts"] if kept.counts else [])]))
    less = replace(evidence, campaign=replace(kept, **{part: ()}))
    assert prove_faults(less)[0].verdict != "confirmed"


@pytest.mark.parametrize("name", CONFIRMED)
def test_without_any_evidence_nothing_is_confirmed(name):
    fault, campaign = CONFIRMED[name]
    bare = replace(faulted(fault, **campaign), campaign=Campaign())
    assert [p.verdict for p in prove_faults(bare)] == ["unproven"]


@settings(deadline=None, max_examples=30)
@given(st.floats(20.3, 28.9), st.sampled_from(["new", "kept"]))
def test_one_answer_from_the_dead_is_enough_to_refute_a_kill(at, connection):
    probes = DOWN.replace("kept:reset@20.2", "kept:reset@20.2-30")
    assert proof(probes=f"{probes} {connection}:ok@{at:.3f}", counts=USED).verdict == "mismatch"
