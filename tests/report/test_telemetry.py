"""The three views side by side: what is unsaid is a dash, what the target makes up stays text."""

from __future__ import annotations

from dataclasses import replace

from battlectl.analyse.judge import judge
from battlectl.errors import ExitCode
from battlectl.observe.telemetry import Failed, ProcessSample, ProviderTold, Telemetry
from battlectl.report.document import build_document, encode_document, read_evidence
from battlectl.report.markdown import render_markdown
from tests.report.scenes import META
from tests.telemetry.told import PAGE, tell

SAMPLES = tuple(ProcessSample(float(t), 10**8 + t * 10**6, 2) for t in range(41))


def document_of(evidence):
    return build_document(META, evidence, judge(evidence), ExitCode.PASS)


def section(evidence):
    text = render_markdown(document_of(evidence))
    return text.partition("## Telemetry\n")[2].partition("\n## ")[0]


def test_target_client_and_provider_stand_in_one_row():
    (row,) = [line for line in section(tell()).splitlines() if line.startswith("| a ")]
    assert [cell.strip() for cell in row.split("|")[1:6]] == ["a", PAGE, "400", "400", "400"]


def test_what_cannot_be_so_is_said_with_its_time():
    told = section(tell(lambda t, told: replace(told, requests=0)))
    assert "- at 40.0s, /api/metrics says 0 requests, the client had 720 answered" in told


def test_without_telemetry_there_is_no_section_and_the_document_says_why():
    nothing = replace(tell(), telemetry=Telemetry())
    assert section(nothing) == ""
    document = document_of(nothing)
    assert "not observable" in document["telemetry"]["words"]
    assert document["analysis"]["system"]["peak_memory_mb"] is None


def test_memory_is_that_of_the_run_after_warm_up():
    document = document_of(tell(samples=SAMPLES))
    assert document["analysis"]["system"]["peak_memory_mb"] == 140.0
    assert "by its 2 processes: 100.0 MB at first, 140.0 MB at most" in section(tell(samples=SAMPLES))


def test_polls_that_failed_are_told():
    evidence = tell()
    failed = replace(evidence.telemetry, failed={"/api/status": Failed(3, "status 500 <b>")})
    told = section(replace(evidence, telemetry=failed))
    assert "- /api/status: 3, status 500 &lt;b>" in told


def test_what_a_target_makes_up_stays_text():
    evil = "a|b\n<script>`x`"
    told = section(
        tell(
            lambda t, told: replace(told, providers={**told.providers, evil: ProviderTold(attempts=1)}),
            breakers=lambda t: {"a:http": evil, "b": "closed"},
        )
    )
    assert "<script>" not in told
    assert "a\\|b" in told


def test_a_document_read_back_gives_the_same_bytes():
    evidence = tell(lambda t, told: replace(told, requests=0), samples=SAMPLES)
    document = document_of(evidence)
    assert encode_document(document_of(read_evidence(document))) == encode_document(document)


def test_a_comparison_that_crashes_costs_the_report_that_part_alone(monkeypatch):
    monkeypatch.setattr("battlectl.analyse.telemetry.account.FINDERS", (lambda evidence: 1 / 0,))
    document = document_of(tell())
    assert document["telemetry"]["disagreements"] == []
    assert document["telemetry"]["sources"]
    (found,) = [one for one in document["findings"] if one["name"] == "telemetry"]
    assert (found["verdict"], "ZeroDivisionError" in found["summary"]) == ("inconclusive", True)
