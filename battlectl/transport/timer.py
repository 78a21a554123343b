"""A timer descriptor: a file that becomes readable at a moment, within tens of microseconds.

Rule: only Linux has it. `open_timer` answers None elsewhere, and the caller sleeps on trio's clock, which
wakes up to a millisecond late.
"""

from __future__ import annotations

import ctypes
import os
import sys

CLOCK_MONOTONIC = 1
NONBLOCK = os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0)


class Timespec(ctypes.Structure):
    """C's timespec."""

    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class Itimerspec(ctypes.Structure):
    """C's itimerspec: no interval, one value."""

    _fields_ = (("interval", Timespec), ("value", Timespec))


class Timer:
    """One timer; `fileno` is what to watch. Mutable: it is armed again and again."""

    def __init__(self, libc: ctypes.CDLL, fd: int) -> None:
        self._settime = libc.timerfd_settime
        self._fd = fd
        self._spec = Itimerspec()
        self._spec_at = ctypes.byref(self._spec)

    def fileno(self) -> int:
        """The descriptor."""
        return self._fd

    def arm(self, seconds: float) -> None:
        """Become readable so many seconds from now; at once for zero or less."""
        value = self._spec.value
        value.seconds = int(seconds)
        value.nanoseconds = max(1, int(seconds % 1 * 1e9)) if seconds > 0 else 1
        self._settime(self._fd, 0, self._spec_at, None)

    def clear(self) -> None:
        """Be unreadable again."""
        try:
            os.read(self._fd, 8)
        except BlockingIOError:
            return

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._fd)


def open_timer() -> Timer | None:
    """A timer, or None where the system has none."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.timerfd_create(CLOCK_MONOTONIC, NONBLOCK)
    return Timer(libc, fd) if fd >= 0 else None
