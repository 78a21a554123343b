"""A target that stalls once for a second shows up as the stall it is, whoever waits: the server or the pool.

Rule: at 500/s for 10 s against a server that stands still for S seconds in the middle, 500 S of 5,000
arrivals are late by 0 to S: p95 is S - 500 ms, p99 S - 100 ms, p99.9 S - 10 ms, each within 2 %. Server and
generator have a core each. What disturbs a run (another process, the machine's host) can only make answers
later, so a run that misses is repeated, five in all; the 2 % never change. A run that misses while tasks
waited for a processor counts for nothing, MOST_VOID times: what is never seen right fails all the same.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import Desk, finish, read_report
from tests.real.haproxy import StoppableServer, running_haproxy

pytestmark = [pytest.mark.real, pytest.mark.quiet]
BEFORE_END_MS = {"p95_ms": 500.0, "p99_ms": 100.0, "p99.9_ms": 10.0}
WITHIN = 0.02
RUNS = 5
MOST_VOID = 5
WAITED_SHARE = 0.05
"""Of a run's time, in which some task of the machine waited for a processor: more than a run alone causes."""
PRESSURE = Path("/proc/pressure/cpu")
CORES = sorted(os.sched_getaffinity(0))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StoppableServer]:
    """On the first core; the generator takes the last."""
    with running_haproxy(tmp_path, core=CORES[0]) as server:
        yield server


def stalled_run(folder: Path, server: StoppableServer, load: dict[str, object]):
    """(exit code, report, seconds of stall) of ten seconds at 500/s."""
    folder.mkdir()
    desk = Desk(folder)
    scenario = desk.scenario(
        phases={"steady": "10s"},
        load={"reads": {"rate": "500/s", "timeout": "5s", "calls": ["eth_blockNumber"], **load}},
        objectives=["outcomes.timeout == 0"],
    )
    words = ("run", scenario, "--target", desk.target(server.url), "--results", desk.results)
    process = desk.start(*words)
    os.sched_setaffinity(process.pid, {CORES[-1]})
    wait_for_lines(desk, 4)
    stood = server.stall(1.0)
    return finish(process, 60).code, read_report(desk.runs[0]), stood


def wait_for_lines(desk: Desk, lines: int) -> None:
    """Until the journal has so many lines: the header and one a second."""
    deadline = time.monotonic() + 30
    while not any(path.read_bytes().count(b"\n") >= lines for path in desk.results.glob("*/*/journal.jsonl")):
        assert time.monotonic() < deadline, "the load did not begin"
        time.sleep(0.05)


def waited_s() -> float:
    """Seconds so far in which some task waited for a processor; 0 where the kernel does not say."""
    if not PRESSURE.exists():
        return 0.0
    return int(PRESSURE.read_text().split("total=")[1].split()[0]) / 1e6


def whole_run(report):
    return report["windows"][-1]["workloads"]["(all)"]


def misses(report, stood: float) -> dict[str, float]:
    """How far each percentile is from arithmetic, as a share; empty when all are within the 2 %."""
    latency = whole_run(report)["latency"]
    wanted = {name: stood * 1e3 - before for name, before in BEFORE_END_MS.items()}
    shares = {name: latency[name] / value - 1 for name, value in wanted.items()}
    print(
        {name: f"{latency[name]:.1f} ({share:+.2%})" for name, share in shares.items()}, f"stood {stood:.4f}"
    )
    return {name: share for name, share in shares.items() if abs(share) > WITHIN}


@pytest.mark.parametrize("connections", [2000, 64])
def test_the_percentiles_are_what_arithmetic_says(tmp_path, server, connections):
    missed, void = [], []
    for number in range(RUNS + MOST_VOID):
        load = {"connections": connections, "max_in_flight": 4000}
        before = waited_s()
        began = time.monotonic()
        _, report, stood = stalled_run(tmp_path / str(number), server, load)
        waited = (waited_s() - before) / (time.monotonic() - began)
        assert whole_run(report)["outcomes"] == {"ok": 5000}
        missed.append(misses(report, stood))
        if not missed[-1]:
            break
        if waited > WAITED_SHARE:
            void.append(f"{waited:.0%}")
        if len(missed) - min(len(void), MOST_VOID) == RUNS:
            break
    assert not missed[-1], (missed, f"tasks waited for a processor for {void} of the runs")
    flow = report["workloads"][0]
    waits = flow["backlog"] if connections == 64 else flow["service"]
    assert waits["p95_ms"] > 100, "the stall is the pool's or the target's, not our own lag"
    assert flow["lag"]["p99_ms"] < 100


def test_what_does_not_fit_in_flight_is_dropped_and_the_verdict_is_open(tmp_path, server):
    code, report, stood = stalled_run(tmp_path / "run", server, {"max_in_flight": 50})
    outcomes = whole_run(report)["outcomes"]
    assert set(outcomes) == {"ok", "dropped"}
    assert sum(outcomes.values()) == 5000
    assert 400 <= outcomes["dropped"] <= 500 * stood  # of the 500 of that second, 50 found room
    assert report["generator"]["dropped"] == outcomes["dropped"]
    assert (code, report["verdict"]) == (3, "inconclusive")
