"""The terminal's summary: verdict first, as wide as the terminal, coloured only when asked."""

from __future__ import annotations

import pytest

from battlectl.errors import ExitCode
from battlectl.report.inert import cells
from battlectl.report.terminal import SuiteRow, render_suite, render_summary
from tests.report.scenes import SCENES, hostile, hostile_faults

ALL_SCENES = {**SCENES, "hostile": hostile, "hostile faults": hostile_faults}


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("scene", ALL_SCENES)
def test_it_fits_the_terminal(scene, width):
    lines = render_summary(ALL_SCENES[scene](), width, folder="results/x").splitlines()
    assert max(cells(line) for line in lines if not line.startswith("ACT NOW: ")) <= width
    assert len(lines) <= 40


def test_many_findings_still_fit_on_a_screen():
    document = SCENES["fail"]()
    finding = {**document["findings"][0], "summary": "long " * 100}
    crowded = {**document, "findings": [finding] * 50, "windows": document["windows"] * 10}
    text = render_summary(crowded, 60, folder="results/x")
    assert len(text.splitlines()) <= 40
    assert "and 47 more" in text


@pytest.mark.parametrize("width", [60, 80])
def test_many_faults_and_leftovers_still_fit_on_a_screen(width):
    document = SCENES["faults"]()
    finding = {**document["findings"][0], "summary": "long " * 100, "weighs": "fail"}
    crowded = {
        **document,
        "findings": [finding] * 50 + [{**finding, "weighs": "pass", "verdict": "fail"}] * 9,
        "windows": document["windows"] * 10,
        "faults": document["faults"] * 33,
        "chaos": {**document["chaos"], "leftovers": ["left over " * 90 + "\n" + "for a reason " * 90] * 5},
    }
    lines = render_summary(crowded, width, folder="results/x").splitlines()
    assert len(lines) <= 40
    assert max(cells(line) for line in lines if not line.startswith("ACT NOW: ")) <= width
    assert lines[0] == ("ACT NOW: " + "left over " * 90)
    assert lines[1].startswith("  for a reason ")
    assert "... and 3 more, in the report" in lines
    assert "+93 more, 60 of them not confirmed" in lines


def test_faults_that_are_not_proven_come_first():
    lines = render_summary(SCENES["faults"](), 200).splitlines()
    told = [line.split(":")[:2] for line in lines if line.startswith("fault ")]
    assert told == [
        ["fault latency-b at b", " mismatch"],
        ["fault errors at b, a", " mismatch"],
        ["fault kill-provider_a at a", " confirmed, recovered in 2s"],
    ]


@pytest.mark.parametrize("how", ["not ready", "impossible"])
def test_of_a_run_that_never_began_only_the_reason_is_told(how):
    document = SCENES["impossible"]()
    told = {**document, "ending": {**document["ending"], "how": how}}
    lines = render_summary(told, 100, folder="results/x").splitlines()
    assert lines[0].startswith("INCONCLUSIVE  ")
    assert lines[1:3] == [
        f"{how}, exit code 2: bad usage or scenario",
        "  lag-a: the haproxy driver cannot do lag; it can do kill, flap and partition",
    ]
    assert len(lines) == 5


@pytest.mark.parametrize(("scene", "word"), [("pass", "PASS"), ("fail", "FAIL"), ("empty", "INCONCLUSIVE")])
def test_the_verdict_comes_first(scene, word):
    assert render_summary(SCENES[scene]()).startswith(f"{word}  ")


@pytest.mark.parametrize("scene", ALL_SCENES)
def test_without_colour_there_is_no_escape_and_no_control(scene):
    text = render_summary(ALL_SCENES[scene](), 80, colour=False)
    assert all(line.isprintable() for line in text.split("\n"))


def test_colour_changes_nothing_but_colour():
    document = SCENES["fail"]()
    coloured = render_summary(document, 60, colour=True)
    for code in ("\x1b[1;31m", "\x1b[1;33m", "\x1b[0m"):
        assert code in coloured
        coloured = coloured.replace(code, "")
    assert coloured == render_summary(document, 60)


def test_a_pass_that_is_none_is_not_green():
    document = {**SCENES["pass"](), "passed": False, "exit_code": 6}
    assert "\x1b[1;32m" not in render_summary(document, colour=True)


def test_the_path_of_the_report_is_never_cut():
    path = "results/" + "a" * 300
    assert path in render_summary(SCENES["pass"](), 60, folder=path)


def test_a_suite_ends_with_the_exit_code_that_wins():
    rows = [
        SuiteRow("a", "pass", ExitCode.PASS, 1.0),
        SuiteRow("b", "fail", ExitCode.FAILED, 2.0, "results/b"),
    ]
    last = render_suite(rows).splitlines()[-1]
    assert last == "2 scenarios: 1 pass, 1 fail; exit code 99"


def test_a_suite_of_nothing_is_no_pass():
    assert "exit code 3" in render_suite([])


def test_a_suite_fits_the_terminal():
    rows = [SuiteRow("火" * 200, "inconclusive", ExitCode.INCONCLUSIVE, 4_000.0)]
    assert max(map(cells, render_suite(rows, 60).splitlines())) <= 60
