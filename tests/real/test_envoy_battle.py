"""The same scenario file against Envoy in front of three real nodes, one of which is killed in the middle.

With Envoy's retries on the promises hold; with retries off the same file fails, and says how often.
"""

import json
import os

import pytest

from tests.cli.in_short import LENIENT
from tests.real.demo import KILL_AFTER, Kill, battle, staged

pytestmark = pytest.mark.real
REQUESTS = 15 * (120 + 30)  # some carry two calls
IN_BATCH = ("eth_chainId",)  # in the scenario only in the batch, so without it each request counts once
HEAD_POLLS = 40  # battlectl asks for the head through the same gateway, twice a second


def fight(tmp_path, retries):
    """The end of the battle, its report, and Envoy's own counters."""
    killed = Kill()
    with staged(tmp_path, retries=retries) as stage:
        victim = stage.nodes[1]
        code = battle(stage, killed, tmp_path / "results", "--quiet", *LENIENT)
        counters = {
            name.rpartition(".")[2]: stage.gateway.counter(name)
            for name in (
                "cluster.nodes.upstream_cx_connect_fail",
                "cluster.nodes.upstream_rq_retry",
                "cluster.nodes.upstream_rq_retry_success",
                "http.rpc.downstream_rq_5xx",
            )
        }
        check_killed(victim, killed)
    report = json.loads((tmp_path / "results" / "latest" / "report.json").read_bytes())
    assert report["exit_code"] == code
    return report, counters


def check_killed(victim, killed):
    """The kill happened, and early enough: 1,000 requests were still to come."""
    assert victim.process.returncode == -9
    with pytest.raises(ProcessLookupError):
        os.kill(victim.pid, 0)
    assert killed.forwarded is not None
    assert KILL_AFTER <= killed.forwarded <= REQUESTS - 1000


def outcomes_of(report, without=()):
    """Outcomes of everything that was sent, warm-up included."""
    counts = {}
    for _, label, _, outcomes, *_ in report["record"]["calls"]:
        for outcome, count in outcomes.items() if label not in without else ():
            counts[outcome] = counts.get(outcome, 0) + count
    return counts


def test_with_retries_the_promises_hold(tmp_path):
    """A battle that passes, in which Envoy met the dead node."""
    report, counters = fight(tmp_path, retries=True)
    assert (report["exit_code"], report["verdict"]) == (0, "pass"), report["findings"]
    assert counters["upstream_cx_connect_fail"] > 0, "Envoy met the dead node"
    assert counters["upstream_rq_retry_success"] > 0
    outcomes = outcomes_of(report)
    assert sum(outcomes.values()) - outcomes["ok"] <= 2  # 99.9 %
    assert sum(workload["sent_requests"] for workload in report["workloads"]) >= REQUESTS * 13 / 15


def test_without_retries_the_same_file_fails_and_counts_what_failed(tmp_path):
    report, counters = fight(tmp_path, retries=False)
    assert (report["exit_code"], report["verdict"]) == (99, "fail")
    assert counters["upstream_rq_retry"] == 0
    outcomes = outcomes_of(report)
    failed = {name: count for name, count in outcomes.items() if name != "ok"}
    assert set(failed) <= {"http_error(503)", "reset", "closed"}, failed
    assert failed["http_error(503)"] > 200  # a third of the thousand that were still to come
    requests = outcomes_of(report, without=IN_BATCH)["http_error(503)"]
    assert requests <= counters["downstream_rq_5xx"] <= requests + HEAD_POLLS
    assert counters["upstream_cx_connect_fail"] > 0
    worst = next(finding["worst"] for finding in report["findings"] if finding["verdict"] == "fail")
    assert worst["outcome"] == "http_error(503)"
