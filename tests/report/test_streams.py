"""Subscribers in every report: what is stored comes back, what is shown is what was judged."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from xml.etree import ElementTree

import pytest

from battlectl.analyse.judge import judge
from battlectl.commands.report import _parse, _scopes
from battlectl.errors import ExitCode, UserError
from battlectl.observe.streams.cell import COUNTS, Sighting
from battlectl.observe.tally import Delta
from battlectl.plan.workload import Window
from battlectl.report.document import encode_document, read_evidence
from battlectl.report.fold import Chronicle
from battlectl.report.junit import render_junit
from battlectl.report.markdown import render_markdown
from battlectl.report.streams_words import MARKS
from battlectl.report.terminal import render_summary
from battlectl.report.terminal_faults import summarise_faults
from battlectl.report.timeline import render_timeline
from battlectl.report.timeline_faults import WEIGHT
from tests.analyse.streamed import BATTLE, STEADY, WARMUP, cell, ends, frame_of, good, streamed
from tests.observe.samples import lognormal
from tests.report.scenes import HOSTILE, META, SCENES, document_of
from tests.report.stream_scenes import GAP, all_came, hostile_streams, nothing_came, troubled

DOCUMENTS = {
    "streams": cache(troubled),
    "streams-alone": cache(all_came),
    "streams-silent": cache(nothing_came),
}
RENDERERS = {
    "report.md": render_markdown,
    "junit.xml": render_junit,
    "summary-80.txt": lambda document: render_summary(document, 80, folder="results/some-run"),
    "timeline-100.txt": lambda document: render_timeline(document, 100) + "\n",
}


@pytest.mark.parametrize("renderer", RENDERERS)
@pytest.mark.parametrize("scene", DOCUMENTS)
def test_a_run_with_subscribers_is_rendered_as_reviewed(scene, renderer, golden):
    golden(f"{scene}-{renderer}", RENDERERS[renderer](DOCUMENTS[scene]()))


def test_names_and_reasons_steer_nothing(golden):
    document = hostile_streams()
    golden("hostile-streams-report.md", render_markdown(document))
    assert ElementTree.fromstring(render_junit(document)).tag == "testsuites"
    assert max(map(len, render_timeline(document, 100).splitlines())) <= 100
    assert "\x1b" not in render_summary(document, 80)


@pytest.mark.parametrize("scene", DOCUMENTS)
def test_what_is_stored_comes_back_bit_by_bit(scene):
    stored = json.loads(encode_document(DOCUMENTS[scene]()))
    again = read_evidence(stored)
    code = ExitCode(stored["exit_code"])
    assert encode_document(document_of(again, code, stored["meta"])) == encode_document(stored)


def test_a_report_from_before_there_were_streams_is_read():
    stored = json.loads(encode_document(SCENES["pass"]()))
    assert stored.pop("streams") == []
    assert stored["record"].pop("streams") == []
    del stored["frame"]["streams"]
    del stored["generator"]["stream_lag"]
    assert read_evidence(stored).frame.streams == ()
    assert "Continuity" not in render_markdown(stored)
    assert render_summary(stored, 80)
    assert render_timeline(stored, 80)


def test_figures_by_window_are_those_that_are_judged():
    (heads, _) = DOCUMENTS["streams"]()["streams"]
    windows = {window["name"]: window for window in heads["windows"]}
    assert list(windows) == ["warmup", "steady", "battle", "run"]
    assert [windows[name]["missing"] for name in windows] == [0, 0, 6, 6]
    assert (windows["run"]["blocks_expected"], windows["run"]["blocks"]) == (186, 180)
    assert windows["battle"]["uptime_ratio"] == 0.45
    assert windows["battle"]["durations"]["resume"]["max_ms"] == 1750.0
    assert windows["warmup"]["uptime_ratio"] is None


def test_first_and_worst_gap_have_block_numbers_and_times():
    (heads, transfers) = DOCUMENTS["streams"]()["streams"]
    first = heads["gaps"]["first"]
    assert (first["first_block"], first["last_block"], first["since_s"], first["until_s"]) == (
        101,
        105,
        16.0,
        18.0,
    )
    assert heads["gaps"]["worst"] == first
    assert transfers["gaps"] is None


def test_a_workload_has_only_the_windows_in_which_it_was():
    evidence = streamed({BATTLE: good(30, begun=1, streams=1)}, [GAP], [frame_of(start=15.0)])
    (one,) = document_of(evidence, ExitCode.PASS)["streams"]
    assert [window["name"] for window in one["windows"]] == ["battle", "run"]


@pytest.mark.parametrize(
    ("counts", "state"),
    [
        ({}, "whole"),
        ({"caught_up": 1}, "late"),
        ({"caught_up": 1, "duplicates": 1}, "wrong"),
        ({"duplicates": 1, "unproven": 1}, "unproven"),
        ({"unproven": 1, "missing_tail": 1}, "missing"),
        ({"ends_silent": 1}, "missing"),
        ({"ends_visible": 1}, "whole"),
    ],
)
def test_a_lane_shows_the_worst_of_a_stretch(counts, state):
    evidence = streamed({WARMUP: ends(), STEADY: good(30), BATTLE: good(30, **counts)})
    (one,) = document_of(evidence, ExitCode.PASS)["streams"]
    assert one["lane"] == [[5.0, 15.0, "whole"], [15.0, 25.0, state]]


def test_marks_are_ranked_as_they_are_drawn():
    ranks = [WEIGHT.index(mark) for mark in MARKS.values()]
    assert ranks == sorted(ranks)


def test_the_original_names_are_measured():
    (named, alone) = (DOCUMENTS[scene]()["analysis"]["websocket"] for scene in ("streams", "streams-alone"))
    assert named == {
        "events": 258.0,
        "duplicates": 2.0,
        "gaps": 6.0,
        "uptime": 0.8625,
        "duplicate_rate": 2 / 258,
        "gap_rate": 6 / 264,
        "backfill_completion_ms": None,
    }
    assert alone["backfill_completion_ms"] == 0.0
    silent = DOCUMENTS["streams-silent"]()["analysis"]["websocket"]
    assert set(silent.values()) == {None}
    assert set(SCENES["pass"]()["analysis"]["websocket"].values()) == {None}


def test_the_terminal_says_what_is_missing_and_stays_on_one_screen():
    text = render_summary(DOCUMENTS["streams"](), 120)
    assert "streams heads: 6 of 186 blocks missing, 1 stalls, 1 silent ends, uptime 72.5%" in text
    assert len(text.splitlines()) <= 42


def test_what_the_second_path_was_is_said():
    assert "as it was read on a second path (provider_b over HTTP, every 250ms)." in render_markdown(
        troubled()
    )


def test_looks_at_it_that_failed_are_said():
    document = troubled()
    told = document["meta"]["truth"] | {"looks": 1_300, "failures": 17, "last_failure": HOSTILE}
    text = render_markdown({**document, "meta": {**document["meta"], "truth": told}})
    assert "every 250ms, where 17 of 1,300 looks failed, the last: " in text
    assert HOSTILE not in text


def test_new_objectives_name_workloads_of_subscribers():
    frame = read_evidence(json.loads(encode_document(DOCUMENTS["streams"]()))).frame
    assert list(_scopes("stream", frame, META)) == ["heads", "transfers"]
    assert _parse("subscription(transfers).gaps == 0 in battle", frame, META).scope == "transfers"
    with pytest.raises(UserError, match="nothing is called reads; there are heads, transfers"):
        _parse("subscription(reads).gaps == 0", frame, META)


def test_a_killed_run_is_inconclusive_for_its_streams_were_not_followed_to_the_end():
    whole = streamed({WARMUP: cell(begun=1), STEADY: good(30)}, [GAP])
    chronicle = Chronicle(whole.frame)
    chronicle.tally.merge(Delta(streams=dict(whole.tally.by_stream)))
    assert chronicle.abandon_unfinished() == 0
    judgement = judge(chronicle.evidence("killed", "the journal breaks off", 15.0))
    assert judgement.verdict.value == "inconclusive"
    assert any("were not followed to their end" in one.summary for one in judgement.objectives)


def full(durations, segment):
    """A cell with everything that there can be in it."""
    result = good(40)
    for name in COUNTS:
        result.add(name, 1000 + segment)
    for name in ("delay", "age", "lateness", "catch_up", "resume", "first_event", "lag"):
        for seconds in durations[: 40 if name in ("delay", "age", "lag") else 5]:
            result.record(name, seconds * (1 + segment % 7))
    for kind in ("missing_middle", "missing_forward", "duplicates", "out_of_order", "stall", "wrong_fork"):
        sighting = Sighting(
            kind, f"subscribers/{segment}.12", segment + 0.123456, segment + 1.5, 10**7, 10**7, 1
        )
        result.keep(sighting, sighting)
    result.end("closed: 1011 upstream has gone away")
    return result


def test_three_workloads_through_a_hundred_faults_fit_into_a_report():
    durations = lognormal(200)
    edges = [float(second) for second in range(0, 3_001, 10)]
    names = ("heads", "logs", "pending")
    evidence = streamed(
        {(name, segment): full(durations, segment) for name in names for segment in range(len(edges) - 1)},
        [GAP],
        [frame_of(name, end=3_000.0) for name in names],
    )
    windows = {"run": Window("run", 0.0, 3_000.0)} | {
        f"{kind}:kill-provider_a#{number}": Window(f"{kind}:kill-provider_a#{number}", start, start + 10)
        for number in range(1, 101)
        for kind, start in (("during", number * 30.0 - 30), ("recovery", number * 30.0 - 20))
    }
    phases = (Window("battle", 0.0, 3_000.0),)
    frame = replace(evidence.frame, cuts=tuple(edges), windows=windows, phases=phases)
    document = document_of(replace(evidence, frame=frame, ended_at=3_000.0), ExitCode.FAILED)
    assert len(encode_document(document)) < 4_000_000
    text = render_markdown(document)
    assert "more windows, in none of which more was missing" in text
    assert len(text) < 60_000


def of_faults(*, missing: int, doubt: str) -> str:
    window = {
        "name": "during:kill-a",
        "missing": missing,
        "blocks_expected": 20,
        "counts": {"stalls": missing},
    }
    never = {"observable": True, "most": 0, "value": 0}
    part = {"provider": "a", "proof": "confirmed", "subscribers": doubt}
    fault = {"name": "kill-a", "proof": "confirmed", "recovery_time_s": never, "providers": [part]}
    document = {"faults": [fault], "streams": [{"windows": [window]}], "workloads": [{"name": "reads"}]}
    return list(summarise_faults(document))[1]


@pytest.mark.parametrize(
    ("missing", "doubt", "told"),
    [
        (0, "", "requests: no harm; subscribers: no harm"),
        (3, "", "requests: no harm; subscribers: 3 missing, 3 stalls"),
        (
            0,
            "fed no subscriber",
            "requests: no harm; subscribers: not known to be touched: fed no subscriber",
        ),
        (3, "fed no subscriber", "requests: no harm; subscribers: 3 missing, 3 stalls"),
    ],
)
def test_harm_to_subscribers_is_told_apart_from_harm_to_requests(missing, doubt, told):
    assert of_faults(missing=missing, doubt=doubt) == f"fault kill-a at a: confirmed; {told}"
