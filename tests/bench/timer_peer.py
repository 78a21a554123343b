"""A bare timer, the control: a process that only sleeps to the same schedule, and how late it wakes.

Rule: no generator on this machine can be more punctual than this; what it shows is the machine's own noise.
"""

import json
import sys
import time
from pathlib import Path

from tests.bench.load import Load, Result
from tests.bench.pinned import run_pinned
from tests.bench.tool import ended_well


def run(load: Load, folder: Path) -> Result:
    """Its latencies are its lags."""
    command = [sys.executable, Path(__file__), load.rate, load.seconds]
    finished = ended_well(run_pinned(command, load.core, load.seconds, folder))
    found = json.loads(finished.output)
    note = "sends nothing: how late it wakes"
    return Result(
        found["ticks"], found["seconds"], finished.cpu_seconds, found["p50_ms"], found["p99_ms"], note
    )


def sleep_to_schedule(rate: int, seconds: int) -> dict[str, float]:
    """Wake at start + k / rate; a moment already past is not slept for."""
    start, lags = time.monotonic(), []
    for k in range(rate * seconds):
        due = start + k / rate
        left = due - time.monotonic()
        if left > 0:
            time.sleep(left)
        lags.append(time.monotonic() - due)
    lags.sort()
    p50, p99 = (lags[int(len(lags) * share)] * 1e3 for share in (0.5, 0.99))
    return {"ticks": len(lags), "seconds": time.monotonic() - start, "p50_ms": p50, "p99_ms": p99}


if __name__ == "__main__":
    print(json.dumps(sleep_to_schedule(int(sys.argv[1]), int(sys.argv[2]))))
