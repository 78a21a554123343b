"""Mutated scenarios and configs: the answer is a value or `BadFile`, never anything else."""

import copy
from pathlib import Path

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from battlectl.errors import BadFile
from battlectl.scenario.parse import parse_scenario
from battlectl.scenario.parse_target import parse_target
from battlectl.scenario.yamltext import decode

ROOT = Path(__file__).parents[2]
SCENARIOS = [path.read_text() for path in sorted((ROOT / "scenarios").glob("*.yml"))]
TARGETS = [path.read_text() for path in sorted((ROOT / "config").glob("*.yml"))]
FEEDS = {path.name: path.read_text() for path in (ROOT / "scenarios").glob("*.*") if path.suffix != ".yml"}
WORDS = [
    *("", "0/s", "-1/s", "1e9/s", "5", "5s", "${X}", "${SEED:-}", "$${", "on", "0x1f", "1:30", "~", ".inf"),
    *(
        "<<",
        "*a",
        "&a x",
        "!!python/name:os",
        "warmup",
        "run",
        "latest-5",
        "$block",
        "$feed",
        "batch",
        "ramp",
    ),
    *(
        "[",
        "]",
        "{",
        "}",
        ": ",
        "\t",
        "\n",
        "---\n",
        "#",
        "'",
        '"',
        "\\",
        "\0",
        "\ud800",
        "\ufeff",
        "9" * 400,
    ),
]
SCALARS = (
    st.sampled_from(WORDS) | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3),
    max_leaves=6,
)
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def read_feed(name):
    if name not in FEEDS:
        raise FileNotFoundError(2, "No such file or directory", name)
    return FEEDS[name]


def problems_of(read):
    """The problems of a refusal, none for a value; any other exception is what the fuzz looks for."""
    try:
        read()
    except BadFile as error:
        return error.problems
    return ()


def assert_tidy(problems):
    for problem in problems:
        assert problem.line >= 1
        assert problem.column >= 1
        assert str(problem).isprintable()
        str(problem).encode()


def read_anything(text, sets=()):
    assert_tidy(problems_of(lambda: parse_scenario(text, "f.yml", {"X": "7/s"}, sets, read_feed)))


def paths_of(tree, path=()):
    yield path
    children = tree.items() if isinstance(tree, dict) else enumerate(tree if isinstance(tree, list) else ())
    for key, child in children:
        yield from paths_of(child, (*path, key))


def at(tree, path):
    for part in path:
        tree = tree[part]
    return tree


def mutate_tree(data, tree):
    """One deletion, replacement, copy, exchange or misspelling somewhere in the tree."""
    paths = [path for path in paths_of(tree) if path]
    path = data.draw(st.sampled_from(paths))
    parent, last = at(tree, path[:-1]), path[-1]
    action = data.draw(st.sampled_from(["delete", "replace", "copy", "swap", "rename"]))
    other = data.draw(st.sampled_from(paths))
    if action == "delete":
        del parent[last]
    elif action == "replace":
        parent[last] = data.draw(ANYTHING)
    elif action == "copy":
        parent[last] = copy.deepcopy(at(tree, other))
    elif action == "swap":
        here, there = copy.deepcopy(at(tree, path)), copy.deepcopy(at(tree, other))
        at(tree, other[:-1])[other[-1]] = here
        if path[: len(other)] != other:
            parent[last] = there
    elif isinstance(parent, dict):
        parent[data.draw(st.sampled_from(WORDS) | st.text(max_size=5))] = parent.pop(last)
    return tree


@SLOW
@given(text=st.sampled_from(SCENARIOS), data=st.data())
def test_a_mutated_tree_is_a_scenario_or_a_bad_file(text, data):
    tree = yaml.safe_load(text)
    for _ in range(data.draw(st.integers(1, 3))):
        if tree:
            tree = mutate_tree(data, tree)
    read_anything(yaml.safe_dump(tree, allow_unicode=True, sort_keys=False))


def mutate_text(data, text):
    """A deletion, insertion, doubling or exchange of stretches of the text."""
    size = len(text)
    start = data.draw(st.integers(0, size))
    end = min(size, start + data.draw(st.integers(0, 40)))
    action = data.draw(st.sampled_from(["delete", "insert", "double", "swap", "cut"]))
    if action == "delete":
        return text[:start] + text[end:]
    if action == "insert":
        return text[:start] + data.draw(st.sampled_from(WORDS) | st.text(max_size=5)) + text[start:]
    if action == "double":
        return text[:end] + text[start:end] + text[end:]
    if action == "swap":
        return text[end:] + text[start:end] + text[:start]
    return text[:start]


@SLOW
@given(text=st.sampled_from(SCENARIOS), data=st.data())
def test_a_mutated_text_is_a_scenario_or_a_bad_file(text, data):
    for _ in range(data.draw(st.integers(1, 4))):
        text = mutate_text(data, text)
    read_anything(text)


@SLOW
@given(text=st.sampled_from(SCENARIOS), at_=st.integers(0, 900), junk=st.binary(min_size=1, max_size=4))
def test_random_bytes_are_a_scenario_or_a_bad_file(text, at_, junk):
    data = text.encode()
    data = data[:at_] + junk + data[at_ + 2 :]
    assert_tidy(problems_of(lambda: parse_scenario(decode(data, "f.yml"), "f.yml", {}, [], read_feed)))


@SLOW
@given(text=st.sampled_from(TARGETS), data=st.data())
def test_a_mutated_config_is_a_target_or_a_bad_file(text, data):
    tree = mutate_tree(data, yaml.safe_load(text))
    mutated = (
        yaml.safe_dump(tree, allow_unicode=True) if data.draw(st.booleans()) else mutate_text(data, text)
    )
    assert_tidy(problems_of(lambda: parse_target(mutated, "t.yml", {})))


PARTS = st.sampled_from(
    [
        "load",
        "reads",
        "rate",
        "calls",
        "phases",
        "steady",
        "objectives",
        "seed",
        "0",
        "9",
        "-1",
        "",
        "²",
        "http",
    ]
)


@SLOW
@given(
    text=st.sampled_from(SCENARIOS),
    path=st.lists(PARTS, max_size=4).map(".".join) | st.text(max_size=8),
    value=st.sampled_from(WORDS) | st.text(max_size=8),
)
def test_any_set_gives_a_scenario_or_a_bad_file(text, path, value):
    read_anything(text, [f"{path}={value}"])
