"""report.json can be judged again, and neither it nor the journal grows with the length of the run."""

from __future__ import annotations

import copy
import json
import random
from dataclasses import replace

import pytest

from battlectl.analyse.judge import judge
from battlectl.errors import ExitCode
from battlectl.observe.example import Example
from battlectl.observe.journal import MOST_BYTES, Line, encode_line
from battlectl.observe.served import SKETCHES_GONE, ServedCell, ServedKey
from battlectl.observe.tally import CallCell, CallKey, Delta, FlowCell, FlowKey
from battlectl.plan.build import build_plan
from battlectl.plan.frame import Frame
from battlectl.report.document import build_document, encode_document, read_evidence
from battlectl.report.fold import Chronicle
from battlectl.report.markdown import render_markdown
from tests.battle import scenario_of
from tests.report.scenes import HEALTH, META, SCENES, hostile

MOST_DOCUMENT = 5_000_000
ERRORS = [f"rpc_error({code})" for code in range(-32_020, -32_000)]


def rebuilt(document):
    """The document that comes of a stored one."""
    evidence = read_evidence(document)
    return build_document(document["meta"], evidence, judge(evidence), ExitCode(document["exit_code"]))


@pytest.mark.parametrize("scene", [*SCENES, "hostile"])
def test_a_document_read_back_gives_the_same_bytes(scene):
    document = hostile() if scene == "hostile" else SCENES[scene]()
    assert encode_document(rebuilt(document)) == encode_document(document)


@pytest.mark.parametrize("scene", SCENES)
def test_a_document_read_back_renders_the_same(scene):
    document = SCENES[scene]()
    assert render_markdown(rebuilt(document)) == render_markdown(document)


def test_a_second_read_back_is_the_second_that_was_judged():
    """Latencies that no decimal of milliseconds has: what is judged second by second must not move."""
    chance, chronicle = random.Random(7), Chronicle(frame("5s", 1, 1))
    workload = chronicle.frame.workloads[0]
    for slice_ in range(15):
        cell = CallCell()
        for _ in range(50):
            cell.ok_latency.record(chance.random() / 7)
        key = CallKey(workload.name, workload.labels[0], 0, slice_)
        chronicle.add(Line(slice_ + 1.0, Delta(calls={key: cell}), {workload.name: 50 * slice_ + 50}, HEALTH))
    evidence = chronicle.evidence()
    document = build_document(META, evidence, judge(evidence), ExitCode.PASS)
    assert read_evidence(json.loads(encode_document(document))).tally.series() == evidence.tally.series()


def test_a_document_from_before_providers_were_counted_is_still_read():
    document = copy.deepcopy(SCENES["fail"]())
    del document["record"]["served"], document["series"]["providers"], document["analysis"]["providers"]
    assert "Who served" not in render_markdown(document)
    again = rebuilt(document)
    assert (again["analysis"]["providers"], again["record"]["served"]) == (None, [])
    assert again["windows"] == document["windows"]


def test_a_document_names_who_served_and_none_where_nobody_was_told():
    served = {row["provider"]: row["requests"] for row in SCENES["fail"]()["analysis"]["providers"]}
    assert served == {"provider_a": 220, "provider_b": 45, "(no reply)": 90, "(none named)": 45}
    assert SCENES["pass"]()["analysis"]["providers"] is None


def test_latencies_that_a_journal_had_no_room_for_are_said_to_be_missing():
    document = copy.deepcopy(SCENES["fail"]())
    record = document["record"]["served"]
    for stored in record:
        stored[3][-1] = SKETCHES_GONE
        stored[4:] = [{"count": 0}, {"count": 0}]
    text = render_markdown(rebuilt(document))
    assert "| provider_b   |         45 |  11.25% |      100% |      - |     - |" in text
    assert "coarser, or missing" in text
    assert "coarser, or missing" not in render_markdown(SCENES["fail"]())


def frame(duration: str, workloads: int, calls: int) -> Frame:
    """The frame of a run with so many kinds of calls."""
    load = {
        f"workload_{n}": {"rate": "200/s", "calls": {f"eth_call{n}_{c}": 1 for c in range(calls)}}
        for n in range(workloads)
    }
    fields = {"phases": {"warmup": "10s", "steady": duration}, "load": load, "objectives": ["failures == 0"]}
    return build_plan(scenario_of(**fields), {}).frame


