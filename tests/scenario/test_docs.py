"""docs/scenario.md says what is so: its examples are valid, and every key, metric and check is in it."""

import re
from pathlib import Path

import pytest

from battlectl.scenario.chaos import Timing
from battlectl.scenario.chaos_parts import FaultOptions, Moment, RandomFaults
from battlectl.scenario.checks import CHECKS
from battlectl.scenario.metrics import (
    BREAKER_STATS,
    FAULT_METRICS,
    LATENCY_STATS,
    METRICS,
    OUTCOMES,
    STREAM_COUNTS,
    STREAM_METRICS,
    STREAM_RATIOS,
    STREAM_TIMES,
    TARGET_METRICS,
)
from battlectl.scenario.model import (
    Feed,
    Generator,
    ObjectiveOptions,
    RequestWorkload,
    Safety,
    Scenario,
)
from battlectl.scenario.objectives import ORIGINAL_NAMES
from battlectl.scenario.params import TEMPLATES
from battlectl.scenario.parse import parse_scenario
from battlectl.scenario.parse_target import parse_target
from battlectl.scenario.rates import SHAPES
from battlectl.scenario.routes import HttpRoute, WsRoute
from battlectl.scenario.streams import Backoff, Churn, LogFilter, SubscribeWorkload
from battlectl.scenario.target import AttributionHeaders, Lab, Provider, Ready, Target, Tls, TruthSource

TEXT = (Path(__file__).parents[2] / "docs" / "scenario.md").read_text()
BLOCKS = [
    block for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL) if block.startswith("version:")
]
MODELS = [Scenario, RequestWorkload, HttpRoute, WsRoute, Feed, ObjectiveOptions, Safety, Generator]
MODELS += [SubscribeWorkload, LogFilter, Backoff, Churn, TruthSource]
MODELS += [Timing, Moment, FaultOptions, RandomFaults]
MODELS += [Target, Provider, Ready, Tls, AttributionHeaders, Lab]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n")[1])
def test_every_whole_example_is_valid(block):
    if "\nkind:" in block:
        assert parse_target(block, "docs", {}).target
    else:
        assert parse_scenario(block, "docs", {}, [], lambda name: "").scenario


def test_there_are_examples_of_both_kinds():
    assert len(BLOCKS) >= 5
    assert any("\nkind:" in block for block in BLOCKS)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_is_in_the_reference(model):
    for name, field in model.model_fields.items():
        assert re.search(rf"\b{field.alias or name}\b", TEXT), name


@pytest.mark.parametrize(
    "names",
    [
        METRICS,
        FAULT_METRICS,
        BREAKER_STATS,
        STREAM_METRICS,
        TARGET_METRICS,
        STREAM_COUNTS,
        STREAM_TIMES,
        STREAM_RATIOS,
        LATENCY_STATS,
        OUTCOMES,
        ORIGINAL_NAMES,
        CHECKS,
        SHAPES,
        TEMPLATES,
    ],
    ids=lambda n: next(iter(n)),
)
def test_every_word_of_the_tables_is_in_the_reference(names):
    assert [name for name in names if name not in TEXT] == []


def test_every_scenario_that_comes_along_is_in_the_reference():
    told = TEXT[TEXT.index("## The scenarios that come along") :]
    files = {path.name for path in (Path(__file__).parents[2] / "scenarios").glob("*.yml")}
    assert set(re.findall(r"^\| `([\w.-]+\.yml)` \|", told, re.MULTILINE)) == files
