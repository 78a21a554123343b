"""The lab is no bottleneck: gateway and three providers hold 500/s beside the load that battlectl sends."""

import json
import threading
import time

import psutil
import pytest

from tests.cli.command import Desk, crashed, finish, read_report
from tests.cli.test_lab_death import process_of
from tests.cli.test_signals import wait_for

pytestmark = [pytest.mark.real, pytest.mark.quiet]
RATE, SECONDS = 500, 10
SCENARIO = {
    "version": 1,
    "name": "Throughput",
    "target": "lab",
    "phases": {"warmup": "2s", "steady": f"{SECONDS}s"},
    "load": {
        "reads": {
            "rate": f"{RATE}/s",
            "timeout": "2s",
            "max_in_flight": 1_000,
            "calls": {"eth_blockNumber": 2, "eth_chainId": 1, "eth_gasPrice": 1},
        }
    },
    "objectives": ["success_rate >= 99.9%", "latency.p50 < 100ms"],
}


def spent(process):
    times = process.cpu_times()
    return times.user + times.system


class Watch(threading.Thread):
    """The processor time of each process of the lab between the first and the last look."""

    def __init__(self, processes):
        super().__init__(daemon=True)
        self.processes = processes
        self.seconds = {}
        self.began = time.monotonic()
        self.first = {role: spent(process) for role, process in processes.items()}

    def run(self):
        try:
            while True:
                at = time.monotonic() - self.began
                self.seconds = {role: (at, spent(p) - self.first[role]) for role, p in self.processes.items()}
                time.sleep(0.1)
        except psutil.NoSuchProcess:
            pass  # the run is over


def test_500_a_second_are_answered_and_it_is_said_what_they_cost(tmp_path):
    desk = Desk(tmp_path)
    started = desk.start("run", desk.write("throughput.yml", SCENARIO), "--results", desk.results)
    wait_for(lambda: list(desk.results.glob("*/*/journal.jsonl")), "the load")
    watch = Watch({role: process_of(role, started.pid) for role in ("gateway", "providers")})
    watch.start()
    ran = finish(started)
    watch.join(10)
    assert not crashed(ran), ran.err
    (run,) = desk.runs
    report = read_report(run)
    counted = report["windows"][-1]["workloads"]["(all)"]
    print(json.dumps({"verdict": report["verdict"], "outcomes": counted["outcomes"]}))
    for role, (wall, cpu) in watch.seconds.items():
        print(
            f"{role}: {cpu:.2f} s of processor in {wall:.1f} s, {1e3 * cpu / (RATE * wall):.3f} ms a request"
        )
    assert report["verdict"] != "fail", ran.out
    assert counted["total"] == RATE * SECONDS
    assert counted["outcomes"].get("ok", 0) >= 0.999 * counted["total"]
