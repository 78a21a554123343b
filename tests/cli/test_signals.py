"""Ctrl-C and SIGTERM at any moment: 130 or 143, soon, and a valid partial report that is never a pass.

Rule: what is asked depends on what was there. Before the results folder is made only the exit code; once it
is made, a report in it whose sums agree, whichever line of battlectl the signal met.
"""

import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.cli.command import SIGNALLED, Desk, crashed, finish, load_of, read_report
from tests.servers import serving

pytestmark = pytest.mark.real
GONE_WITHIN = 10.0
MOMENTS = 6
SPAN = (0.1, 4.0)  # seconds from when Python is up to after the end of an undisturbed run
NAMES = pytest.mark.parametrize("signum", SIGNALLED, ids=lambda signum: signum.name)


def wait_for(condition, what):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.01)


def journal_lines(desk):
    found = [path.read_bytes().count(b"\n") for path in desk.results.glob("*/*/journal.jsonl")]
    return sum(found)


def check_ended(desk, ran, signum, at=None):
    """The exit code, and of each folder that was made a report: valid, and no pass unless it was all over."""
    assert ran.code == SIGNALLED[signum], (at, ran)
    assert not crashed(ran), (at, ran.err)
    for run in desk.runs:
        report = read_report(run)
        assert (run / "junit.xml").stat().st_size > 0
        assert report["verdict"] != "pass" or report["ending"]["how"] == "completed", at


def slow_run(desk, server):
    """A run of two seconds whose answers take a second: so there is a drain to meet."""
    load = load_of(rate="20/s", timeout="3s")
    scenario = desk.scenario(phases={"steady": "1500ms"}, load=load)
    desk.target(server.url)
    return desk.start("run", scenario, "--results", desk.results)


def signal_at(desk, server, signum, at):
    process = slow_run(desk, server)
    time.sleep(at)
    process.send_signal(signum)
    return finish(process, GONE_WITHIN)


@NAMES
def test_at_random_moments(tmp_path, signum):
    chance = random.Random(f"moments/{signum}")
    moments = sorted(chance.uniform(*SPAN) for _ in range(MOMENTS))
    desks = [Desk(tmp_path / f"{at:.3f}") for at in moments]
    for desk in desks:
        desk.folder.mkdir()
    with serving("echo", delay=1.0) as server, ThreadPoolExecutor(2) as pool:
        jobs = [
            pool.submit(signal_at, desk, server, signum, at) for desk, at in zip(desks, moments, strict=True)
        ]
        ended = [job.result() for job in jobs]
    for desk, ran, at in zip(desks, ended, moments, strict=True):
        if "KeyboardInterrupt" in ran.err and "battlectl" not in ran.err:
            continue  # Python itself was not up yet: the machine is busy
        if ran.code == 0:
            assert read_report(desk.runs[0])["ending"]["how"] == "completed"  # it was over before the signal
        else:
            check_ended(desk, ran, signum, at)
    assert {ran.code for ran in ended} >= {SIGNALLED[signum]}


@NAMES
def test_while_waiting_for_the_target(desk, signum):
    with serving("hang") as server:
        scenario = desk.scenario(target=str(desk.target(server.url, ready={"within": "30s"})))
        process = desk.start("run", scenario, "--results", desk.results)
        wait_for(lambda: server.seen.connections, "the readiness question")
        process.send_signal(signum)
        ran = finish(process, GONE_WITHIN)
    check_ended(desk, ran, signum)
    assert desk.report["workloads"][0]["issued"] == 0
    assert desk.report["ending"]["reason"] == f"signal {signum.name}, before any load"
    assert desk.report["verdict"] == "inconclusive"


@NAMES
def test_while_the_lab_starts(desk, signum):
    process = desk.start("run", desk.scenario(target="lab"), "--results", desk.results)
    wait_for(lambda: desk.runs, "the results folder")
    process.send_signal(signum)
    check_ended(desk, finish(process, GONE_WITHIN), signum)
    assert desk.report["workloads"][0]["issued"] == 0