def spread_cell(chance: random.Random, samples: int, kinds: int) -> CallCell:
    """Latencies over five powers of ten, and so many kinds of errors."""
    cell = CallCell()
    for _ in range(samples):
        cell.ok_latency.record(min(5.0, chance.lognormvariate(-5, 2)))
        cell.other_latency.record(min(5.0, chance.lognormvariate(-4, 2)))
    cell.outcomes = {"ok": samples, **dict.fromkeys(chance.sample(ERRORS, kinds), samples // kinds)}
    return cell


def spread_flow(chance: random.Random, samples: int) -> FlowCell:
    """Lag, backlog and service likewise."""
    flow = FlowCell()
    flow.sent = 2 * samples
    for _ in range(2 * samples):
        for sketch, middle in ((flow.lag, -9), (flow.backlog, -7), (flow.service, -5)):
            sketch.record(min(5.0, chance.lognormvariate(middle, 2)))
    return flow


def spread_served(chance: random.Random, samples: int) -> ServedCell:
    """A cell of one provider, half of it failed over."""
    cell = ServedCell()
    cell.requests, cell.ok, cell.told, cell.failovers = 2 * samples, samples, 2 * samples, samples
    cell.attempts, cell.extra = 3 * samples, samples
    for _ in range(samples):
        cell.latency.record(min(5.0, chance.lognormvariate(-5, 2)))
        cell.failover_latency.record(min(5.0, chance.lognormvariate(-4, 2)))
    return cell


def lines_of(frame: Frame, step: int, samples: int, kinds: int, providers: int = 0):
    """A line for every `step` seconds; a few cells are shared by all, which spares the time to fill them."""
    chance = random.Random(7)
    cells = [spread_cell(chance, samples, kinds) for _ in range(20)]
    flows = [spread_flow(chance, samples) for _ in range(5)]
    served = [spread_served(chance, samples) for _ in range(5)] if providers else []
    issued = dict.fromkeys((workload.name for workload in frame.workloads), 0)
    for second in range(0, int(frame.duration), step):
        delta = Delta()
        segment, slice_ = int(second >= frame.cuts[1]), second // frame.slice_width
        for workload in frame.workloads:
            delta.flows[FlowKey(workload.name, segment, slice_)] = chance.choice(flows)
            for number in range(providers):
                key = ServedKey(workload.name, f"provider-number-{number}", segment, slice_)
                delta.served[key] = chance.choice(served)
            for label in workload.labels:
                cell = delta.calls[CallKey(workload.name, label, segment, slice_)] = chance.choice(cells)
                issued[workload.name] += cell.total
            delta.examples += [
                Example(workload.name, workload.labels[0], second, error, second, second % 997, "seen " * 100)
                for error in ERRORS
            ]
        yield Line(float(second + step), delta, dict(issued), HEALTH)


def folded(frame: Frame, step: int, samples: int, kinds: int, providers: int = 0):
    """The document of all lines."""
    chronicle = Chronicle(frame)
    for line in lines_of(frame, step, samples, kinds, providers):
        chronicle.add(line)
    evidence = replace(chronicle.evidence(), ended_at=frame.duration)
    return build_document(META, evidence, judge(evidence), ExitCode.FAILED)


@pytest.mark.parametrize(
    ("duration", "workloads", "calls", "step", "kinds", "providers"),
    [
        pytest.param("10m", 1, 3, 1, 5, 0, id="ten minutes"),
        pytest.param("10h", 1, 3, 3, 5, 0, id="ten hours"),
        pytest.param("10m", 20, 10, 4, 1, 0, id="ten minutes of 200 calls"),
        pytest.param("10h", 20, 10, 180, 5, 0, id="ten hours of 200 calls with 5 kinds of errors"),
        pytest.param("10h", 1, 3, 20, 5, 43, id="ten hours of as many providers as can be"),
        pytest.param("10h", 20, 10, 360, 1, 5, id="ten hours of 200 calls and 5 providers"),
    ],
)
def test_the_document_stays_under_five_megabytes(duration, workloads, calls, step, kinds, providers):
    document = folded(frame(duration, workloads, calls), step, 20, kinds, providers)
    assert len(encode_document(document)) < MOST_DOCUMENT
    assert max(len(call["slice"]) for call in document["series"]["calls"]) <= 3_600


@pytest.mark.parametrize(("workloads", "calls", "samples"), [(1, 3, 2_000), (20, 10, 50), (1, 1, 5_000)])
def test_a_line_of_the_journal_stays_under_16_kib(workloads, calls, samples):
    for line in lines_of(frame("5s", workloads, calls), 5, samples, kinds=5):
        assert len(encode_line(line)) <= MOST_BYTES
