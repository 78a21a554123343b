"""A target that stalls once for a second shows up as the stall it is, whoever waits: the server or the pool.

Rule: 500/s for 10 s against a server that stands still for 1 s in the middle: 500 of 5,000 arrivals are late
by 0 to 1 s, so p95 is 500 ms, p99 900 ms and p99.9 990 ms, each within 2 %. A run in which the generator
itself was late says nothing of the server and is repeated; the tolerance never changes. Late is lag p99 above
5 ms, or p99.9: catching up takes some 20 ms, the time of ten arrivals in 5,000, of which p99 knows nothing.
"""

import pytest

from tests.cli.command import Desk, read_report
from tests.servers import serving

pytestmark = pytest.mark.real
EXPECTED_MS = {"p95_ms": 500.0, "p99_ms": 900.0, "p99.9_ms": 990.0}
WITHIN = 0.02
MOST_LAG_MS = 5.0
TRIES = 4


def stalled_run(folder, load, **server):
    """(exit code, report) of ten seconds at 500/s, a second of which the server stands still."""
    desk = Desk(folder)
    folder.mkdir()
    with serving("stall", at=5.0, hold=1.0, **server) as stalling:
        # The readiness question is the server's first request: the stall begins five seconds after it.
        target = desk.target(stalling.url)
        scenario = desk.scenario(
            phases={"steady": "10s"},
            load={"reads": {"rate": "500/s", "timeout": "5s", "calls": ["eth_blockNumber"], **load}},
            objectives=["outcomes.timeout == 0"],
            generator={"max_lag": "10ms"},
        )
        ran = desk.run(scenario, target=target)
        assert ran.err.count("\n") >= 2, ran.err
        report = read_report(desk.runs[0])
        assert stalling.seen.requests >= report["workloads"][0]["sent_requests"]
    return ran.code, report


def whole_run(report):
    return report["windows"][-1]["workloads"]["(all)"]


def seen_in(report):
    """The figures that matter, for whoever reads the output of a failed test."""
    latency, lag = whole_run(report)["latency"], report["generator"]["lag"]
    shown = {name: latency[name] for name in ("p50_ms", *EXPECTED_MS, "max_ms")}
    return {**shown, "lag_p99_ms": lag["p99_ms"], "lag_p99.9_ms": lag["p99.9_ms"]}


def is_within(figures, name):
    return abs(figures[name] - EXPECTED_MS[name]) <= WITHIN * EXPECTED_MS[name]


def try_until(is_right, folder, load, **server):
    """The report of the first run that is right, or of the first in which the generator was not late."""
    tried = []
    for number in range(TRIES):
        _, report = stalled_run(folder / str(number), load, **server)
        assert whole_run(report)["outcomes"] == {"ok": 5000}
        tried.append(seen_in(report))
        print(tried[-1])
        if is_right(tried[-1]) or max(tried[-1]["lag_p99_ms"], tried[-1]["lag_p99.9_ms"]) <= MOST_LAG_MS:
            break
    assert is_right(tried[-1]), tried
    return report


@pytest.mark.parametrize("connections", [2000, 64])
def test_the_percentiles_are_what_arithmetic_says(tmp_path, connections):
    load = {"connections": connections, "max_in_flight": 4000}
    report = try_until(lambda figures: all(is_within(figures, name) for name in EXPECTED_MS), tmp_path, load)
    flow = report["workloads"][0]
    waiting = "backlog" if connections == 64 else "service"
    assert flow[waiting]["p95_ms"] > 300, "the wait is shown where it was"
    assert flow["lag"]["p99_ms"] < 100, "and is not our own lag"


@pytest.mark.parametrize("connections", [2000, 64])
def test_a_server_that_sleeps_is_not_flattered(tmp_path, connections):
    """It has 500 requests to accept, read and answer after its sleep: that comes on top of the p95."""

    def is_right(figures):
        late = figures["p95_ms"] >= EXPECTED_MS["p95_ms"] * (1 - WITHIN)
        return late and is_within(figures, "p99_ms") and is_within(figures, "p99.9_ms")

    try_until(is_right, tmp_path, {"connections": connections, "max_in_flight": 4000}, asleep=True)


def test_what_does_not_fit_in_flight_is_dropped_and_the_verdict_is_open(tmp_path):
    code, report = stalled_run(tmp_path / "run", {"max_in_flight": 50})
    outcomes = whole_run(report)["outcomes"]
    assert set(outcomes) == {"ok", "dropped"}
    assert sum(outcomes.values()) == 5000
    assert 400 <= outcomes["dropped"] <= 500  # of the 500 of that second, 50 found room
    assert report["generator"]["dropped"] == outcomes["dropped"]
    assert (code, report["verdict"]) == (3, "inconclusive")
