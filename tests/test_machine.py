"""Who shares the machine, who has it alone, and what is tried again."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from tests.machine import RERUNS, alone, shared

MOMENT = 0.1
LONG = 10.0  # seconds; nothing waits that long unless it hangs


class Somebody(threading.Thread):
    """Takes the machine when started, and gives it back when told to."""

    def __init__(self, way, tmp_path):
        super().__init__(daemon=True)
        self.way, self.tmp_path = way, tmp_path
        self.is_in, self.may_go = threading.Event(), threading.Event()
        self.start()

    def run(self):
        with self.way(self.tmp_path / "door", self.tmp_path / "room"):
            self.is_in.set()
            assert self.may_go.wait(LONG)

    def go(self):
        self.may_go.set()
        self.join(LONG)


def test_several_share_it(tmp_path):
    several = [Somebody(shared, tmp_path) for _ in range(3)]
    assert all(one.is_in.wait(LONG) for one in several)
    for one in several:
        one.go()


def test_who_wants_it_alone_waits_for_those_inside_and_is_not_overtaken(tmp_path):
    first = Somebody(shared, tmp_path)
    assert first.is_in.wait(LONG)
    single = Somebody(alone, tmp_path)
    assert not single.is_in.wait(MOMENT)
    late = Somebody(shared, tmp_path)
    assert not late.is_in.wait(MOMENT)
    first.go()
    assert single.is_in.wait(LONG)
    assert not late.is_in.wait(MOMENT)
    single.go()
    assert late.is_in.wait(LONG)
    late.go()


TESTS = """
import pytest

from tests.machine import wants_it_alone


@pytest.mark.real
def test_fails_beside_others(request):
    assert wants_it_alone(request.node), "too busy"


@pytest.mark.real
def test_fails_always():
    assert False, "a bug"


def test_in_virtual_time():
    assert False, "never tried again"


@pytest.mark.quiet
def test_quiet(request):
    assert wants_it_alone(request.node)
"""
ROOT = Path(__file__).parents[1]


def test_what_is_real_is_tried_again_alone_and_what_fails_there_has_failed(tmp_path):
    """Told by the runner itself, over tests that it has not seen."""
    file = tmp_path / "test_them.py"
    file.write_text(TESTS)
    words = [
        "-p",
        "tests.machine",
        "-c",
        ROOT / "pyproject.toml",
        "--rootdir",
        tmp_path,
        "-p",
        "no:cacheprovider",
    ]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *map(str, words), str(file)],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},  # A machine of its own: this test has a share of ours.
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 1, ran.stdout
    assert f"2 failed, 2 passed, {1 + RERUNS} rerun in" in ran.stdout
    assert "too busy" in ran.stdout, "what failed beside others is shown"
    assert ran.stdout.count("RERUN ") >= 1
