"""autocannon: a rate for all connections together, latencies corrected for what it sent late."""

import json
from pathlib import Path

from tests.bench.load import BODY, Load, Result
from tests.bench.pinned import run_pinned
from tests.bench.tool import ended_well, tool


def run(load: Load, folder: Path) -> Result:
    """Open loop by its own correction."""
    options = ("-c", load.connections, "-d", load.seconds, "-R", load.rate, "-m", "POST", "-b", BODY)
    headers = ("-H", "content-type=application/json", "--json", "--no-progress")
    command = [tool("autocannon"), *options, *headers, load.url]
    finished = ended_well(run_pinned(command, load.core, load.seconds, folder))
    found = json.loads(next(line for line in finished.output.splitlines() if line.startswith("{")))
    latency = found["latency"]
    return Result(found["2xx"], found["duration"], finished.cpu_seconds, latency["p50"], latency["p99"])
