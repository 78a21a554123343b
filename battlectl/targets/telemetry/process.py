"""The target's processes as this machine sees them: their memory, how many they are, what they
have open.

Rule: a process is known by its id and when it was created: a number that another process got later is none of
the target's. With a file of the id, a target that was started again is found again.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

CHILDREN_EVERY = 10.0
"""Seconds between looks for children: each looks through all processes of the machine."""


class Watched:
    """A process and its children. Mutable: it remembers who they are. `look` blocks for a moment."""

    def __init__(self, pid: int | None, pid_file: str | None = None) -> None:
        self._pid = pid
        self._file = pid_file
        self._family: list[Any] = []
        self._looked_at = float("-inf")

    def look(self) -> tuple[int, int, int | None] | str:
        """(bytes of memory in all, processes, open files and connections); in words why not."""
        import psutil

        try:
            family = self._members()
            sizes, files = [], list[int | None]()
            for one in family:
                try:
                    sizes.append(one.memory_info().rss)
                    files.append(_open_files(one))
                except psutil.NoSuchProcess:
                    if one is family[0]:
                        raise
            told = [number for number in files if number is not None]
            return sum(sizes), len(sizes), sum(told) if len(told) == len(files) else None
        except (psutil.Error, OSError, ValueError) as error:
            self._family = []
            return f"{type(error).__name__}: {error}"[:200]

    def _members(self) -> list[Any]:
        import psutil

        now = time.monotonic()
        if self._file is not None:
            self._pid = int(Path(self._file).read_text().split()[0])
        first = self._family[0] if self._family else None
        if first is None or first.pid != self._pid or not first.is_running():
            first, self._looked_at = psutil.Process(self._pid), float("-inf")
        if now - self._looked_at >= CHILDREN_EVERY:
            self._family = [first, *first.children(recursive=True)]
            self._looked_at = now
        return self._family


def _open_files(process: Any) -> int | None:
    """None where the system does not say, or not to us."""
    import psutil

    try:
        return int(process.num_fds())
    except (AttributeError, psutil.AccessDenied):
        return None
