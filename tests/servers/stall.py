"""The stalling server as seen from a test: a child process, so that it shares nothing with who measures."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.handle import Handle, Seen

CHILD = Path(__file__).with_name("stall_child.py")
END_WITHIN = 5.0


@contextmanager
def stall(at: float = 5.0, hold: float = 1.0, asleep: bool = False) -> Iterator[Handle]:
    """Answer at once, but send nothing for `hold` s, `at` s after the first request.

    `asleep` does nothing at all in that time. It looks the same to a client, but there is more to catch up
    then: see stall_child.py.
    """
    command = [sys.executable, "-I", str(CHILD), str(at), str(hold), "asleep" if asleep else "holding"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            port = int(child.stdout.readline())
            yield Handle(f"http://127.0.0.1:{port}", port, lambda: _counts(child))
        finally:
            _end(child)


def _counts(child: subprocess.Popen[str]) -> Seen:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write("?\n")
    child.stdin.flush()
    return Seen(**json.loads(child.stdout.readline()))


def _end(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.close()
    try:
        child.wait(END_WITHIN)
    except subprocess.TimeoutExpired:
        child.kill()
