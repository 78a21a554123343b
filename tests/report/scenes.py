"""Battles in virtual time whose documents are the same on every machine, by name.

The generator's health is the one thing that a real clock gets into: it is written over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.judge import judge
from battlectl.errors import ExitCode
from battlectl.observe.faults import LeaseLost
from battlectl.observe.served import UNNAMED
from battlectl.plan.build import build_plan
from battlectl.report.document import build_document
from battlectl.report.fold import Chronicle
from battlectl.report.record import read_evidence
from battlectl.transport.base import Exchange, NoReply, Reply
from battlectl.transport.scripted import reply_json, reply_ok, served_by
from tests.analyse.faulted import faulted, injection
from tests.battle import fight_scripted, scenario_of

HEALTH = {"stall_ms": 1.25, "cpu_ratio": 0.125}
META: dict[str, Any] = {
    "run_id": "6f2a9c01",
    "started_at": "2026-03-01T12:00:00Z",
    "finished_at": "2026-03-01T12:00:12Z",
    "tool_version": "0.1.0",
    "command": "battlectl run scenarios/example.yml --target lab",
    "scenario_file": "scenarios/example.yml",
    "plan_hash": "b2d5c0ffee",
    "target": {
        "name": "lab",
        "kind": "lab",
        "url": "http://127.0.0.1:8545/",
        "providers": ["provider_a", "provider_b"],
    },
    "engine": {"reads": "http1"},
    "environment": {"python": "3.11.9", "platform": "Linux", "cpu_count": 2},
    "rebuilt": False,
    "resolved": {},
    "notes": [],
}
TRUTH: dict[str, Any] = {
    "providers": [
        {"provider": "provider_a", "attempts": 310, "served": 300, "probes": 12},
        {"provider": "provider|b", "attempts": 100, "served": 100, "probes": 12},
    ],
    "failovers": 10,
    "rejected": 0,
    "breakers": [{"provider": "provider_a", "transport": "http", "state": "open", "times": 1}],
    "breaker_changes": 3,
}
PHASES = {"warmup": "2s", "steady": "5s", "battle": "5s"}
READS = {"rate": "40/s", "timeout": "1s", "calls": {"eth_blockNumber": 3, "eth_gasPrice": 1}}


def steady(exchange: Exchange, number: int) -> tuple[float, Reply]:
    """Right answers after 10 to 19 ms."""
    return 0.010 + number % 10 / 1000, reply_ok(exchange)


def troubled(exchange: Exchange, number: int) -> tuple[float, Reply | NoReply]:
    """From the 300th request on: errors, refusals and silence."""
    if number < 300 or number % 4 == 0:
        return steady(exchange, number)
    if number % 4 == 1:
        return 0.020 + number / 1e5, _error(exchange, -32000, "the node is behind")
    return (9.0, reply_ok(exchange)) if number % 4 == 2 else (0.001, NoReply("refused", "connection refused"))


def told(exchange: Exchange, number: int) -> tuple[float, Reply | NoReply]:
    """The same from a target that says who served: the first provider, then the second in its place."""
    seconds, answer = troubled(exchange, number)
    if isinstance(answer, NoReply):
        return seconds, answer
    if number < 300:
        return seconds, served_by("provider_a", 1, answer)
    return seconds, served_by("provider_b" if number % 4 == 0 else UNNAMED, 2, answer)


def _error(exchange: Exchange, code: int, message: str) -> Reply:
    id_ = int(exchange.request_id.rsplit("-", 1)[-1])
    return reply_json({"jsonrpc": "2.0", "id": id_, "error": {"code": code, "message": message}})


def document_of(evidence: Evidence, code: ExitCode, meta: Mapping[str, Any] = META) -> dict[str, Any]:
    """The judged document of some evidence, with the same health on every machine."""
    fixed = replace(evidence, health=tuple((at, HEALTH) for at, _ in evidence.health))
    return build_document(meta, fixed, judge(fixed), code)


def passing() -> dict[str, Any]:
    """An open and a closed workload, and a target that answers."""
    fields = {
        "name": "Steady reads",
        "phases": PHASES,
        "load": {"reads": READS, "walk": {"rate": {"users": 1, "think": "50ms"}, "calls": {"eth_call": 1}}},
        "objectives": ["success_rate >= 99.5%", "latency(reads).p95 < 300ms in battle"],
    }
    return document_of(fight_scripted(fields, steady).evidence, ExitCode.PASS)


def failing() -> dict[str, Any]:
    """A lab that breaks near the end, says of each answer who gave it, and knows what it did."""
    fields = {
        "name": "A provider dies under load",
        "phases": PHASES,
        "load": {"reads": READS},
        "objectives": [
            "success_rate >= 99%",
            "latency.p95 < 300ms in steady",
            "latency.p99.9 < 1s",
            "outcomes.refused == 0",
        ],
    }
    fought = fight_scripted(fields, told, attributed=True)
    return document_of(fought.evidence, ExitCode.FAILED, META | {"ground_truth": TRUTH})


def inconclusive() -> dict[str, Any]:
    """No room for the load: arrivals are dropped, and one objective has too few samples.

    No answer comes at the very moment of an arrival: which of the two goes first is up to trio.
    """
    slow = {"rate": "40/s", "timeout": "1s", "calls": {"eth_call": 1}, "max_in_flight": 4}
    fields = {
        "name": "Too little room",
        "phases": {"steady": "5s"},
        "load": {"reads": slow},
        "objectives": ["success_rate >= 99%", "latency.p99.99 < 1s"],
    }
    fought = fight_scripted(fields, lambda exchange, number: (0.26, reply_ok(exchange)))
    return document_of(fought.evidence, ExitCode.INCONCLUSIVE)


def interrupted() -> dict[str, Any]:
    """Stopped in the middle of the second phase."""
    fields = {"phases": PHASES, "load": {"reads": READS}, "objectives": ["success_rate >= 99%"]}
    fought = fight_scripted({"name": "Cut short", **fields}, steady, stop_at={4.51: "interrupted"})
    return document_of(fought.evidence, ExitCode.INTERRUPTED)


def empty() -> dict[str, Any]:
    """Stopped before anything came due; the shell knew nothing either."""
    fields = {"name": "Nothing", "phases": PHASES, "load": {"reads": READS}, "objectives": ["failures == 0"]}
    frame = build_plan(scenario_of(**fields), {}).frame
    return document_of(Chronicle(frame).evidence("terminated", "SIGTERM", 0.0), ExitCode.TERMINATED, meta={})


HOSTILE = (
    "<script>alert(1)</script>|`x`\r\n# PASS: all\n\n- a\x00\x1b[2J\u202e\U0001f525</td></testcase>]]>&amp;"
)


def hostile() -> dict[str, Any]:
    """Names and answers that try to be markup, and a name of 5,000 characters."""
    link = "[a](javascript:alert(1)) ![b](c) **d** _e_ ~~f~~ &lt;"
    fields = {
        "name": HOSTILE,
        "description": HOSTILE,
        "phases": {"steady": "5s"},
        "load": {"reads": {"rate": "20/s", "calls": {HOSTILE: 1, "x" * 5_000: 1, link: 1}}},
        "objectives": ["success_rate >= 99%"],
    }

    def answer(exchange: Exchange, number: int) -> tuple[float, Reply]:
        return 0.01 + number / 1e5, _error(exchange, -32000, HOSTILE)

    meta = {
        **META,
        "command": f"{HOSTILE}\n```\n# PASS",
        "notes": [HOSTILE, "a lone surrogate: \ud800"],
        "environment": {HOSTILE: HOSTILE},
    }
    return document_of(fight_scripted(fields, answer).evidence, ExitCode.FAILED, meta)


def faults() -> dict[str, Any]:
    """A kill that is confirmed, one that did nothing, errors that could not be injected, nothing left."""
    one = injection(name="kill-provider_a", at=10.0, until=20.0)
    two = injection(
        name="latency-b", kind="rpc_latency", at=22.0, until=26.0, providers=("b",), latency_ms=300
    )
    three = injection(
        name="errors", kind="rpc_error", at=28.0, until=34.0, providers=("b", "a"), probability=0.5
    )
    evidence = faulted(
        one,
        two,
        three,
        name="Three faults, one of them proven",
        reads="20*ok@0-10 15*ok@10-12 5*refused@10-12 20*ok@12-40",
        probes="new:ok@9 kept:ok@9 new:refused@10.2-20 kept:reset@10.2 new:ok@20.2-40 b/new:ok@0-40",
        counts="a:10@0-10 a:0@10-20 a:10@20-40 b:10@0-40",
        served="a:10@0-10 b:10@0-10 b:18@10-20 b:2x2/80@10-20 a:10@20-40 b:10@20-40",
        deeds=(
            "kill-provider_a|inject@10-10.1 kill-provider_a|heal@20-20.1 "
            "latency-b|b/inject@22-22.1 latency-b|b/heal@26-26.1 "
            "errors|b/inject@28!no_such_proxy errors|a/inject@28-28.1 errors|a/heal@34-34.1"
        ),
        lost="30.5",
        objectives=[
            "success_rate >= 95%",
            "recovery_time(kill-provider_a) < 5s",
            "failover_time(latency-b) < 5s",
            "breaker(b).opens == 0",
        ],
    )
    return document_of(evidence, ExitCode.INCONCLUSIVE)


def leftover() -> dict[str, Any]:
    """A kill that could not be healed, and from which the target did not recover."""
    one = injection(name="kill-provider_a", at=20.0, until=30.0)
    to_end = "To end it: curl -X DELETE http://127.0.0.1:8474/proxies/a/toxics/kill-provider_a\nno answer"
    evidence = faulted(
        one,
        name="A fault that stayed",
        reads="20*ok@0-20 20*refused@20-40",
        probes="new:ok@19 kept:ok@19 new:refused@20.2-40",
        counts="a:10@0-20 a:0@20-40",
        deeds="kill-provider_a|inject@20-20.1 kill-provider_a|heal@30-38!no_answer",
        leftovers=[f"kill-provider_a (kill) may still be in force at a. {to_end}"],
        objectives=["success_rate >= 99%", "recovery_time(kill-provider_a) < 5s"],
    )
    return document_of(evidence, ExitCode.UNHEALED)


def impossible() -> dict[str, Any]:
    """A fault that the driver can never do: nothing was sent."""
    evidence = faulted(
        injection(name="lag-a", kind="lag"), reads="", deeds="", driver="haproxy", ended_at=0.0
    )
    refusal = "lag-a: the haproxy driver cannot do lag; it can do kill, flap and partition"
    return document_of(replace(evidence, how="impossible", reason=refusal), ExitCode.USAGE)


def hostile_faults() -> dict[str, Any]:
    """Texts of a driver, a provider and a lease that try to be markup."""
    document = leftover()
    evidence = read_evidence(document)
    campaign = replace(
        evidence.campaign,
        deeds=tuple(replace(deed, note=HOSTILE) for deed in evidence.campaign.deeds),
        leftovers=(f"{HOSTILE} may still be in force", HOSTILE * 30, "x"),
        lost=(LeaseLost(21.0, HOSTILE),),
    )
    one = evidence.frame.injections[0]
    odd = replace(one, attributes={HOSTILE: HOSTILE}, kind=HOSTILE)
    frame = replace(evidence.frame, injections=(odd,))
    return document_of(replace(evidence, campaign=campaign, frame=frame), ExitCode.UNHEALED)


SCENES: dict[str, Callable[[], dict[str, Any]]] = {
    "pass": cache(passing),
    "fail": cache(failing),
    "inconclusive": cache(inconclusive),
    "interrupted": cache(interrupted),
    "empty": cache(empty),
    "faults": cache(faults),
    "leftover": cache(leftover),
    "impossible": cache(impossible),
}
