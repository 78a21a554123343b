"""An hour with a hundred faults: the report stays small, and judging it again changes nothing."""

from __future__ import annotations

import json
import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from battlectl.analyse.judge import judge
from battlectl.errors import ExitCode
from battlectl.observe.faults import Campaign, Count, Deed, Probe
from battlectl.observe.journal import Line
from battlectl.observe.served import ServedKey
from battlectl.observe.tally import CallKey, Delta, FlowKey
from battlectl.plan.build import build_plan
from battlectl.plan.injection import Injection
from battlectl.report.document import build_document, encode_document, read_evidence
from battlectl.report.fold import Chronicle
from battlectl.report.markdown import render_markdown
from battlectl.report.terminal import render_summary
from battlectl.run.campaign_watch import MOST_COUNTS
from tests.battle import scenario_of
from tests.report.scenes import HEALTH, META
from tests.report.test_stored import MOST_DOCUMENT, spread_cell, spread_flow, spread_served

PROVIDERS = "abc"
HOUR = 3_600
LINE_EVERY = 5


def kills(number: int) -> list[Injection]:
    """One after another, each for a third of its time."""
    each = HOUR / number
    return [
        Injection(
            name=f"kill-any#{n + 1}",
            kind="kill",
            toxic="kill",
            providers=(PROVIDERS[n % 3],),
            attributes={"seed": n},
            at=10.0 + n * each,
            until=10.0 + n * each + each // 3,
            repeat_of="kill-any",
            takes_down=True,
        )
        for n in range(number)
    ]


def deeds(injections: Sequence[Injection]) -> Iterator[Deed]:
    for one in injections:
        for action, at in (("inject", one.at), ("heal", one.until)):
            for stage, after in (("begin", 0.0), ("done", 0.1)):
                yield Deed(at + after, one.name, one.providers[0], action, stage, note="200 OK")  # type: ignore[arg-type]


def probes(injections: Sequence[Injection]) -> Iterator[Probe]:
    for one in injections:
        provider, times = one.providers[0], range(int(one.until - one.at) - 1)
        yield Probe(one.at - 1, provider, "new", "ok", 0.002, f"0x{int(one.at):x}")
        yield Probe(one.at - 0.9, provider, "kept", "ok", 0.002, f"0x{int(one.at):x}")
        for second in times:
            yield Probe(one.at + 0.2 + second, provider, "new", "refused", 0.001, "connection refused")
        yield Probe(one.at + 0.25, provider, "kept", "reset", 0.001, "connection reset")
        yield Probe(one.until + 0.2, provider, "new", "ok", 0.002, f"0x{int(one.until):x}")


def counts(injections: Sequence[Injection], chance: random.Random) -> Iterator[Count]:
    """As many as there can be; the number of connections and calls is different in each."""
    calls, looks = dict.fromkeys(PROVIDERS, 0), MOST_COUNTS // len(PROVIDERS)
    for look in range(looks):
        t = round(look * (HOUR + 10) / looks + chance.random() / 100, 6)
        number = bisect_right([one.at for one in injections], t) - 1
        one = injections[number] if number >= 0 and injections[number].until > t else None
        for provider in PROVIDERS:
            is_down = one is not None and one.providers[0] == provider
            calls[provider] += 0 if is_down else chance.randrange(4, 8)
            hits = {one.name: int(9 * (t - one.at))} if one is not None and is_down else {}
            yield Count(t, provider, 1, chance.randrange(9, 30), calls[provider], 0, hits)


@pytest.fixture(scope="module")
def evidence():
    injections, chance = kills(100), random.Random(7)
    fields = {
        "phases": {"warmup": "10s", "steady": "1h"},
        "load": {"reads": {"rate": "18/s", "calls": {"eth_a": 1, "eth_b": 1, "eth_c": 1}}},
        "objectives": ["success_rate >= 99%", "latency.p95 < 1s", "recovery_time(kill-any) < 5s"],
    }
    frame = build_plan(scenario_of(**fields), {}, injections).frame
    cells = [spread_cell(chance, 15, 2) for _ in range(10)]
    flows = [spread_flow(chance, 15) for _ in range(5)]
    served = [spread_served(chance, 15) for _ in range(5)]
    chronicle, issued = Chronicle(frame), 0
    for second in range(0, int(frame.duration), LINE_EVERY):
        delta, place = Delta(), (bisect_right(frame.cuts, second) - 1, second // frame.slice_width)
        delta.flows[FlowKey("reads", *place)] = chance.choice(flows)
        for provider in PROVIDERS:
            delta.served[ServedKey("reads", provider, *place)] = chance.choice(served)
        for label in frame.workloads[0].labels:
            cell = delta.calls[CallKey("reads", label, *place)] = chance.choice(cells)
            issued += cell.total
        chronicle.add(Line(float(second + LINE_EVERY), delta, {"reads": issued}, HEALTH))
    campaign = Campaign(
        driver="toxiproxy",
        deeds=tuple(sorted(deeds(injections), key=lambda deed: deed.t)),
        probes=tuple(sorted(probes(injections), key=lambda probe: probe.t)),
        counts=tuple(counts(injections, chance)),
    )
    return replace(chronicle.evidence(), ended_at=frame.duration, campaign=campaign)


@pytest.fixture(scope="module")
def document(evidence):
    return build_document(META, evidence, judge(evidence), ExitCode.FAILED)


def test_the_report_stays_under_five_megabytes(document):
    assert len(encode_document(document)) < MOST_DOCUMENT
    assert len(document["faults"]) == 100
    assert document["chaos"]["crashed"] == []
    assert {fault["proof"] for fault in document["faults"]} == {"confirmed"}


def test_judging_it_again_gives_the_same_bytes(document):
    stored = encode_document(document)
    evidence = read_evidence(json.loads(stored))
    again = build_document(META, evidence, judge(evidence), ExitCode.FAILED)
    assert encode_document(again) == stored


def test_it_is_told_in_a_page_and_on_a_screen(document):
    text = render_markdown(document)
    assert len(text) < 150_000
    assert "60 more faults, 0 of them not confirmed, are in report.json." in text
    assert len(render_summary(document, 80, folder="results/x").splitlines()) <= 40
