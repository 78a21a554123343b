"""Room for many connections, and a garbage collector that does not stop the world in the middle of a run."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

SWITCH_INTERVAL = 0.0002
"""Seconds: how long the thread that writes each second's line may keep the loop from running."""


def allow_many_files() -> None:
    """Raise the soft limit on open files to the hard one, where there is such a thing."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextmanager
def calm_collector() -> Iterator[None]:
    """What exists now is left alone, and full collections become rare."""
    before, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
        sys.setswitchinterval(interval)
