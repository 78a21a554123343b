"""Several scenarios in one command: chosen by path and tag, run one after another, the worst code wins."""

import json

import pytest

from tests.cli.command import load_of, read_report

pytestmark = pytest.mark.real

FAILING = load_of(expect={"result": "0x2"})


@pytest.fixture
def three(desk, echo):
    """A folder with one that passes, one that is inconclusive and one that fails."""
    desk.target(echo.url)
    for name, tags, fields in (
        ("a-pass", ["fast", "http"], {}),
        ("b-unclear", ["http"], {"objectives": []}),
        ("c-fail", ["http", "slow"], {"load": FAILING}),
    ):
        desk.scenario(f"scenarios/{name}.yml", name=name, tags=tags, target="../target.yml", **fields)
    return desk


def names(desk):
    return [run.parent.name for run in desk.runs]


def test_the_worst_exit_code_wins_and_one_summary_names_all(three):
    ran = three.run("scenarios")
    assert ran.code == 99
    assert names(three) == ["a-pass", "b-unclear", "c-fail"]
    assert [read_report(run)["exit_code"] for run in three.runs] == [0, 3, 99]
    summary = ran.out[ran.out.rindex("c-fail/") :]
    table = ran.out.splitlines()[-12:]
    for name in ("a-pass", "b-unclear", "c-fail"):
        assert any(name in line for line in table), summary
    assert "[2/3] b-unclear" in ran.err


def test_files_are_run_in_the_order_given_each_once(three):
    ran = three.run("scenarios/b-unclear.yml", "scenarios/a-pass.yml", "scenarios/b-unclear.yml")
    assert ran.code == 3
    assert names(three) == ["b-unclear", "a-pass"]


def test_a_tag_selects(three):
    ran = three.run("scenarios", "--tag", "fast")
    assert (ran.code, names(three)) == (0, ["a-pass"])


def test_one_of_several_tags_is_enough(three):
    ran = three.run("scenarios", "--tag", "fast", "--tag", "slow")
    assert (ran.code, names(three)) == (99, ["a-pass", "c-fail"])


def test_a_target_that_is_down_does_not_keep_the_others_from_running(three, echo):
    three.target("http://127.0.0.1:1", "down.yml", ready={"within": "200ms"})
    three.scenario("scenarios/0-down.yml", name="0-down", target="../down.yml")
    ran = three.run("scenarios")
    assert ran.code == 4
    assert names(three) == ["0-down", "a-pass", "b-unclear", "c-fail"]
    assert echo.seen.requests == 3 * 21


def test_json_is_one_document_for_all(three):
    ran = three.run("scenarios", "--json")
    document = json.loads(ran.out)
    assert document["exit_code"] == ran.code == 99
    assert [run["exit_code"] for run in document["runs"]] == [0, 3, 99]
    assert [run["folder"] for run in document["runs"]] == [str(run) for run in three.runs]
    assert ran.err == ""
