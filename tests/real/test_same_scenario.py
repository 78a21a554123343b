"""One scenario file at Envoy, at HAProxy and at a bare node, with nothing changed but `--target`.

Rule: what a target shows is judged, and what it cannot show is not observable: it is no pass and no failure.
"""

from __future__ import annotations

import pytest

from tests.cli.command import Desk, read_report
from tests.cli.in_short import run_in_short
from tests.real.emitted import emitted_field

pytestmark = pytest.mark.real
PROVIDERS = {"provider_a", "provider_b", "provider_c"}


@pytest.mark.parametrize("kind", ["envoy", "haproxy"])
def test_a_provider_dies_behind_an_aggregator_that_was_started_from_what_the_lab_printed(tmp_path, kind):
    desk = Desk(tmp_path)
    with emitted_field(desk, kind) as target:
        ran, report = run_in_short(desk, "provider-failover", target)
    told = f"{ran.out}\n{ran.err}"
    served = {row["provider"] for row in report["analysis"]["providers"] if row["ok"]}
    assert served == PROVIDERS, told
    assert [fault["proof"] for fault in report["faults"]] == ["confirmed"], told
    failovers = report["faults"][0]["windows"]["during"]["failovers"]
    assert (failovers["source"], failovers["least"] > 0) == ("metadata", True), told
    assert (ran.code, report["verdict"]) == (0, "pass"), told
    notes = report["meta"]["notes"]
    assert any(note.startswith("not observable at this target: breakers") for note in notes)


FAILING_OVER = {
    "phases": {"steady": "2s"},
    "objectives": ["success_rate == 100%", "failover_latency.max < 2s", "amplification < 2"],
}


def test_a_bare_node_shows_no_failover_and_nobody_says_that_it_did(tmp_path, anvils):
    (node,) = anvils(1)
    desk = Desk(tmp_path)
    scenario = desk.scenario(**FAILING_OVER)
    bare = desk.target(node.url, "bare.yml")
    ran = desk.run(scenario, target=bare)
    (run,) = desk.runs
    report = read_report(run)
    told = {one["name"]: one for one in report["findings"] if one["kind"] == "objective"}
    assert told["success_rate == 100%"]["verdict"] == "pass", ran
    for unseen in ("failover_latency.max < 2s", "amplification < 2"):
        assert told[unseen]["verdict"] == "inconclusive", ran
    assert (ran.code, report["verdict"]) == (3, "inconclusive"), ran
    assert any("who served a request" in note for note in report["meta"]["notes"])