@NAMES
def test_in_the_middle_of_the_load(desk, echo, signum):
    desk.target(echo.url)
    scenario = desk.scenario(phases={"steady": "30s"})
    process = desk.start("run", scenario, "--results", desk.results)
    wait_for(lambda: journal_lines(desk) >= 2, "the first second")
    process.send_signal(signum)
    ran = finish(process, GONE_WITHIN)
    check_ended(desk, ran, signum)
    report = desk.report
    assert (report["ending"]["how"], report["verdict"]) == (
        {130: "interrupted", 143: "terminated"}[ran.code],
        "inconclusive",
    )
    assert 1 <= report["ending"]["at_s"] < 20
    assert report["workloads"][0]["issued"] == echo.seen.requests - 1
    assert report["windows"][-1]["workloads"]["(all)"]["outcomes"].keys() == {"ok"}
    assert str(desk.runs[0]) in ran.out, "the summary says where the partial report is"


@NAMES
def test_in_the_drain(desk, signum):
    """All has been sent, nothing is answered yet: the answers that still come in time are counted as such."""
    with serving("echo", delay=2.0) as server:
        desk.target(server.url, ready={"within": "10s"})
        scenario = desk.scenario(load=load_of(timeout="20s"))
        process = desk.start("run", scenario, "--results", desk.results)
        wait_for(lambda: server.seen.requests == 21, "the last request")
        process.send_signal(signum)
        ran = finish(process, GONE_WITHIN)
    check_ended(desk, ran, signum)
    assert desk.report["windows"][-1]["workloads"]["(all)"]["outcomes"] == {"ok": 20}


def test_twice_abandons_what_is_under_way(desk):
    with serving("echo", delay=3.0) as server:
        desk.target(server.url, ready={"within": "10s"})
        scenario = desk.scenario(phases={"steady": "30s"}, load=load_of(rate="20/s", timeout="20s"))
        process = desk.start("run", scenario, "--results", desk.results)
        wait_for(lambda: journal_lines(desk) >= 3, "two seconds")
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        ran = finish(process, GONE_WITHIN)
    check_ended(desk, ran, signal.SIGINT)
    outcomes = desk.report["windows"][-1]["workloads"]["(all)"]["outcomes"]
    assert outcomes.get("abandoned", 0) > 0
    assert desk.report["generator"]["abandoned"] == outcomes["abandoned"]


def test_a_signal_of_each_kind_the_first_wins(desk):
    with serving("echo", delay=2.0) as server:
        desk.target(server.url, ready={"within": "10s"})
        scenario = desk.scenario(phases={"steady": "30s"}, load=load_of(timeout="20s"))
        process = desk.start("run", scenario, "--results", desk.results)
        wait_for(lambda: journal_lines(desk) >= 2, "the first second")
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        ran = finish(process, GONE_WITHIN)
    check_ended(desk, ran, signal.SIGTERM)


def test_between_two_scenarios_the_second_is_not_begun(desk, echo):
    desk.target(echo.url)
    paths = [desk.scenario(f"{name}.yml", name=name, phases={"steady": "30s"}) for name in ("one", "two")]
    process = desk.start("run", *paths, "--results", desk.results)
    wait_for(lambda: journal_lines(desk) >= 2, "the first second")
    process.send_signal(signal.SIGTERM)
    ran = finish(process, GONE_WITHIN)
    check_ended(desk, ran, signal.SIGTERM)
    assert [run.parent.name for run in desk.runs] == ["one"]


EARLY = """
import os, signal, sys, trio
run = trio.run
def run_late(*words):
    os.kill(os.getpid(), signal.{name})
    return run(*words)
trio.run = run_late
from battlectl.cli import main
main()
"""


@NAMES
def test_between_reading_the_files_and_listening_to_signals(desk, echo, signum):
    desk.target(echo.url)
    scenario = desk.scenario(phases={"steady": "30s"})
    words = ["run", scenario, "--results", desk.results]
    command = [sys.executable, "-c", EARLY.format(name=signum.name), *map(str, words)]
    with subprocess.Popen(
        command, cwd=desk.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        ran = finish(process)
    check_ended(desk, ran, signum)
    assert desk.report["ending"]["reason"] == f"signal {signum.name}, before any load"
