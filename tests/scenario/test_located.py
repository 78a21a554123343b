"""YAML with positions: the values of safe_load, each knowing where it was written."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from battlectl.errors import BadFile
from battlectl.scenario.located import read_yaml
from battlectl.scenario.places import Place
from battlectl.scenario.yamltext import decode

SIMPLE = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8)
VALUES = st.recursive(
    SIMPLE | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
TREES = st.dictionaries(st.text(max_size=6), VALUES, min_size=1, max_size=4)


@given(tree=TREES, flow=st.sampled_from([None, True, False]))
def test_the_values_are_those_of_safe_load(tree, flow):
    text = yaml.safe_dump(tree, default_flow_style=flow, allow_unicode=True)
    located = read_yaml(text, "f.yml")
    assert located.tree == yaml.safe_load(text)
    assert located.problems == ()


@given(tree=TREES)
def test_every_key_and_value_has_a_place_inside_the_text(tree):
    text = yaml.safe_dump(tree)
    located = read_yaml(text, "f.yml")
    lines = text.split("\n")
    for place in [*located.keys.values(), *located.values.values()]:
        assert 1 <= place.line <= len(lines)
        assert 1 <= place.column <= len(lines[place.line - 1]) + 1


def test_positions_count_from_one_and_point_at_the_first_character():
    located = read_yaml("a:\n  bc: [1, two]\nd: x\n", "f.yml")
    assert located.keys[("a", "bc")] == Place("f.yml", 2, 3)
    assert located.values[("a", "bc")] == Place("f.yml", 2, 7)
    assert located.values[("a", "bc", 1)] == Place("f.yml", 2, 11)
    assert located.values[("d",)] == Place("f.yml", 3, 4)


def test_aliases_and_merge_keys_work_as_in_safe_load():
    text = (
        "base: &base {rate: 5/s, timeout: 1s}\nmore: &more {timeout: 2s, x: 1}\n"
        "one:\n  <<: *base\n  rate: 9/s\ntwo:\n  <<: [*base, *more]\nthree: *base\n"
    )
    located = read_yaml(text, "f.yml")
    assert located.problems == ()
    assert located.tree == yaml.safe_load(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", True),
        ("0x10", 16),
        ("010", 8),
        ("12:30:00", 45000),
        ("1_000", 1000),
        ("~", None),
        ("1e3", "1e3"),
        ("2024-01-01", "2024-01-01"),
        ("=", "="),
        ("'on'", "on"),
        ("!!str 5", "5"),
    ],
)
def test_scalars_of_yaml_1_1_are_read_as_safe_load_does_or_stay_texts(text, value):
    assert read_yaml(f"a: {text}", "f.yml").tree == {"a": value}


def test_scalars_that_look_like_something_else_are_remembered():
    located = read_yaml("{a: on, b: true, c: 0x10, d: 16, e: 1:30, f: 'on', g: 1.5}", "f.yml")
    assert set(located.spelled) == {("a",), ("c",), ("e",)}


def test_several_mistakes_of_one_file_are_all_found():
    located = read_yaml("a: 1\na: 2\n5: x\nb: !!python/name:os x\nc: .nan\nd: !!int z\n", "f.yml")
    assert [(p.line, p.column) for p in located.problems] == [(2, 1), (3, 1), (4, 4), (5, 4), (6, 4)]
    assert "first on line 1" in located.problems[0].message


def test_a_file_that_is_too_long_is_refused():
    with pytest.raises(BadFile, match="larger than 256 KiB"):
        read_yaml("a: " + "x" * 2**18, "f.yml")


@pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 5000, "- " * 5000, "a: " + "[" * 200 + "]" * 200])
def test_no_nesting_exhausts_the_stack(text):
    with pytest.raises(BadFile, match="nested deeper"):
        read_yaml(text, "f.yml")


def test_a_number_of_a_thousand_digits_is_refused_before_it_is_computed():
    (problem,) = read_yaml(f"a: {'1:' * 50_000}1", "f.yml").problems
    assert problem.message.endswith("cannot be read as a YAML int: quote it")


@given(data=st.binary(max_size=60))
def test_any_bytes_are_a_text_or_a_located_problem(data):
    try:
        assert decode(data, "f.yml") == data.decode()
    except BadFile as error:
        (problem,) = error.problems
        assert problem.line >= 1
        assert problem.column >= 1
