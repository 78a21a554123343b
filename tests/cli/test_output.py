"""What goes where: the result to stdout, the progress to stderr, no escape codes, nothing with --quiet."""

import json
import re

import pytest

from tests.cli.command import load_of

pytestmark = pytest.mark.real
ESCAPE = "\x1b"


@pytest.fixture
def pair(desk, echo):
    """A scenario and its target."""
    return desk.scenario(), desk.target(echo.url)


def test_the_result_is_on_stdout_and_the_progress_on_stderr(desk, pair):
    scenario, target = pair
    ran = desk.run(scenario, target=target)
    assert ran.out.startswith("PASS  reads\n")
    assert f"report: {desk.runs[0]}" in ran.out
    assert ran.err.splitlines()[:2] == ["reads: 500ms", "waiting for the target"]
    assert ESCAPE not in ran.out + ran.err
    assert "\r" not in ran.out + ran.err


def test_a_longer_run_says_a_plain_line_now_and_then(desk, echo):
    scenario = desk.scenario(phases={"warmup": "1s", "steady": "5s"}, load=load_of(rate="10/s"))
    ran = desk.run(scenario, target=desk.target(echo.url))
    (line,) = [line for line in ran.err.splitlines() if "requests/s" in line]
    # A second ends a little late, so an eleventh request may fall into it.
    assert re.search(r"steady: (9|10|11) requests/s, (9|10|11) ok/s, success 100%", line)


def test_quiet_prints_nothing(desk, pair):
    scenario, target = pair
    for option in ("--quiet", "-q"):
        ran = desk.battlectl("run", scenario, "--target", target, "--results", desk.results, option)
        assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert len(desk.runs) == 2


def test_quiet_does_not_hide_a_mistake(desk):
    ran = desk.battlectl("run", "no-such.yml", "--quiet")
    assert (ran.code, ran.out) == (2, "")
    assert "no-such.yml" in ran.err


def test_json_prints_one_document_and_nothing_else(desk, pair):
    scenario, target = pair
    ran = desk.battlectl("run", scenario, "--target", target, "--results", desk.results, "--json")
    document = json.loads(ran.out)
    assert (ran.err, document["exit_code"]) == ("", 0)
    (run,) = document["runs"]
    assert run["folder"] == str(desk.runs[0])
    assert run["verdict"] == "pass"
    stored = desk.report
    assert run["findings"] == stored["findings"]
    assert run["analysis"] == stored["analysis"]


def test_json_of_a_run_that_could_not_begin(desk):
    target = desk.target("http://127.0.0.1:1", ready={"within": "200ms"})
    ran = desk.battlectl("run", desk.scenario(), "--target", target, "--results", desk.results, "--json")
    document = json.loads(ran.out)
    assert (ran.code, document["exit_code"], document["runs"][0]["ending"]["how"]) == (4, 4, "not ready")


@pytest.mark.parametrize("columns", ["40", "60", "200"])
def test_the_summary_fits_the_terminal(desk, echo, columns):
    load = load_of(expect={"result": "0x2"})
    scenario = desk.scenario(name="A name that is rather long for forty columns", load=load)
    ran = desk.run(scenario, target=desk.target(echo.url), COLUMNS=columns)
    assert ran.code == 99
    too_long = [line for line in ran.out.splitlines() if len(line) > int(columns)]
    assert [line for line in too_long if str(desk.folder) not in line] == []


def test_a_reader_that_goes_away_is_no_crash(desk, pair):
    """`battlectl plan ... | head -1`: no traceback, no "Exception ignored"."""
    scenario, target = pair
    process = desk.start("plan", scenario, "--target", target, "--arrivals", "20")
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    process.wait(30)
    assert "Traceback" not in err
    assert "Exception ignored" not in err
