"""battlectl itself, as a user runs it: a scenario, a target, and the figures of its report.json."""

import json
import sys
from pathlib import Path
from typing import Any

from tests.bench.load import Load, Result, Unavailable
from tests.bench.pinned import Finished, run_pinned


def run(load: Load, folder: Path) -> Result:
    """Open loop; latencies count from when a request was due."""
    scenario, target = folder / "scenario.yml", folder / "target.yml"
    scenario.write_text(json.dumps(_scenario(load, str(target))))  # JSON is YAML
    target.write_text(json.dumps({"version": 1, "kind": "generic", "url": load.url}))
    program = Path(sys.executable).with_name("battlectl")
    command = [program, "run", scenario, "--target", target, "--json"]
    finished = run_pinned(command, load.core, load.seconds, folder)
    report = read_report(folder, finished)
    cell = next(window for window in report["windows"] if window["name"] == "run")["workloads"]["(all)"]
    if not cell["ok"]:
        raise Unavailable(f"nothing was answered: {report['verdict']}, {report['ending']['reason']}")
    generator = report["generator"]
    note = f"lag p99 {generator['lag']['p99_ms']:.2f} ms, dropped {generator['dropped']}, {report['verdict']}"
    latency, seconds = cell["latency"], cell["ok"] / cell["ok_per_s"]
    return Result(cell["ok"], seconds, finished.cpu_seconds, latency["p50_ms"], latency["p99_ms"], note)


def _scenario(load: Load, target: str) -> dict[str, Any]:
    calls = {
        "rate": f"{load.rate}/s",
        "connections": load.connections,
        "timeout": "5s",
        "calls": {"eth_blockNumber": 1},
    }
    return {
        "version": 1,
        "name": "bench",
        "target": target,
        "phases": {"steady": f"{load.seconds}s"},
        "load": {"reads": calls},
        "objectives": ["success_rate >= 99%"],
    }


def read_report(folder: Path, finished: Finished) -> Any:
    """The report of its run; raises `Unavailable` with its last words."""
    reports = sorted(folder.rglob("report.json"), key=lambda path: path.stat().st_mtime)
    if not reports:
        last_line = (finished.output.strip().splitlines() or ["it said nothing"])[-1]
        raise Unavailable(f"not available: exit {finished.code}, no report.json: {last_line[:100]}")
    return json.loads(reports[-1].read_text())
