"""Where a peer is, or why it cannot run."""

from pathlib import Path

from tests.bench.load import Unavailable
from tests.bench.pinned import Finished
from tests.real.parts import find, missing


def tool(command: str) -> Path:
    """The program of a peer; raises `Unavailable` with how to install it."""
    path = find(command)
    if path is None:
        raise Unavailable(missing(command))
    return path


def ended_well(finished: Finished) -> Finished:
    """The same, unless it failed: then `Unavailable` with its last words."""
    if finished.code != 0:
        raise Unavailable(f"ended with {finished.code}: {finished.output[-300:].strip()}")
    return finished
