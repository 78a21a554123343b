"""Locust with FastHttpUser and constant_throughput: a user for each connection, the rate divided."""

import json
from pathlib import Path

from tests.bench.load import BODY, Load, Result
from tests.bench.pinned import run_pinned
from tests.bench.tool import tool

LOCUST_FILE = Path(__file__).with_name("locust_file.py")


def run(load: Load, folder: Path) -> Result:
    """Open loop as far as a user that waits for its answer can be; latencies count from sending."""
    settings = (f"BENCH_RATE_EACH={load.rate / load.connections}", f"BENCH_BODY={BODY}")
    options = ("-f", LOCUST_FILE, "--headless", "-u", load.connections, "-r", load.connections)
    target = ("-t", f"{load.seconds}s", "--host", load.url, "--json-file", folder / "locust")
    command = ["env", *settings, tool("locust"), *options, *target, "--loglevel", "ERROR"]
    finished = run_pinned(command, load.core, load.seconds, folder)
    (found,) = json.loads((folder / "locust.json").read_text())
    seconds = found["last_request_timestamp"] - found["start_time"]
    times = {float(took): count for took, count in found["response_times"].items()}
    p50, p99 = (_percentile(times, share) for share in (0.5, 0.99))
    answered = found["num_requests"] - found["num_failures"]
    return Result(answered, seconds, finished.cpu_seconds, p50, p99, "latencies from sending, binned")


def _percentile(times: dict[float, int], share: float) -> float | None:
    rank, seen = share * sum(times.values()), 0
    for took in sorted(times):
        seen += times[took]
        if seen >= rank:
            return took
    return None
