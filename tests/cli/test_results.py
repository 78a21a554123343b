"""The results folder: `latest` is the newest run, and no file is ever seen half written."""

import json
import os
import signal
import time

import pytest

from tests.cli.command import finish, read_report
from tests.cli.test_signals import wait_for

pytestmark = pytest.mark.real
FILES = {"report.json", "report.md", "junit.xml", "journal.jsonl"}


def test_latest_points_to_the_newest_run(desk, echo):
    scenario, target = desk.scenario(), desk.target(echo.url)
    other = desk.scenario("other.yml", name="Other reads")
    for path, parent in ((scenario, "reads"), (other, "other-reads"), (scenario, "reads")):
        assert desk.run(path, target=target).code == 0
        latest = desk.results / "latest"
        assert latest.is_symlink()
        assert latest.resolve() == desk.runs[-1].resolve()
        assert latest.resolve().parent.name == parent
    assert len(desk.runs) == 3
    assert not os.path.isabs(os.readlink(latest))
    assert {path.name for path in desk.results.iterdir()} == {"latest", "reads", "other-reads"}


def test_a_run_that_could_not_begin_is_the_latest_too(desk, echo):
    assert desk.run(desk.scenario(), target=desk.target(echo.url)).code == 0
    down = desk.target("http://127.0.0.1:1", "down.yml", ready={"within": "200ms"})
    assert desk.run(desk.scenario(), target=down).code == 4
    assert read_report(desk.results / "latest")["exit_code"] == 4


def test_a_run_that_is_killed_is_the_latest_and_not_the_one_before_it(desk, echo):
    desk.target(echo.url)
    assert desk.run(desk.scenario()).code == 0
    process = desk.start("run", desk.scenario(phases={"steady": "60s"}), "--results", desk.results)
    wait_for(lambda: len(desk.runs) == 2 and (desk.runs[1] / "journal.jsonl").exists(), "the second run")
    process.kill()
    assert finish(process).code == 128 + signal.SIGKILL
    told = desk.battlectl("report", desk.results / "latest")
    assert told.code == 3, told
    assert (desk.results / "latest").resolve() == desk.runs[1].resolve()


def test_files_appear_whole_or_not_at_all(desk, echo):
    """Watched as fast as can be while a run ends: whatever has a final name can be read to its end."""
    desk.target(echo.url)
    process = desk.start("run", desk.scenario(), "--results", desk.results)
    seen = set()
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        for run in desk.runs:
            for name in ("report.json", "junit.xml", "report.md"):
                if (run / name).exists():
                    check_whole(run / name)
                    seen.add(name)
    assert finish(process).code == 0
    (run,) = desk.runs
    assert {path.name for path in run.iterdir()} == FILES
    assert seen <= FILES


def check_whole(path):
    text = path.read_text()
    if path.suffix == ".json":
        json.loads(text)
    assert text.endswith("\n")
    assert path.suffix != ".xml" or text.rstrip().endswith("</testsuites>")


def test_two_runs_at_once_do_not_meet(desk, echo):
    desk.target(echo.url)
    scenario = desk.scenario()
    processes = [desk.start("run", scenario, "--results", desk.results) for _ in range(3)]
    assert [finish(process).code for process in processes] == [0, 0, 0]
    assert len({run.name for run in desk.runs}) == 3
    for run in desk.runs:
        assert read_report(run)["workloads"][0]["issued"] == 20
        assert {path.name for path in run.iterdir()} == FILES
