"""A crash of battlectl itself is exit code 1: one tidy line, the traceback in a file, nothing else."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import environment, finish

pytestmark = pytest.mark.real

CRASHING = """
import sys
import battlectl.commands.validate as verb
def validate(*_):
    raise RuntimeError("a bug of ours")
verb.validate = validate
from battlectl.cli import main
sys.argv = ["battlectl", *sys.argv[1:]]
main()
"""


def crash(desk, *words, program=CRASHING):
    return finish(
        subprocess.Popen(
            [sys.executable, "-c", program, *words],
            cwd=desk.folder,
            env=environment(TMPDIR=str(desk.folder)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    )


def test_a_crash_is_1_with_its_traceback_in_a_file(desk):
    ran = crash(desk, "validate", "any.yml")
    assert (ran.code, ran.out) == (1, "")
    assert "Traceback" not in ran.err
    first, second = ran.err.splitlines()
    assert first == "battlectl crashed: RuntimeError: a bug of ours"
    saved = Path(re.fullmatch(r"please report it with (.*)", second)[1])
    assert saved.parent == desk.folder
    text = saved.read_text()
    assert text.startswith("Traceback (most recent call last)")
    assert text.endswith("RuntimeError: a bug of ours\n")


def test_debug_shows_the_traceback(desk):
    ran = crash(desk, "--debug", "validate", "any.yml")
    assert ran.code == 1
    assert "Traceback (most recent call last)" in ran.err
    assert "battlectl crashed: RuntimeError: a bug of ours" in ran.err


def test_debug_shows_the_traceback_of_a_mistake_too(desk):
    ran = desk.battlectl("--debug", "run", "no-such.yml")
    assert ran.code == 2
    assert "Traceback (most recent call last)" in ran.err


def test_results_that_cannot_be_written_are_the_user_s_to_mend(desk, echo):
    """A file stands where the folder should be: nothing is sent for results that nobody would have."""
    desk.write("results", "a file")
    ran = desk.run(desk.scenario(), target=desk.target(echo.url))
    assert ran.code == 2
    assert "results" in ran.err
    assert "Traceback" not in ran.err
    assert echo.seen.requests == 0


CRASHING_RUN = CRASHING.replace("validate", "run").replace("verb.run = run", "verb.judge = run")


def test_a_crash_inside_the_run_names_the_error_and_not_its_wrapping(desk, echo):
    scenario, target = desk.scenario(), desk.target(echo.url)
    ran = crash(desk, "run", str(scenario), "--target", str(target), program=CRASHING_RUN)
    assert ran.code == 1
    assert "battlectl crashed: RuntimeError: a bug of ours" in ran.err
    assert "Traceback" not in ran.err
