"""`warmup_latencies`: what it stands for in the plan, and where it is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from battlectl.commands.chaos_plan import injections_of
from battlectl.errors import BadFile
from battlectl.plan.build import build_plan
from battlectl.scenario.parse import parse_scenario
from battlectl.scenario.parse_target import parse_target
from battlectl.scenario.warmup import place_of

READS = "reads: {http: {strategy: fastest}, rate: 60/s, calls: [eth_gasPrice]}"
PRIME = "prime: {http: {strategy: round-robin}, rate: 40/s, phases: [warmup], calls: [eth_gasPrice]}"
LATE = "warmup_latencies: {provider_b: 80ms, provider_c: 0.2s}"
LAB = "version: 1\nkind: lab\n"
BARE = (
    "version: 1\nkind: generic\nurl: http://127.0.0.1:1/\nproviders: [{id: provider_b}, {id: provider_c}]\n"
)


def planned(late=LATE, *, phases="{warmup: 5s, steady: 4s}", load=f"{READS}, {PRIME}", more="", target=LAB):
    """The plan of a scenario at a target; line 5 of the file has the latencies."""
    text = f"version: 1\nname: w\nphases: {phases}\nload: {{{load}}}\n{late}\n{more}\n"
    parsed = parse_scenario(text, "f.yml", {}, [], lambda name: "")
    found = parse_target(target, "t.yml", {}).target
    return build_plan(parsed.scenario, {}, injections_of(parsed, found, "t"))


def test_it_is_a_fault_at_each_provider_from_the_first_second_to_the_end_of_the_warmup():
    injections = planned().frame.injections
    assert [(i.name, i.kind, i.providers, i.at, i.until) for i in injections] == [
        ("warmup-provider_b", "degrade", ("provider_b",), 1.0, 5.0),
        ("warmup-provider_c", "degrade", ("provider_c",), 1.0, 5.0),
    ]
    assert [i.attributes["latency_ms"] for i in injections] == [80, 200]


def test_it_is_the_same_as_the_faults_written_out():
    written = "\n".join(
        f"  - {{degrade: {{provider: {name}, latency: {ms}ms}}, name: warmup-{name}, at: 1s, for: 4s}}"
        for name, ms in (("provider_b", 80), ("provider_c", 200))
    )
    assert planned(load=READS).frame == planned("", load=READS, more=f"chaos:\n{written}").frame


def test_faults_and_objectives_stand_beside_it():
    plan = planned(
        phases="{warmup: 5s, steady: 2s, battle: 4s}",
        more="chaos: [{kill: provider_a}]\nobjectives: [success_rate > 9% in recovery:warmup-provider_b]",
    )
    assert [i.name for i in plan.frame.injections] == [
        "warmup-provider_b",
        "warmup-provider_c",
        "kill-provider_a",
    ]


SAME_NAME = "chaos: [{kill: provider_a, name: warmup-provider_b, at: 6s}]"
EXPECTING = f"{READS}, {PRIME[:-1]}, routing: {{within: 5}}}}"


def test_load_that_only_primes_expects_nothing_of_routing():
    reads, prime = planned().frame.workloads
    assert (reads.routing is None, prime.routing) == (False, None)
    assert (prime.start, prime.end) == (0, 5)


@pytest.mark.parametrize(
    ("late", "fields", "told"),
    [
        (LATE, {"phases": "{steady: 5s}", "load": READS}, "5:1: warmup_latencies: are in force in the phase"),
        (LATE, {"phases": "{warmup: 2s, steady: 5s}"}, "5:1: warmup_latencies: cannot be proven in"),
        ("warmup_latencies: {any: 5ms}", {}, "5:20: warmup_latencies.any: each provider is named by itself"),
        ("warmup_latencies: {provider_b: 5}", {}, '5:32: warmup_latencies.provider_b: "5" needs a unit'),
        ("warmup_latencies: {provider_b: 0ms}", {}, "provider_b: must be more than zero"),
        ("warmup_latencies: {provider_x: 5ms}", {}, "5:32: warmup_latencies.provider_x: the target has no"),
        (LATE, {"target": BARE}, "5:1: warmup_latencies: the target t has no way to be broken"),
        (LATE, {"more": SAME_NAME}, 'there are two faults called "warmup-provider_b"'),
        (f"warmup_latencies: {{{'a' * 60}: 5ms}}", {}, "is too long for the name of a fault"),
        ("warmup_latencies: {'a b': 5ms}", {}, "5:20: warmup_latencies.a b"),
        ("warmup_latencies: {7: 5ms, null: 5ms}", {}, "warmup_latencies"),
        ("warmup_latencies: [provider_b]", {}, "warmup_latencies"),
        ("warmup_latencies: {provider_b: 1e300s}", {}, "warmup_latencies.provider_b"),
        ("warmup_latencies: {provider_b: 4s}", {}, "5:32: warmup_latencies.provider_b: no answer would come"),
        ("warmup_latencies: {provider_b: 30h}", {}, "5:32: warmup_latencies.provider_b: no answer"),
        ("", {}, "load.prime.phases: warmup alone measures nothing"),
        (LATE, {"load": EXPECTING}, "load.prime.routing: nothing of a warm-up is judged"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_at_its_place(late, fields, told):
    with pytest.raises(BadFile) as caught:
        planned(late, **fields)
    assert told in str(caught.value)


def test_a_driver_that_cannot_do_it_is_told_before_anything_is_sent():
    process = f"{BARE}chaos: {{driver: process, processes: {{provider_b: {{pid: 2}}}}}}\n"
    with pytest.raises(BadFile, match=r"warmup_latencies: .*degrade"):
        planned(target=process)


def test_the_example_of_the_documentation_is_valid():
    text = (Path(__file__).parents[2] / "docs" / "isolation.md").read_text()
    _, block = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert parse_scenario(block, "docs", {}, [], lambda name: "").scenario.warmup_latencies


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("chaos", 0, "kill"), ("chaos", 0, "kill")),
        (("chaos", 2, "degrade", "provider", 0), ("warmup_latencies", "b")),
        (("chaos",), ("chaos",)),
        (("objectives", 3), ("objectives", 3)),
    ],
)
def test_a_mistake_of_the_plan_is_told_where_it_was_written(path, place):
    assert place_of(path, 1, {"a": 1, "b": 2}) == place
