"""What this process costs: memory and processor time, for the status pages."""

from __future__ import annotations

import os
import time

MEBIBYTE = 1024 * 1024


def resident_bytes() -> int:
    """The memory in use; 0 where the system does not say in /proc."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def processor_seconds() -> float:
    """Processor time since the start of the process."""
    return time.process_time()
