"""`battlectl report`: a killed run is rebuilt from its journal, a finished one comes out the same.

Rule: what the server has seen is the truth; a rebuilt report lacks at most the last second of it, says that
it was rebuilt, and is never a pass.
"""

import json
import signal
import time

import pytest

from tests.cli.command import Desk, finish, load_of, read_report
from tests.servers import serving

pytestmark = pytest.mark.real
RATE = 100


def wait_for_lines(desk, count):
    """Until the journal has that many whole lines; its text."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        text = b"".join(path.read_bytes() for path in desk.results.glob("*/*/journal.jsonl"))
        if text.count(b"\n") >= count:
            return text
        time.sleep(0.02)
    raise AssertionError("the journal did not grow")


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A run that was killed in its fourth second: its desk, and what the server had seen of it."""
    desk = Desk(tmp_path_factory.mktemp("killed"))
    with serving("echo") as server:
        desk.target(server.url)
        scenario = desk.scenario(phases={"steady": "60s"}, load=load_of(rate=f"{RATE}/s"))
        process = desk.start("run", scenario, "--results", desk.results)
        wait_for_lines(desk, 4)
        process.kill()
        assert finish(process).code == 128 + 9
        time.sleep(0.2)
        return desk, server.seen.requests - 1


def copy_of(run, folder):
    """A copy of the journal alone, so that each test can spoil its own."""
    folder.mkdir()
    (folder / "journal.jsonl").write_bytes((run / "journal.jsonl").read_bytes())
    return folder


def test_a_killed_run_is_rebuilt_but_for_its_last_second(killed, tmp_path):
    desk, sent = killed
    assert not (desk.runs[0] / "report.json").exists()
    run = copy_of(desk.runs[0], tmp_path / "run")
    ran = desk.battlectl("report", run)
    report = read_report(run)
    assert ran.code == report["exit_code"] == 3
    assert (report["verdict"], report["ending"]["how"]) == ("inconclusive", "killed")
    assert report["meta"]["rebuilt"] is True
    outcomes = report["windows"][-1]["workloads"]["(all)"]["outcomes"]
    issued = report["workloads"][0]["issued"]
    assert sent - 1.5 * RATE <= issued <= sent + 1
    assert outcomes["ok"] >= issued - 5
    assert set(outcomes) <= {"ok", "abandoned"}
    assert {path.name for path in run.iterdir()} >= {"report.json", "report.md", "junit.xml", "journal.jsonl"}


