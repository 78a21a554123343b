"""The published JSON Schemas, read by an independent validator."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from battlectl.scenario.schema import render_schema, scenario_schema, target_schema

ROOT = Path(__file__).parents[2]
BAD = Path(__file__).parent / "bad"
SCENARIO = jsonschema.Draft202012Validator(scenario_schema())
TARGET = jsonschema.Draft202012Validator(target_schema())
SCHEMAS = pytest.mark.parametrize("schema", [SCENARIO.schema, TARGET.schema], ids=["scenario", "target"])

# What a schema can see: shapes, keys, units and ranges inside one value.
SEEN_BY_SCHEMA = [
    *("unknown-key", "unknown-key-top", "unknown-key-in-step", "missing-version", "missing-calls"),
    *("missing-rate-in-second-workload", "wrong-version", "quoted-version", "rate-without-unit"),
    *("timeout-without-unit", "negative-rate", "wrong-unit", "sexagesimal-duration", "size-without-unit"),
    *("load-is-list", "load-is-empty", "no-workloads", "tags-is-text", "name-is-boolean", "seed-is-text"),
    *("seed-is-negative", "weight-is-zero", "weight-is-text", "call-is-number", "params-is-text"),
    *("empty-batch", "rate-has-two-shapes", "unknown-client", "ramp-of-one", "ramp-of-three"),
    *("burst-without-peak", "negative-think", "path-without-slash", "original-with-unit", "unknown-level"),
    *("bad-phase-name", "top-is-list", "only-null"),
]


@pytest.mark.parametrize(("name", "schema"), [("scenario", scenario_schema), ("target", target_schema)])
def test_the_published_schema_is_the_one_of_the_types(name, schema):
    published = (ROOT / "config" / f"{name}.schema.json").read_text()
    assert published == render_schema(schema()), f"run: battlectl schema {name} > config/{name}.schema.json"


@SCHEMAS
def test_a_schema_is_a_valid_schema_with_titles_and_descriptions(schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"]
    assert schema["description"]


@pytest.mark.parametrize("path", sorted((ROOT / "scenarios").glob("*.yml")), ids=lambda path: path.stem)
def test_every_scenario_fits_its_schema(path):
    SCENARIO.validate(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yml")), ids=lambda path: path.stem)
def test_every_config_fits_its_schema(path):
    TARGET.validate(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize("name", SEEN_BY_SCHEMA)
def test_an_editor_sees_what_a_schema_can_see(name):
    assert not SCENARIO.is_valid(yaml.safe_load((BAD / f"{name}.yml").read_text()))


@pytest.mark.parametrize(
    "rate",
    [
        *("200/s", {"constant": "200/s"}, {"poisson": "30/min"}, {"ramp": ["0/s", "500/s"]}, {"users": 20}),
        {"users": 2, "think": "1s"},
        {"steps": [{"rate": "5/s", "for": "10s"}, {"rate": "9/s"}]},
        {"burst": {"base": "0/s", "peak": "9/s", "at": "0s", "for": "1s"}},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "calls",
    [
        ["eth_chainId"],
        {"eth_chainId": 2},
        [{"method": "eth_call", "params": {"a": 1}}],
        [{"batch": ["eth_chainId", {"method": "eth_call"}], "weight": 0.5}],
    ],
    ids=str,
)
def test_short_and_long_forms_fit_the_schema(rate, calls):
    SCENARIO.validate(
        {
            "version": 1,
            "name": "x",
            "phases": {"steady": "1h30m"},
            "load": {"reads": {"rate": rate, "calls": calls}},
            "feeds": {"a": "a.txt", "b": {"file": "b.csv", "order": "sequential"}},
            "objectives": ["success_rate >= 99%", {"objective": "total > 5", "abort_on_fail": True}],
        }
    )


def test_a_variable_may_stand_for_any_value():
    SCENARIO.validate(
        {
            "version": 1,
            "name": "${NAME}",
            "seed": "${SEED:-7}",
            "phases": {"steady": "${LONG}"},
            "load": {"reads": {"rate": "${RATE}", "calls": ["eth_chainId"], "client": "${CLIENT}"}},
            "safety": {"min_success_rate": "${LOW}"},
        }
    )


def test_original_names_fit_the_schema():
    SCENARIO.evolve(schema={**scenario_schema(), "required": []}).validate(
        {"objectives": {"success_rate": 0.9}}
    )


def defaults_of(schema):
    for value in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from defaults_of(value)
    if isinstance(schema, dict) and "default" in schema and "pattern" in schema.get("anyOf", [{}])[0]:
        yield schema["anyOf"], schema["default"]


@SCHEMAS
def test_defaults_with_units_are_written_as_people_write_them(schema):
    found = list(defaults_of(schema))
    assert found
    written = [(kinds, default) for kinds, default in found if default is not None]
    for kinds, default in written:
        allowed = [kind for kind in kinds if "$ref" not in kind]
        assert jsonschema.Draft202012Validator({"anyOf": allowed}).is_valid(default), default
    assert any(default == "5s" for _, default in found) or schema["title"].endswith("target")
    json.dumps(schema)
