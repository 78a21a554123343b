"""A run in which nobody sends a request: whatever looks at the load must bear that there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from battlectl.analyse.judge import judge
from battlectl.errors import ExitCode
from battlectl.observe.journal import Line
from battlectl.observe.tally import Delta, StreamKey
from battlectl.plan.build import build_plan
from battlectl.report.fold import Chronicle
from battlectl.report.junit import render_junit
from battlectl.report.markdown import render_markdown
from battlectl.report.terminal import render_summary
from battlectl.report.timeline import render_timeline
from battlectl.scenario.metrics import FAULT_METRICS, METRICS
from tests.analyse.faulted import faulted, injection
from tests.analyse.streamed import frame_of, good
from tests.battle import scenario_of
from tests.report.scenes import document_of

SCOPES = {"fault": "(kill-provider_a)", "provider": "(a)"}
VALUES = {"ratio": "50%", "duration": "300ms", "rate": "1/s", "count": "5", "factor": "1.5"}


def about(metrics):
    """One objective about each statistic."""
    for name, metric in metrics.items():
        for stat in metric.stats or (None,):
            scope, dot = SCOPES.get(metric.scope, ""), f".{stat}" if stat else ""
            yield f"{name}{scope}{dot} < {VALUES[metric.unit_of(stat)]}"


@pytest.fixture(scope="module")
def evidence():
    """A kill under subscribers alone, with all objectives that there are."""
    before = faulted(
        injection(name="kill-provider_a", at=10.0, until=20.0),
        reads="",
        probes="new:ok@9 kept:ok@9 new:refused@10.2-20 kept:reset@10.2 new:ok@20.2-40 b/new:ok@0-40",
        counts="a:10@0-10 a:0@10-20 a:10@20-40 b:10@0-40",
        deeds="kill-provider_a|inject@10-10.1 kill-provider_a|heal@20-20.1",
        objectives=[*about(METRICS), *about(FAULT_METRICS), "success_rate >= 99%"],
    )
    frame = replace(before.frame, workloads=(), streams=(frame_of(end=40.0),))
    for segment in frame.all_segments:
        first = int(segment == 0)
        before.tally.by_stream[StreamKey("heads", segment)] = good(30, begun=first, streams=first)
    return replace(before, frame=frame)


def test_nothing_crashes_and_nothing_passes_that_is_about_requests(evidence):
    judgement = judge(evidence)
    assert [one.summary for one in judgement.findings if "crashed" in one.summary] == []
    assert {one.verdict.value for one in judgement.objectives} == {"inconclusive"}


def test_every_report_can_be_written(evidence):
    document = document_of(evidence, ExitCode.INCONCLUSIVE)
    assert document["chaos"]["crashed"] == []
    assert document["workloads"] == []
    text = render_markdown(document)
    assert "## Continuity" in text
    assert "## Windows side by side" not in text
    assert render_junit(document).startswith("<?xml")
    assert "streams heads: 0 of" in render_summary(document, 100)
    assert "kill-provider_a |" in render_timeline(document, 100)


def test_a_plan_of_subscribers_alone_can_be_folded():
    load = {"heads": {"subscribe": "newHeads"}}
    scenario = scenario_of(phases={"steady": "10s"}, load=load, objectives=["subscription.gaps == 0"])
    frame = build_plan(scenario, {}).frame
    assert (frame.workloads, frame.slice_width) == ((), 1)
    chronicle = Chronicle(frame)
    for second in range(1, 12):
        chronicle.add(Line(float(second), Delta(streams={StreamKey("heads", 0): good(1)}), {}))
    assert chronicle.abandon_unfinished() == 0
    assert judge(chronicle.evidence()).verdict.value == "inconclusive"
