"""On a terminal: a live panel while it runs, and a tidy screen with the summary alone when it is over.

Rule: what the terminal shows is worked out by a screen of our own that knows the few sequences in use; a
sequence that it does not know fails the test.
"""

import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from fcntl import ioctl

import pytest

from tests.cli.command import COMMAND, environment, shell_code
from tests.servers import serving

pytestmark = pytest.mark.real
SEQUENCE = re.compile(r"\x1b\[(\??[0-9;]*)([A-Za-z])")


def run_on_terminal(desk, *words, columns=100, interrupt=None, **environ):
    """(exit code, all that was written to the terminal); `interrupt`: type Ctrl-C once this was shown."""
    main, terminal = pty.openpty()
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(
        [*COMMAND, *map(str, words)],
        cwd=desk.folder,
        env=environment(TERM="xterm-256color", **environ),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=lambda: ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(terminal)
    try:
        shown = read_terminal(main, interrupt)
        return shell_code(process.wait(20)), shown
    finally:
        process.kill()
        os.close(main)


def read_terminal(main, interrupt):
    shown, deadline = b"", time.monotonic() + 60
    while time.monotonic() < deadline:
        if not select.select([main], [], [], 0.2)[0]:
            continue
        try:
            data = os.read(main, 65536)
        except OSError:  # the last process on the terminal has ended
            break
        shown += data
        if interrupt and interrupt in shown:
            os.write(main, b"\x03")
            interrupt = None
    return shown.decode()


class Screen:
    """What stands on the terminal in the end: lines, a cursor, whether it is hidden."""

    def __init__(self):
        self.lines, self.row, self.column, self.is_hidden = [""], 0, 0, False

    def show(self, text):
        start = 0
        for found in SEQUENCE.finditer(text):
            self.write(text[start : found.start()])
            self.obey(found[1], found[2])
            start = found.end()
        self.write(text[start:])
        return self

    def write(self, text):
        assert "\x1b" not in text, f"an unknown sequence: {text!r}"
        for character in text:
            if character == "\r":
                self.column = 0
            elif character == "\n":
                self.row += 1
                self.lines += [""] * (self.row + 1 - len(self.lines))
            else:
                line = self.lines[self.row].ljust(self.column)
                self.lines[self.row] = line[: self.column] + character + line[self.column + 1 :]
                self.column += 1

    def obey(self, given, what):
        if what == "A":
            self.row = max(0, self.row - int(given or 1))
        elif (given, what) == ("2", "K"):
            self.lines[self.row] = ""
        elif (given, what) in (("?25", "l"), ("?25", "h")):
            self.is_hidden = what == "l"
        else:
            assert what == "m", f"an unknown sequence: ESC[{given}{what}"

    @property
    def text(self):
        return "\n".join(line.rstrip() for line in self.lines).strip("\n")


@pytest.fixture
def words(desk, echo):
    desk.target(echo.url)
    desk.scenario(phases={"warmup": "1s", "steady": "1500ms"})
    return ["run", "reads.yml", "--results", "results"]


def test_the_panel_appears_and_leaves_the_screen_tidy(desk, words):
    code, shown = run_on_terminal(desk, *words)
    assert code == 0
    assert "waiting for the target" in shown
    assert "40 ok/s" in shown
    assert "left" in shown
    screen = Screen().show(shown)
    assert not screen.is_hidden
    assert screen.text.startswith("PASS  reads\n")
    assert "ok/s" not in screen.text
    assert "getting ready" not in screen.text


def test_colour_is_shown_unless_no_color(desk, words):
    code, shown = run_on_terminal(desk, *words, "--set", "phases.steady=200ms")
    assert code == 0
    assert "\x1b[32m" in shown or "\x1b[1;32m" in shown
    code, plain = run_on_terminal(desk, *words, "--set", "phases.steady=200ms", NO_COLOR="1")
    assert code == 0
    colours = [
        found[0] for found in SEQUENCE.finditer(plain) if found[2] == "m" and re.search("3[0-7]", found[1])
    ]
    assert colours == []
    assert Screen().show(plain).text.startswith("PASS  reads\n")


def test_forty_columns_are_enough(desk, words):
    code, shown = run_on_terminal(desk, *words, columns=40)
    assert code == 0
    screen = Screen().show(shown)
    assert max(len(line) for line in screen.lines if "results/" not in line) <= 40
    assert screen.text.startswith("PASS  reads\n")


def test_ctrl_c_on_the_terminal_leaves_it_tidy(desk, words):
    code, shown = run_on_terminal(desk, *words, "--set", "phases.steady=30s", interrupt=b"40 ok/s")
    assert code == 130
    screen = Screen().show(shown.replace("^C", ""))
    assert not screen.is_hidden
    assert "INCONCLUSIVE" in screen.text
    assert desk.report["ending"]["how"] == "interrupted"


def test_the_lab_outlives_the_ctrl_c_of_its_terminal_until_the_run_is_over(desk):
    """Ctrl-C goes to everything on the terminal; the lab's processes must not die of it before the drain."""
    desk.scenario(target="lab", phases={"steady": "30s"})
    code, _ = run_on_terminal(desk, "run", "reads.yml", "--results", "results", interrupt=b"40 ok/s")
    assert code == 130
    assert desk.report["windows"][-1]["workloads"]["(all)"]["outcomes"].keys() == {"ok"}


def test_ctrl_c_before_the_load_leaves_the_cursor_visible(desk):
    with serving("hang") as server:
        desk.target(server.url, ready={"within": "30s"})
        desk.scenario()
        code, shown = run_on_terminal(
            desk, "run", "reads.yml", "--results", "results", interrupt=b"waiting for"
        )
    assert code == 130
    assert not Screen().show(shown.replace("^C", "")).is_hidden
