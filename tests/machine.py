"""One machine for all tests: most of them share it, and some have it for themselves.

Rule: what starts real processes may fail because others kept the processors busy. It is tried again with the
machine to itself, at most `RERUNS` times; what fails there has failed. Each such failure is printed in full
after the tests, so that none is lost. Tests in virtual time are never tried again.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir

import pytest

RERUNS = 2
DOOR, ROOM = (Path(gettempdir()) / f"battlectl-tests-{os.getuid()}.{name}" for name in ("door", "room"))


def pytest_itemcollected(item: pytest.Item) -> None:
    if item.get_closest_marker("real") is not None:
        item.add_marker(pytest.mark.flaky(reruns=RERUNS))


@pytest.fixture(autouse=True)
def machine(request: pytest.FixtureRequest) -> Iterator[None]:
    """The test has it from before its own fixtures until after them."""
    with alone() if wants_it_alone(request.node) else shared():
        yield


@contextmanager
def shared(door: Path = DOOR, room: Path = ROOM) -> Iterator[None]:
    """Together with others; waits while somebody has it for himself, or waits for that."""
    with _opened(room) as inside:
        with _opened(door) as at_door:
            fcntl.flock(at_door, fcntl.LOCK_EX)
            fcntl.flock(inside, fcntl.LOCK_SH)
        yield


@contextmanager
def alone(door: Path = DOOR, room: Path = ROOM) -> Iterator[None]:
    """For oneself: nobody else comes in, and those who are there are waited for."""
    with _opened(door) as at_door, _opened(room) as inside:
        fcntl.flock(at_door, fcntl.LOCK_EX)
        fcntl.flock(inside, fcntl.LOCK_EX)
        yield


def wants_it_alone(item: pytest.Item) -> bool:
    """Whether a test measures time, or failed beside others."""
    return item.get_closest_marker("quiet") is not None or getattr(item, "execution_count", 1) > 1


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """Open; whatever lock is taken on it ends with this."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield file
    finally:
        os.close(file)
