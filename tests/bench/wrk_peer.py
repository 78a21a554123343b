"""wrk: as fast as it can over its connections (closed loop): a request with nothing to schedule."""

import json
from pathlib import Path

from tests.bench.load import BODY, Load, Result
from tests.bench.pinned import run_pinned
from tests.bench.tool import ended_well, tool

SCRIPT = """
wrk.method = "POST"
wrk.body = [[%s]]
wrk.headers["Content-Type"] = "application/json"
done = function(summary, latency, requests)
  local line = '{"requests": %%d, "us": %%d, "p50_us": %%d, "p99_us": %%d}\\n'
  io.write(line:format(summary.requests, summary.duration, latency:percentile(50), latency:percentile(99)))
end
"""


def run(load: Load, folder: Path) -> Result:
    """Closed loop: the rate is not asked for, and the latencies know no schedule."""
    script = folder / "post.lua"
    script.write_text(SCRIPT % BODY)
    options = ("-t", 1, "-c", load.connections, "-d", f"{load.seconds}s", "-s", script)
    finished = ended_well(run_pinned([tool("wrk"), *options, load.url], load.core, load.seconds, folder))
    found = json.loads(finished.output.strip().splitlines()[-1])
    p50, p99 = found["p50_us"] / 1e3, found["p99_us"] / 1e3
    return Result(found["requests"], found["us"] / 1e6, finished.cpu_seconds, p50, p99, "closed loop")
