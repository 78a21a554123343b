"""`${NAME}` and `--set`: what is filled in, what is masked, what is refused."""

import pytest

from battlectl.errors import BadFile
from battlectl.scenario.located import read_yaml
from battlectl.scenario.parse import parse_scenario
from battlectl.scenario.substitute import mask_secrets, substitute

SCENARIO = """\
version: 1
name: One
phases: {warmup: 1s, steady: 5s}
load:
  reads:
    rate: 5/s
    calls: [eth_blockNumber]
objectives: [success_rate >= 99%]
"""


def fill(text, **environ):
    filled = substitute(read_yaml(text, "f.yml"), environ)
    return filled.located.tree, filled.shown, dict(filled.secrets), [str(p) for p in filled.located.problems]


def parse(*sets, text=SCENARIO, environ=None):
    return parse_scenario(text, "f.yml", environ or {}, sets, lambda name: "")


def problems_of(*sets, text=SCENARIO, environ=None):
    with pytest.raises(BadFile) as caught:
        parse(*sets, text=text, environ=environ)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("written", "environ", "value", "shown"),
    [
        ("x-${A}-y", {"A": "mid"}, "x-mid-y", "x-${A}-y"),
        ("${A}", {"A": "5"}, 5, "${A}"),
        ("'${A}'", {"A": "5"}, "5", "${A}"),
        ("${A}", {"A": "[1]"}, "[1]", "${A}"),
        ("${A:-7}", {}, 7, 7),
        ("${A:-7}", {"A": ""}, 7, 7),
        ("${A:-http://x/y}", {}, "http://x/y", "http://x/y"),
        ("${A:-}", {}, None, None),
        ("a${A:-}b", {}, "ab", "ab"),
        ("$${A}", {"A": "5"}, "${A}", "${A}"),
        ("cost $5", {}, "cost $5", "cost $5"),
        ("${A}", {"A": "${B}"}, "${B}", "${A}"),
    ],
)
def test_variables_are_filled_in(written, environ, value, shown):
    tree, masked, _, problems = fill(f"a: {written}", **environ)
    assert (tree, masked, problems) == ({"a": value}, {"a": shown}, [])


def test_an_unset_variable_is_a_problem_at_its_value_with_the_way_out():
    *_, problems = fill("a: 1\nb: [x, 'y ${NOPE} ${ALSO}']")
    assert problems == [
        'f.yml:2:8: b.1: the variable NOPE is not set: export it, or write "${NOPE:-default}"',
        'f.yml:2:8: b.1: the variable ALSO is not set: export it, or write "${ALSO:-default}"',
    ]


def test_texts_from_the_environment_are_secrets_and_numbers_are_not():
    _, _, secrets, _ = fill("a: ${KEY}\nb: ${PORT}\nc: ${AB}", KEY="s3cr3t", PORT="48545", AB="ab")
    assert secrets == {"s3cr3t": "KEY"}


def test_the_longest_secret_is_masked_first():
    assert mask_secrets("say abcdef", {"abcd": "A", "abcdef": "B"}) == "say ${B}"


def test_a_value_of_the_environment_never_appears_in_a_message():
    text = SCENARIO.replace("5/s", "${TOKEN}")
    lines = problems_of(text=text, environ={"TOKEN": "hunter22"})
    assert lines
    assert not any("hunter22" in line for line in lines)
    assert '"${TOKEN}" is not a rate' in lines[0]


def test_a_variable_with_half_a_character_is_refused():
    *_, problems = fill("a: ${A}", A="x\udcff")
    assert "lone surrogate" in problems[0]


def test_resolved_shows_the_variable_and_never_its_value():
    text = SCENARIO.replace("name: One", "name: One ${WHO}")
    parsed = parse(text=text, environ={"WHO": "somebody"})
    assert parsed.scenario.name == "One somebody"
    assert parsed.resolved["name"] == "One ${WHO}"
    assert parsed.secrets == {"somebody"}


def test_a_secret_header_is_masked_where_it_is_shown():
    text = SCENARIO.replace("    rate", "    http: {headers: {Authorization: Bearer abc}}\n    rate")
    parsed = parse(text=text)
    assert parsed.resolved["load"]["reads"]["http"]["headers"] == {"Authorization": "***"}
    assert parsed.secrets == {"Bearer abc"}


def test_set_changes_what_is_there_and_adds_what_belongs_there():
    parsed = parse(
        "load.reads.rate=300/s",
        "seed=9",
        "generator.max_lag=50ms",
        "objectives.0=success_rate >= 50%",
        "load.reads.calls=[eth_chainId, {method: eth_call, params: [{to: '0x'}, latest]}]",
        "load.reads.calls.1.weight=2",
        "checks.telemetry=fail",
        "phases.steady=7s",
    )
    scenario = parsed.scenario
    assert scenario.load["reads"].rate.constant == 300
    assert (scenario.seed, scenario.generator.max_lag, scenario.phases["steady"]) == (9, 0.05, 7)
    assert scenario.load["reads"].calls[1].weight == 2
    assert parsed.resolved["load"]["reads"]["rate"] == "300/s"


def test_the_last_set_of_a_path_wins():
    assert parse("seed=1", "seed=2").scenario.seed == 2


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("load.raeds.rate=5/s", '--set:1:1: load.raeds.rate: there is no "raeds", did you mean "reads"?'),
        ("load.reads.rte=5/s", '--set:1:1: load.reads.rte: there is no "rte", did you mean "rate"?'),
        ("phases.stedy=5s", '--set:1:1: phases.stedy: there is no "stedy", did you mean "steady"?'),
        ("load.reads.rate=5", '--set:1:17: load.reads.rate: "5" needs a unit, try "5/s"'),
        ("objectives.4=x", '--set:1:1: objectives.4: there is no item "4", objectives has 1, counted from 0'),
        ("seed", '--set:1:1: "seed" is not path=value, try load.reads.rate=300/s'),
        ("=5", '--set:1:1: "=5" is not path=value, try load.reads.rate=300/s'),
        ("seed=", "--set:1:1: seed: has no value, write '' for an empty text"),
        ("seed=[1", '--set:1:1: seed: this "[" list goes wrong'),
        ("load.reads.rate.poisson=5/s", "--set:1:1: load.reads.rate.poisson: load.reads.rate is a plain"),
    ],
)
def test_a_set_that_leads_nowhere_says_so(given, line):
    (found,) = problems_of(given)
    assert found.startswith(line)


def test_a_set_does_not_hide_the_mistakes_of_the_file():
    lines = problems_of("seed=x", text=SCENARIO.replace("5/s", "5"))
    assert [line.split(": ")[0] for line in lines] == ["--set:1:6", "f.yml:6:11"]
