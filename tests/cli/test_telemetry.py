"""A lie of the lab's gateway is found, told and found again in what is stored; without it all agrees."""

from __future__ import annotations

import shutil

import pytest

from tests.cli.command import Desk, load_of, read_report

pytestmark = pytest.mark.real
PHASES = {"warmup": "1s", "steady": "7s"}
PAGES = {"/api/metrics", "/api/status", "/api/health"}


def fought(desk, defect=None):
    """The code and the report of a run against the lab, in which telemetry must be right."""
    desk.write("lab.yml", {"version": 1, "kind": "lab", "lab": {} if defect is None else {"defect": defect}})
    scenario = desk.scenario(
        phases=PHASES,
        load=load_of(rate="50/s"),
        target=str(desk.folder / "lab.yml"),
        objectives=["success_rate >= 90%", "memory.max < 2GB"],
        checks={"telemetry": "fail"},
        generator={"max_lag": "5s"},
    )
    ran = desk.battlectl("run", scenario, "--results", desk.results, "--quiet")
    return ran.code, read_report(desk.runs[-1])


@pytest.fixture(scope="module")
def lying(tmp_path_factory):
    desk = Desk(tmp_path_factory.mktemp("lying"))
    return desk, *fought(desk, "telemetry-zero-counters")


def finding_of(report):
    (found,) = [one for one in report["findings"] if one["name"] == "telemetry"]
    return found


def test_what_is_told_is_what_was_seen(tmp_path):
    code, report = fought(Desk(tmp_path))
    assert (code, finding_of(report)["verdict"]) == (0, "pass")
    told = {page["name"]: page for page in report["telemetry"]["sources"]}
    assert set(told) >= PAGES
    assert told["/api/metrics"]["requests"] == 400 == told["/api/metrics"]["client"]
    assert report["telemetry"]["memory"]["source"] == "process"
    assert report["analysis"]["system"]["peak_memory_mb"] > 1


def test_a_lie_is_a_failure_that_says_who_and_by_how_much(lying):
    desk, code, report = lying
    assert (code, finding_of(report)["verdict"]) == (99, "fail")
    assert "says 0 requests, the client had" in finding_of(report)["summary"]
    providers = {one["provider"] for one in report["telemetry"]["disagreements"]}
    assert {"provider_a", "provider_b", "provider_c", None} <= providers
    assert "What cannot be so" in (desk.runs[0] / "report.md").read_text()


def test_it_is_judged_again_from_what_is_stored(lying):
    desk, code, report = lying
    assert desk.battlectl("report", desk.runs[0]).code == code
    assert read_report(desk.runs[0])["telemetry"] == report["telemetry"]


def test_it_is_there_when_the_run_was_killed(lying, tmp_path):
    desk, _, report = lying
    run = tmp_path / "run"
    shutil.copytree(desk.runs[0], run)
    (run / "report.json").unlink()
    assert desk.battlectl("report", run).code == 99
    again = read_report(run)
    assert again["ending"]["how"] == "killed"
    assert finding_of(again)["summary"] == finding_of(report)["summary"]
