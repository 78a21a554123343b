"""The bench counts what it says: the whole process tree, ratios within a round, peers that are missing."""

import sys

import pytest

from tests.bench import hey_peer, locust_peer, run, ws_table
from tests.bench.load import Load, Result, Unavailable
from tests.bench.pinned import run_pinned
from tests.bench.table import render
from tests.bench.tool import ended_well
from tests.bench.ws_load import Heard, Pair

BURN = "import time\nwhile time.process_time() < 0.3: pass"
LOAD = Load("http://127.0.0.1:1", rate=100, seconds=1, connections=10, core=0)


def result(cpu_seconds, requests=1000):
    return Result(requests, 1.0, cpu_seconds, 1.0, 2.0)


@pytest.mark.real
@pytest.mark.quiet
def test_a_child_process_is_billed_too(tmp_path):
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BURN!r}])"
    finished = run_pinned([sys.executable, "-c", parent], 0, 1, tmp_path)
    assert finished.code == 0
    assert finished.cpu_seconds >= 0.3


@pytest.mark.real
@pytest.mark.quiet
def test_a_generator_that_fails_is_unavailable_with_its_last_words(tmp_path):
    finished = run_pinned([sys.executable, "-c", "raise SystemExit('no such option')"], 0, 1, tmp_path)
    with pytest.raises(Unavailable, match="ended with 1: no such option"):
        ended_well(finished)


def test_ratios_are_taken_within_a_round():
    rounds = [{"a": result(1.0), "b": result(2.0)}, {"a": result(10.0), "b": result(30.0)}]
    (line,) = (line for line in render(rounds, ["a", "b"], {}).splitlines() if line.startswith("b "))
    assert line.split()[:5] == ["b", "1000", "1000", "16000.0", "2.50"]


def test_a_missing_peer_is_listed_with_how_to_get_it(monkeypatch):
    def absent(load, folder):
        raise Unavailable("hey is not installed: run .ci/install-real --bench")

    monkeypatch.setitem(run.PEERS, "hey", absent)
    monkeypatch.setitem(run.PEERS, "wrk", lambda load, folder: result(1.0))
    rounds, gone = run._run_rounds(LOAD, ["hey", "wrk"], 2)
    assert [list(results) for results in rounds] == [["wrk"], ["wrk"]]
    assert "hey is not installed: run .ci/install-real --bench" in render(rounds, ["hey", "wrk"], gone)


def heard(messages, cpu_seconds, mib):
    return Heard(messages, cpu_seconds, mib * 2**20)


def test_what_a_message_and_a_connection_cost_is_what_is_beyond_the_first():
    pair = Pair(heard(100, 1.0, 60), heard(10_100, 2.0, 160), connections=101, seconds=10)
    assert (pair.more_us, pair.core_rate, pair.kib_each) == (
        pytest.approx(100.0),
        pytest.approx(10_000.0),
        1024,
    )


def test_a_subscriber_client_that_is_missing_is_listed_too():
    pair = Pair(heard(100, 1.0, 60), heard(10_100, 2.0, 160), connections=101, seconds=10)
    table = ws_table.render([{"a": pair}], ["a", "b"], {"b": "b is not installed"})
    (line,) = (line for line in table.splitlines() if line.startswith("a "))
    assert line.split()[:8] == ["a", "1010", "198.0", "100.0", "1.00", "10000", "1024.0", "1.00"]
    assert "b is not installed" in table


@pytest.mark.real
@pytest.mark.quiet
def test_memory_is_that_of_the_command(tmp_path):
    wait = "import time; time.sleep(0.3)"
    small = run_pinned([sys.executable, "-c", wait], 0, 1, tmp_path)
    large = run_pinned([sys.executable, "-c", f"x = b'x' * 50_000_000; {wait}"], 0, 1, tmp_path)
    assert 0 < small.peak_bytes < 40_000_000 < large.peak_bytes - small.peak_bytes < 60_000_000


def test_percentiles_as_the_tools_print_them():
    assert hey_peer._percentile("  99%% in 0.0148 secs\n", 99) == pytest.approx(14.8)
    assert hey_peer._percentile("  50% in 0.0023 secs\n", 50) == pytest.approx(2.3)
    assert locust_peer._percentile({1.0: 50, 2.0: 49, 9.0: 1}, 0.5) == 1.0
    assert locust_peer._percentile({1.0: 50, 2.0: 49, 9.0: 1}, 0.99) == 2.0
