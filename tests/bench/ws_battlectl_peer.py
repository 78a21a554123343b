"""battlectl itself, as a user runs it: every block judged against the chain as it is read elsewhere."""

import json
import sys
from pathlib import Path
from typing import Any

from tests.bench.battlectl_peer import read_report
from tests.bench.pinned import run_pinned
from tests.bench.ws_load import Heard, WsLoad


def run(load: WsLoad, folder: Path) -> Heard:
    """The messages that its report has."""
    scenario, target = folder / "scenario.yml", folder / "target.yml"
    truth = {"url": load.truth, "every": "500ms"}
    config = {"version": 1, "kind": "generic", "url": load.url, "ws_url": load.ws_url, "truth": truth}
    target.write_text(json.dumps(config))  # JSON is YAML
    scenario.write_text(json.dumps(_scenario(load, str(target))))
    program = Path(sys.executable).with_name("battlectl")
    finished = run_pinned([program, "run", scenario, "--json"], load.core, load.seconds, folder)
    report = read_report(folder, finished)
    (streams,) = report["streams"]
    (whole,) = (window for window in streams["windows"] if window["name"] == "run")
    found = [check["verdict"] for check in report["findings"] if check["name"] == "continuity"]
    lag = report["generator"]["stream_lag"]["p99_ms"]
    note = f"judges them (continuity: {found[0]}), lag p99 {lag:.1f} ms"
    return Heard(whole["counts"]["events"], finished.cpu_seconds, finished.peak_bytes, note)


def _scenario(load: WsLoad, target: str) -> dict[str, Any]:
    return {
        "version": 1,
        "name": "bench",
        "target": target,
        "phases": {"steady": f"{load.seconds}s"},
        "load": {"heads": {"subscribe": "newHeads", "clients": load.connections}},
        "objectives": ["subscription.gaps == 0"],
    }
