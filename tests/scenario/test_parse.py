"""What a right file becomes, and that every mistake of a wrong one is told at once."""

from pathlib import Path

import pytest

from battlectl.errors import BadFile
from battlectl.scenario.parse import parse_scenario

MANY = Path(__file__).parent / "many-mistakes.yml"
GOLDEN = Path(__file__).parent / "many-mistakes.txt"

HEAD = "version: 1\nname: One\nphases: {warmup: 1s, steady: 9s}\nload:\n  reads:\n    rate: 5/s\n"


def parse(text, feeds=None):
    def read_text(name):
        if name not in (feeds or {}):
            raise FileNotFoundError(2, "No such file or directory")
        return feeds[name]

    return parse_scenario(text, "s/f.yml", {}, [], read_text)


def problems_of(text, feeds=None):
    with pytest.raises(BadFile) as caught:
        parse(text, feeds)
    return [str(problem) for problem in caught.value.problems]


def test_all_mistakes_of_a_file_are_told_at_once_in_its_order():
    with pytest.raises(BadFile) as caught:
        parse_scenario(MANY.read_text(), "many-mistakes.yml", {}, [], lambda name: "")
    assert str(caught.value) + "\n" == GOLDEN.read_text()


@pytest.mark.parametrize(
    "calls",
    [
        "{eth_chainId: 1, eth_call: 1}",
        "[eth_chainId, eth_call]",
        "[{method: eth_chainId}, {method: eth_call, weight: 1}]",
    ],
)
def test_short_and_long_forms_of_calls_are_the_same(calls):
    workload = parse(f"{HEAD}    calls: {calls}\n").scenario.load["reads"]
    assert [(call.method, call.weight) for call in workload.calls] == [("eth_chainId", 1), ("eth_call", 1)]


@pytest.mark.parametrize(
    ("file", "text", "values"),
    [
        ("a.txt", "x\n\n  y  \r\nz", ("x", "y", "z")),
        ("a.jsonl", '{"a": 1}\n\n[2]\n"x"\n', ({"a": 1}, [2], "x")),
        ("a.csv", "n,v\n1,2\n\n3,4\n", ({"n": "1", "v": "2"}, {"n": "3", "v": "4"})),
        ("a.txt", "\ufeffx\n", ("x",)),
        ("A.CSV", 'n\n"a\nb"\n', ({"n": "a\nb"},)),
    ],
)
def test_feeds_are_read_by_their_ending(file, text, values):
    parsed = parse(f"{HEAD}    calls: [eth_chainId]\nfeeds: {{it: {file}}}\n", {file: text})
    assert parsed.feeds == {"it": values}


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("a.jsonl", "1\n{]\n", "s/a.jsonl:2:2: feeds.it: not JSON"),
        ("a.jsonl", "NaN\n", "s/a.jsonl:1:1: feeds.it: not JSON (NaN is not JSON)"),
        ("a.jsonl", "[" * 100_000, "s/a.jsonl:1:1: feeds.it: not JSON"),
        ("a.csv", "n,n\n1,2\n", "s/a.csv:1:1: feeds.it: each column of the header"),
        ("a.csv", "n\n", "s/a.csv:1:1: feeds.it: the feed is empty"),
        ("a.csv", 'n\n"open\n', "s/a.csv:2:1: feeds.it: not CSV"),
    ],
)
def test_a_broken_feed_is_told_at_its_own_line(file, text, problem):
    (found,) = problems_of(f"{HEAD}    calls: [eth_chainId]\nfeeds: {{it: {file}}}\n", {file: text})
    assert found.startswith(problem)


def test_one_wrong_part_does_not_hide_the_rules_between_the_others():
    text = (
        f"{HEAD}    calls: [eth_chainId]\n  other:\n    rate: 5\n    calls: [eth_chainId]\n"
        "objectives:\n  - success_rate(reads/eth_call) >= 9%\n  - latency(other/x).p95 < 1s in stedy\n"
    )
    found = [line.split(": ")[0] for line in problems_of(text)]
    assert found == ["s/f.yml:9:11", "s/f.yml:12:5", "s/f.yml:13:5", "s/f.yml:13:5"]


def test_a_wrong_phase_keeps_rules_about_its_length_silent():
    text = HEAD.replace("9s", "9") + "    calls: [eth_chainId]\n"
    text = text.replace("rate: 5/s", "rate: {steps: [{rate: 5/s, for: 100s}]}")
    assert len(problems_of(text)) == 1


def test_the_same_label_with_other_params_is_fine():
    calls = "[{method: eth_call, params: [1]}, {method: eth_call, params: [2]}]"
    text = f"{HEAD}    calls: {calls}\nobjectives: [success_rate(reads/eth_call) >= 9%]\n"
    assert len(parse(text).scenario.load["reads"].calls) == 2


def test_what_a_file_says_cannot_steer_the_terminal():
    (line,) = problems_of(f'{HEAD}    calls: [eth_chainId]\n"\\e[31mred": 1\n')
    assert "\x1b" not in line
    assert "\\x1b[31mred" in line


def test_thousands_of_mistakes_are_counted_and_not_all_printed():
    text = f"{HEAD}    calls: [eth_chainId]\n" + "name: again\n" * 1000
    with pytest.raises(BadFile) as caught:
        parse(text)
    assert len(caught.value.problems) == 1000
    assert str(caught.value).splitlines()[-1] == "... and 800 more"


def test_a_very_long_value_is_cut_in_its_message():
    (line,) = problems_of(HEAD.replace("5/s", "x" * 100_000) + "    calls: [eth_chainId]\n")
    assert len(line) < 500
    assert line.endswith('try "200/s" or "30/min"')
