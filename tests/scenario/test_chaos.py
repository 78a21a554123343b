"""What a scenario can say about faults, what it cannot, and where the mistake is found."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from battlectl.lab.faults.table import KINDS
from battlectl.scenario.chaos import ChaosEntry
from battlectl.scenario.chaos_fields import spell
from battlectl.scenario.chaos_kinds import ALIASES, FAULTS, LASTING, LENGTHS, STOP_ANSWERS
from battlectl.scenario.schema import scenario_schema
from tests.scenario.chaotic import chaotic_text, complaints, parsed, planned
from tests.scenario.test_bad_files import WAYS_OUT

NEEDED = {"method_error": {"methods": ["eth_call"]}}
"""What must be written for kinds that have no default for it."""


def entry_of(chaos: str, **more: str):
    """The only entry of a file."""
    return parsed(chaos, **more).scenario.chaos[0]


@pytest.mark.parametrize(
    ("written", "label", "providers", "toxic", "attributes"),
    [
        ("- kill: provider_a", "kill-provider_a", ("provider_a",), "kill", {}),
        ("- kill: any", "kill-any", ("any",), "kill", {}),
        ("- kill: all", "kill-all", ("all",), "kill", {}),
        ("- kill: [a, b]", "kill-a+b", ("a", "b"), "kill", {}),
        ("- kill: {provider: a, mode: reset}", "kill-a", ("a",), "kill", {"mode": "reset"}),
        ("- {kill: a, name: night}", "night", ("a",), "kill", {}),
        (
            "- flap: {provider: any, down: 5s, up: 1500ms, times: 3}",
            "flap-any",
            ("any",),
            "flap",
            {"down_ms": 5_000, "up_ms": 1_500, "times": 3},
        ),
        (
            "- degrade: {provider: b, latency: 300ms, jitter: 50ms}",
            "degrade-b",
            ("b",),
            "rpc_latency",
            {"latency_ms": 300, "jitter_ms": 50},
        ),
        ("- latency: {provider: b, latency: 0.5ms}", "latency-b", ("b",), "rpc_latency", {"latency_ms": 0.5}),
        ("- rpc_latency: b", "rpc_latency-b", ("b",), "rpc_latency", {}),
        ("- restart: {provider: a, down: 2s}", "restart-a", ("a",), "restart", {"down_ms": 2_000}),
        ("- bandwidth: a", "bandwidth-a", ("a",), "bandwidth", {"rate": 10}),
        ("- bandwidth: {provider: a, rate: 2MB/s}", "bandwidth-a", ("a",), "bandwidth", {"rate": 2_000}),
        (
            '- http_5xx: {provider: a, status: 500, probability: "12.5%", methods: [eth_call]}',
            "http_5xx-a",
            ("a",),
            "http_5xx",
            {"status": 500, "probability": 0.125, "methods": ["eth_call"]},
        ),
        (
            "- http_429: {provider: a, retry_after: 1m}",
            "http_429-a",
            ("a",),
            "http_429",
            {"retry_after_s": 60},
        ),
        (
            "- http_429: {provider: a, retry_after: null}",
            "http_429-a",
            ("a",),
            "http_429",
            {"retry_after_s": None},
        ),
        ("- trickle: {provider: a, bytes_per_s: 5}", "trickle-a", ("a",), "trickle", {"bytes_per_s": 5}),
        (
            '- rpc_error: {provider: a, code: -32000, data: ["0x1", {a: 1}]}',
            "rpc_error-a",
            ("a",),
            "rpc_error",
            {"code": -32000, "data": ["0x1", {"a": 1}]},
        ),
        (
            "- head_regress: {provider: a, blocks: 4, for: 3s}",
            "head_regress-a",
            ("a",),
            "head_regress",
            {"blocks": 4, "for_ms": 3_000},
        ),
    ],
)
def test_what_can_be_said(written, label, providers, toxic, attributes):
    entry = entry_of(written)
    assert (entry.label, entry.providers, entry.fault.toxic) == (label, providers, toxic)
    assert entry.attributes == attributes
    assert list(entry.attributes) == [name for name in fields_of(entry.fault) if name in attributes]


def fields_of(kind):
    return kind.parameters.__struct_fields__


def test_every_kind_of_the_lab_has_a_key_and_two_have_another_name():
    assert set(FAULTS) == {*KINDS, "latency", "degrade", "bandwidth"}
    assert {FAULTS[name].toxic for name in ALIASES} == {"rpc_latency"}


def test_what_a_plan_knows_of_kinds_is_about_kinds_that_there_are():
    assert {*STOP_ANSWERS, *LASTING, *LENGTHS} <= set(KINDS)


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_each_kind_takes_its_defaults_and_every_parameter_as_its_file_spells_it(name):
    kind = FAULTS[name]
    short = ChaosEntry.model_validate({name: {"provider": "a", **NEEDED.get(name, {})}})
    assert short.attributes.keys() == {**kind.fixed, **NEEDED.get(name, {})}.keys()
    assert kind.complaint(short.attributes) is None
    defaults = {k: list(v) if isinstance(v, tuple) else v for k, v in kind.defaults().items()}
    written = {spell(key).word: as_written(key, value) for key, value in defaults.items()}
    entry = ChaosEntry.model_validate({name: {"provider": "a", **written, **NEEDED.get(name, {})}})
    assert {key: entry.attributes[key] for key in defaults} == defaults
    assert entry.own_length == short.own_length


def as_written(name, value):
    """A default of the lab in the words of the file."""
    if name == "rate":
        return f"{value}KB/s"
    per_second = spell(name).per_second
    return value if per_second is None or value is None else f"{value / per_second:g}s"


def test_a_lab_that_learns_an_odd_parameter_breaks_this_and_loses_nothing_silently():
    words = [spell(name).word for kind in FAULTS.values() for name in fields_of(kind)]
    assert "bytes_per_s" in words
    assert not {"provider", *(w for w in words if w.endswith(("_ms", "_seconds")))} & set(words)


TABLE = (Path(__file__).parent / "chaos-bad.txt").read_text()
BAD = [tuple(block.strip().split("\n=> ")) for block in TABLE.split("\n\n")]
"""Pairs of chaos, its first line on line 6 and indented by two, and what is said about it."""


@pytest.mark.parametrize(("chaos", "expected"), BAD, ids=[chaos[:60] for chaos, _ in BAD])
def test_what_cannot_be_said_is_answered_at_its_place_with_a_way_out(chaos, expected):
    found = complaints(indented(chaos), providers=("a", "b", "c"))
    assert len(found) == 1, found
    assert expected in found[0]
    assert found[0].startswith("f.yml:")
    assert WAYS_OUT.search(found[0])


def indented(chaos: str) -> str:
    return "\n".join(f"  {line}" for line in chaos.split("\n")) if chaos.startswith("-") else chaos


def test_mistakes_of_several_entries_and_of_what_is_right_beside_them_are_told_at_once():
    chaos = """
  - kil: a
  - {kill: a, at: {in: nowhere}}
  - flap: {provider: a, down: 5, times: 100}
  - {hang: a, for: 5s, times: 2}"""
    found = complaints(chaos, ["success_rate >= 99% in during:kil-a", "recovery_time(nobody) < 5s"])
    assert [line.split(": ")[1] for line in found] == [
        *("chaos.0.kil", "chaos.1.at.in", "chaos.2.flap.down", "chaos.3.times")
    ]  # As long as a fault cannot be read, its windows are not called unknown.


def test_without_a_phase_called_battle_a_fault_says_when():
    phases = "{steady: 10s}"
    said = complaints("\n  - kill: a\n  - {random: {kinds: [kill], count: 1, for: 1s}}", phases=phases)
    assert [line.partition(": ")[2] for line in said] == [
        "chaos.0: says not when: add `at: 20s` or `at: {in: PHASE}`, there is no phase called battle",
        "chaos.1.random: says not where: add `in: PHASE`, there is no phase called battle",
    ]
    assert not complaints("\n  - {kill: provider_a, at: 0s}", phases=phases)


KILLS = """
  - {kill: provider_a, at: 20s, for: 5s}
  - {hang: any, at: {in: battle, after: 15s}, for: 2s, times: 2, every: 5s}
  - {restart: provider_b, at: 55s, name: last, for: 5s}
  - random: {kinds: [latency], count: 2, for: 1s, in: recovery}""".replace(
    ", for: 5s}\n  - random", "}\n  - random"
)


@pytest.mark.parametrize(
    "objective",
    [
        *("latency.p95 < 1s in baseline", "latency.p95 < 1s in during:kill-provider_a"),
        *("success_rate >= 9% in recovery:kill-provider_a", "success_rate >= 9% in during:hang-any"),
        *("success_rate >= 9% in during:hang-any#2", "success_rate >= 9% in recovery:hang-any#1"),
        *("success_rate >= 9% in recovery:hang-any", "success_rate(reads) >= 9% in during:last"),
        *("success_rate >= 9% in during:random", "success_rate >= 9% in recovery:random#2"),
        *("recovery_time(last) < 5s", "unavailability(hang-any) < 5s", "detection_time(hang-any#2) < 5s"),
        *("breaker(provider_c).opens >= 1 in during:last", "amplification < 1.5 in baseline"),
    ],
)
def test_objectives_about_faults_and_their_windows(objective):
    assert not complaints(KILLS, [objective])


@pytest.mark.parametrize(
    ("objective", "expected"),
    [
        ("total > 5 in during:kill-provider_b", 'there is no window "during:kill-provider_b"'),
        ("total > 5 in during:hang-any#3", 'there is no window "during:hang-any#3", did you mean "during'),
        ("total > 5 in during:last#1", 'there is no window "during:last#1", did you mean "during:last"'),
        ("total > 5 in recovery:random#3", 'there is no window "recovery:random#3", did you mean'),
        ("recovery_time(hang-ayn) < 5s", 'there is no fault "hang-ayn", did you mean "hang-any'),
        ("recovery_time(reads) < 5s", 'there is no fault "reads", known are kill-provider_a, hang-any'),
        ("breaker(provider_d).opens >= 1", 'the target has no provider "provider_d"'),
        ("breaker(x).opens >= 1", 'the target has no provider "x", known are provider_a, provider_b'),
    ],
)
def test_objectives_about_what_there_is_not(objective, expected):
    [found] = complaints(KILLS, [objective])
    assert found.startswith("f.yml:11:5: objectives.0: ")
    assert expected in found


@pytest.mark.parametrize(
    ("chaos", "window", "expected"),
    [
        ("{kill: provider_a, at: 5s}", "baseline", '"baseline" has no time'),
        ("{kill: provider_a, at: 2s, for: 1s}", "baseline", '"baseline" has no time'),
        ("{kill: provider_a, at: 50s}", "recovery:kill-provider_a", '"recovery:kill-provider_a" has no time'),
        ("{kill: provider_a, at: 5s, for: 99h}", "recovery:kill-provider_a", "has no time"),
    ],
)
def test_a_window_without_any_time_is_no_window(chaos, window, expected):
    [found] = complaints(f"\n  - {chaos}", [f"total > 5 in {window}"])
    assert expected in found


def test_a_window_in_which_a_workload_does_not_send_is_refused():
    load = "{early: {rate: 1/s, calls: [a], phases: [steady]}, reads: {rate: 1/s, calls: [a]}}"
    chaos = "\n  - {kill: provider_a, at: 14s, for: 1s}\n  - {hang: provider_a}"
    for window in ("total(early) > 1 in during:kill-provider_a", "total(early) > 1 in baseline"):
        assert not complaints(chaos, [window], load=load)
    assert not complaints(chaos, ["total > 1 in during:hang-provider_a"], load=load)
    [found] = complaints(chaos, ["total(early) > 1 in during:hang-provider_a"], load=load)
    assert "nothing of early is sent in during:hang-provider_a: choose another window" in found


def test_a_grace_as_long_as_a_window_of_a_fault_is_refused():
    objective = "{objective: success_rate > 5% in during:kill-provider_a, abort_on_fail: true, grace: 10s}"
    [found] = complaints("\n  - {kill: provider_a, for: 10s}", [objective])
    assert "is as long as its window (10s), it would never abort: shorten it" in found
    assert not complaints("\n  - {kill: provider_a, for: 11s}", [objective])


def test_values_can_be_set_from_the_command_line():
    chaos = "\n  - kill: provider_a\n  - flap: {provider: provider_b, down: 1s}"
    read = parsed(chaos, sets=["chaos.0.for=7s", "chaos.1.flap.up=3s", "chaos.1.flap.times=2"])
    assert read.scenario.chaos[0].for_ == 7.0
    assert read.scenario.chaos[1].own_length == 5.0


def test_what_came_from_the_environment_stays_there():
    chaos = "\n  - kill: ${VICTIM}\n  - {hang: any, name: x, at: '${VICTIM}'}"
    found = complaints(chaos, environ={"VICTIM": "hidden-provider"})
    assert len(found) == 1
    [unknown] = complaints("\n  - kill: ${VICTIM}", environ={"VICTIM": "hidden-provider"})
    assert unknown.startswith('f.yml:6:11: chaos.0.kill: the target has no provider "${VICTIM}"')
    assert "hidden" not in "".join([*found, unknown])


def test_a_scenario_without_chaos_does_not_load_the_lab():
    import subprocess
    import sys

    text = chaotic_text().replace("chaos: []", "tags: []")
    code = (
        "import sys; from battlectl.scenario.parse import parse_scenario;"
        "from battlectl.plan.chaos import plan_chaos\n"
        f"parse_scenario({text!r}, 'f', {{}}, [], str)\n"
        "sys.exit('trio' in sys.modules or any(m.startswith('battlectl.lab') for m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 0


@pytest.fixture(scope="module")
def schema():
    return scenario_schema()


def valid(schema, text: str) -> bool:
    return jsonschema.Draft202012Validator(schema).is_valid(yaml.safe_load(text))


GOOD = [
    KILLS,
    "\n  - kill: [provider_a, provider_b]",
    "\n  - flap: {provider: any, down: 5s, up: 30s, times: 3}",
    "\n  - degrade: {provider: provider_b, latency: 300ms, jitter: 50ms}",
    "\n  - random: {kinds: [kill, latency], count: 5, in: battle, for: [2s, 10s], providers: all, gap: 1s}",
    "\n  - random: {kinds: [kill], count: 5, for: 1s, providers: [provider_a]}",
    "\n  - bandwidth: {provider: all, rate: 64 KB/s}",
    "\n  - http_5xx: {provider: all, probability: 0.5}",
    '\n  - http_429: {provider: all, probability: "5%", retry_after: null, seed: "${SEED}"}',
]


@pytest.mark.parametrize("chaos", GOOD)
def test_the_schema_accepts_what_is_right(schema, chaos):
    jsonschema.Draft202012Validator(schema).validate(yaml.safe_load(chaotic_text(chaos)))


SHAPES = r"unknown key|needs a unit|is missing|names no provider|has fewer|is no name|too few|out of range"
BEYOND = ("method_error: a",)
"""The short form may stand for a kind that needs more: only the types know."""
SEEN = [chaos for chaos, said in BAD if re.search(SHAPES, said) and not chaos.endswith(BEYOND)]


@pytest.mark.parametrize("chaos", SEEN, ids=[chaos[:60] for chaos in SEEN])
def test_an_editor_sees_wrong_shapes(schema, chaos):
    assert not valid(schema, chaotic_text(indented(chaos)))


def test_the_schema_describes_each_kind_and_shows_defaults_with_units(schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    entry = schema["$defs"]["ChaosEntry"]["properties"]
    assert all(entry[name]["description"] == kind.what for name, kind in FAULTS.items())
    alike = [schema["$defs"][f"{name}Fault"]["properties"]["probability"] for name in ("Kill", "Hang")]
    assert alike == [{"$ref": "#/$defs/Probability"}] * 2
    assert schema["$defs"]["Probability"]["description"] == "the share that is hit"
    flap = schema["$defs"]["FlapFault"]["properties"]
    assert flap["down"]["default"] == "5s"
    assert flap["down"]["description"] == "how long the port is closed each time"


def test_words_of_the_tables_are_words_of_the_language():
    assert all(re.fullmatch(r"[a-z0-9_]+", name) for name in FAULTS)
    assert not {"at", "for", "name", "times", "every", "random", "any", "all"} & set(FAULTS)
    assert planned(KILLS).frame.injections
