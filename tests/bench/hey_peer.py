"""hey: each of its workers sends at a rate of its own, so the whole rate is divided among them."""

import re
from pathlib import Path

from tests.bench.load import BODY, Load, Result
from tests.bench.pinned import run_pinned
from tests.bench.tool import ended_well, tool


def run(load: Load, folder: Path) -> Result:
    """Open loop as far as a worker that waits for its answer can be."""
    workers, each = load.connections, load.rate / load.connections
    options = ("-z", f"{load.seconds}s", "-c", workers, "-q", each, "-m", "POST", "-T", "application/json")
    command = [tool("hey"), *options, "-d", BODY, load.url]
    finished = ended_well(run_pinned(command, load.core, load.seconds, folder))
    answered = sum(int(count) for count in re.findall(r"\[\d+\]\s+(\d+) responses", finished.output))
    total = re.search(r"Total:\s+([\d.]+) secs", finished.output)
    assert total is not None
    p50, p99 = (_percentile(finished.output, percent) for percent in (50, 99))
    return Result(answered, float(total[1]), finished.cpu_seconds, p50, p99)


def _percentile(output: str, percent: int) -> float | None:
    found = re.search(rf"{percent}%+ in ([\d.]+) secs", output)
    return float(found[1]) * 1e3 if found else None
