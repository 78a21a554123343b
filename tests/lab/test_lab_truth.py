"""What a run on the lab shows of the lab's own record."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from battlectl.report.markdown_truth import show_truth
from battlectl.targets.lab_truth import fetch_truth, summarise

SCENARIO = """
version: 1
name: Truth
phases: {battle: 2s}
load: {reads: {rate: 50/s, calls: {eth_blockNumber: 1}}}
objectives: [success_rate >= 99%]
generator: {max_lag: 1s}
"""


def test_attempts_are_summed_over_transports_and_methods():
    truth = {
        "attempts": {"a": {"http": {"eth_call": 2, "eth_chainId": 1}, "ws": {"eth_call": 4}}},
        "served": {"a": {"http": {"eth_call": 2}}},
        "probes": {"a": {"ok": 3, "failed": 1}, "b": {"failed": 4}},
        "totals": {"failover": 5, "breaker": 7},
        "events": {"breaker": [{"provider": "b", "transport": "http", "to": "open"}] * 2},
    }
    assert summarise(truth) == {
        "providers": [
            {"provider": "a", "attempts": 7, "served": 2, "probes": 4},
            {"provider": "b", "attempts": 0, "served": 0, "probes": 4},
        ],
        "failovers": 5,
        "rejected": 0,
        "breakers": [{"provider": "b", "transport": "http", "state": "open", "times": 2}],
        "breaker_changes": 7,
    }


async def test_where_nobody_answers_the_report_says_so():
    missing = await fetch_truth("http://127.0.0.1:1")
    assert missing["missing"].startswith("ConnectError")
    assert "could not be had: ConnectError" in show_truth({"meta": {"ground_truth": missing}})


@pytest.mark.real
def test_a_report_has_the_labs_own_record_and_so_has_one_that_is_rebuilt(tmp_path):
    path = tmp_path / "truth.yml"
    path.write_text(SCENARIO)
    command = [sys.executable, "-m", "battlectl", "run", str(path), "--results", str(tmp_path / "results")]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=60)
    folder = tmp_path / "results" / "latest"
    document = json.loads((folder / "report.json").read_text())
    served = sum(row["served"] for row in document["meta"]["ground_truth"]["providers"])
    assert served >= 100  # the load's own, and the question whether the target was ready
    assert document["meta"]["ground_truth"]["failovers"] == 0
    text = (folder / "report.md").read_text()
    assert "## Ground truth" in text
    assert "No breaker changed." in text
    again = [sys.executable, "-m", "battlectl", "report", str(folder)]
    subprocess.run(again, cwd=tmp_path, check=True, capture_output=True, timeout=60)
    assert (folder / "report.md").read_text() == text