def test_a_last_line_that_was_cut_off_is_left_out(killed, tmp_path):
    desk, _ = killed
    run = copy_of(desk.runs[0], tmp_path / "run")
    journal = run / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    counts = set()
    for cut in (1, len(lines[-1]) // 2, len(lines[-1]) - 1):
        journal.write_bytes(b"".join(lines[:-1]) + lines[-1][:cut])
        (run / "report.json").unlink(missing_ok=True)
        assert desk.battlectl("report", run).code == 3
        counts.add(read_report(run)["workloads"][0]["issued"])
    assert len(counts) == 1


def test_a_rebuilt_report_comes_out_the_same_again(killed, tmp_path):
    desk, _ = killed
    run = copy_of(desk.runs[0], tmp_path / "run")
    assert desk.battlectl("report", run).code == 3
    before = (run / "report.json").read_bytes()
    assert desk.battlectl("report", run).code == 3
    assert (run / "report.json").read_bytes() == before


def test_an_objective_that_failed_before_the_kill_is_a_failure(killed, tmp_path):
    desk, _ = killed
    run = copy_of(desk.runs[0], tmp_path / "run")
    ran = desk.battlectl("report", run, "--objective", "latency.p50 < 1ns")
    assert ran.code == 99
    assert not (run / "report.json").exists()


GARBAGE = {
    "nothing": b"",
    "no JSON": b"\x00\xff garbage\nmore\n",
    "another JSON": b'{"version": 1}\n',
    "a list": b"[]\n",
    "a header without its frame": b'{"schema_version": 1, "meta": {}}\n',
    "a frame of nothing": b'{"schema_version": 1, "meta": {}, "frame": {}}\n',
    "another schema version": b'{"schema_version": 999}\n',
}


@pytest.mark.parametrize("kind", GARBAGE)
@pytest.mark.parametrize("name", ["journal.jsonl", "report.json"])
def test_garbage_is_a_tidy_error(desk, name, kind):
    desk.write("run/note.txt", "")
    (desk.folder / "run" / name).write_bytes(GARBAGE[kind])
    ran = desk.battlectl("report", "run")
    assert (ran.code, ran.out) == (2, "")
    assert "run" in ran.err
    assert "Traceback" not in ran.err
    assert "battlectl crashed" not in ran.err


def test_garbage_in_the_middle_of_a_journal_is_a_tidy_error(killed, tmp_path):
    desk, _ = killed
    run = copy_of(desk.runs[0], tmp_path / "run")
    lines = (run / "journal.jsonl").read_bytes().splitlines(keepends=True)
    for broken in (b"garbage\n", b"{}\n", b'{"t": "soon"}\n', b"[1]\n"):
        (run / "journal.jsonl").write_bytes(b"".join([*lines[:2], broken, *lines[2:]]))
        ran = desk.battlectl("report", run)
        assert ran.code == 2, ran
        assert "Traceback" not in ran.err
        assert "crashed" not in ran.err


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run of one that passed."""
    desk = Desk(tmp_path_factory.mktemp("finished"))
    with serving("echo") as server:
        ran = desk.run(
            desk.scenario(phases={"warmup": "300ms", "steady": "1s"}), target=desk.target(server.url)
        )
    assert ran.code == 0
    return desk


def contents(run):
    return {path.name: path.read_bytes() for path in run.iterdir()}


def test_report_of_a_finished_run_gives_the_same_bytes(finished):
    (run,) = finished.runs
    before = contents(run)
    ran = finished.battlectl("report", run)
    assert ran.code == 0
    assert contents(run) == before
    assert ran.out.startswith("PASS  reads\n")


def test_report_of_an_interrupted_run_gives_the_same_bytes(desk, echo):
    desk.target(echo.url)
    process = desk.start("run", desk.scenario(phases={"steady": "30s"}), "--results", desk.results)
    wait_for_lines(desk, 2)
    process.send_signal(signal.SIGTERM)
    assert finish(process).code == 143
    (run,) = desk.runs
    before = contents(run)
    assert desk.battlectl("report", run).code == 143
    assert contents(run) == before


def test_report_takes_results_latest(finished):
    assert finished.battlectl("report", "results/latest").code == 0


def test_new_objectives_are_judged_without_rewriting_anything(finished):
    (run,) = finished.runs
    before = contents(run)
    ran = finished.battlectl("report", run, "--objective", "latency.p95 < 1ns", "--json")
    document = json.loads(ran.out)
    assert (ran.code, document["exit_code"]) == (99, 99)
    assert list(document["runs"][0]["slo_results"]) == ["latency.p95 < 1ns"]
    assert finished.battlectl("report", run, "--objective", "latency.p50 < 10s in steady").code == 0
    assert contents(run) == before


@pytest.mark.parametrize(
    "objective", ["latency", "latency.p95 < 300", "latency.p95 < 1s in nowhere", "speed > 3", ""]
)
def test_an_objective_that_cannot_be_judged_is_bad_usage(finished, objective):
    ran = finished.battlectl("report", finished.runs[0], "--objective", objective)
    assert ran.code == 2
    assert "--objective" in ran.err


def test_report_does_not_need_what_the_run_needed(finished):
    """Neither the scenario, nor the target, nor the environment: the folder alone."""
    (run,) = finished.runs
    moved = finished.folder / "elsewhere"
    moved.mkdir()
    (moved / "report.json").write_bytes((run / "report.json").read_bytes())
    assert Desk(moved).battlectl("report", ".").code == 0
    assert (moved / "report.md").read_bytes() == (run / "report.md").read_bytes()
