"""Look at something again and again from a thread of the test, while battlectl runs in a process of its own.

Rule: a look has the time of its end on this machine's monotonic clock. One that fails (the thing is just
going away) is left out; what was never seen at all is an error.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
EVERY = 0.05
END_WITHIN = 10.0


class Look(NamedTuple, Generic[T]):
    """What was seen, and when."""

    t: float
    seen: T


@contextmanager
def watching(look: Callable[[], T]) -> Iterator[list[Look[T]]]:
    """All looks, first to last; the last one is made at the end of the block."""
    looks: list[Look[T]] = []
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(EVERY):
            try:
                seen = look()
            except OSError:
                continue
            looks.append(Look(time.monotonic(), seen))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield looks
    finally:
        is_over.set()
        thread.join(END_WITHIN)
    looks.append(Look(time.monotonic(), look()))


def stretches(looks: Sequence[Look[T]], holds: Callable[[T], bool]) -> list[tuple[float, float]]:
    """From the first look at which it holds to the first at which it does not any more."""
    found: list[tuple[float, float]] = []
    since: float | None = None
    for look in looks:
        if holds(look.seen) and since is None:
            since = look.t
        elif not holds(look.seen) and since is not None:
            found.append((since, look.t))
            since = None
    return found if since is None else [*found, (since, looks[-1].t)]


def growth(looks: Sequence[Look[T]], number: Callable[[T], int]) -> Iterator[tuple[float, int]]:
    """(when, by how much) a counter has grown, look by look."""
    before = number(looks[0].seen)
    for look in looks[1:]:
        now = number(look.seen)
        if now != before:
            yield look.t, now - before
        before = now


def by_requests(
    looks: Sequence[Look[T]], requests: Callable[[T], int], first: float, rate: float, total: int
) -> list[Look[T]]:
    """The same looks with their times counted from the start of the run.

    Request k of the load is due at `first + k / rate`, so a counter of requests is a clock: the last `total`
    of them are the load's. What is under way is milliseconds, and the median does not mind a late look.
    """
    before = requests(looks[-1].seen) - total
    numbered = [(look.t, requests(look.seen) - before) for look in looks]
    late = [t - (first + number / rate) for t, number in numbered if 0 < number < total]
    start = median(late)
    return [Look(look.t - start, look.seen) for look in looks]
