"""Doing again what a busy machine has spoilt, and only that.

Rule: whether the machine was in the way is measured beside the test, by a thread that does nothing but sleep;
what the test itself found says nothing of it. What fails while that thread woke in time has failed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
TRIES = 3
NAP = 0.01
LATE = 0.1
"""Seconds that somebody who wants to run may have to wait for a processor."""


def until_undisturbed(attempt: Callable[[int], T]) -> T:
    """What `attempt(number)` returns; where it fails on a disturbed machine it is tried again."""
    for number in range(1, TRIES):
        with sleeping() as worst:
            try:
                return attempt(number)
            except AssertionError as error:
                if worst() <= LATE:
                    raise
                print(f"attempt {number} is void, the machine was {worst():.2f} s late: {error}")
    return attempt(TRIES)


@contextmanager
def sleeping() -> Iterator[Callable[[], float]]:
    """By how many seconds a sleeper has woken late at most, so far."""
    late, over = [0.0], threading.Event()

    def nap() -> None:
        while not over.is_set():
            began = time.monotonic()
            time.sleep(NAP)
            late[0] = max(late[0], time.monotonic() - began - NAP)

    sleeper = threading.Thread(target=nap, daemon=True)
    sleeper.start()
    try:
        yield lambda: late[0]
    finally:
        over.set()
        sleeper.join()
