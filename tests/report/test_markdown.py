"""What report.md says first, and what it does without."""

from __future__ import annotations

import pytest

from battlectl.observe.documents import Page, account
from battlectl.observe.outcome import MEANINGS
from battlectl.report.document_configuration import document_json
from battlectl.report.document_telemetry import telemetry_json
from battlectl.report.markdown import SECTIONS, render_markdown
from tests.report.routing_scene import PROMISES, ROUTING
from tests.report.scenes import META, SCENES, TRUTH
from tests.report.stream_scenes import troubled
from tests.report.test_consistency import WATCH
from tests.telemetry.told import tell


@pytest.mark.parametrize(
    ("scene", "first"),
    [
        ("pass", "# PASS: Steady reads"),
        ("fail", "# FAIL: A provider dies under load"),
        ("inconclusive", "# INCONCLUSIVE: Too little room"),
        ("interrupted", "# INCONCLUSIVE: Cut short"),
        ("empty", "# INCONCLUSIVE: Nothing"),
    ],
)
def test_the_first_line_is_the_verdict(scene, first):
    assert render_markdown(SCENES[scene]()).splitlines()[0] == first


def test_the_reason_of_a_failure_is_its_first_failed_objective():
    reason = render_markdown(SCENES["fail"]()).splitlines()[2]
    assert "success_rate >= 99% failed: measured 66.25%, required >= 99%" in reason


def test_a_pass_that_ended_with_another_code_says_so_in_the_first_line():
    document = {**SCENES["pass"](), "passed": False, "exit_code": 6}
    assert "PASS BUT EXIT CODE 6" in render_markdown(document).splitlines()[0]


@pytest.mark.parametrize("key", META)
def test_any_key_of_meta_may_be_missing(key):
    document = SCENES["pass"]()
    meta = {name: value for name, value in META.items() if name != key}
    assert render_markdown({**document, "meta": meta}).startswith("# PASS")


def test_a_rebuilt_report_says_so():
    document = {**SCENES["pass"](), "meta": {"rebuilt": True}}
    assert "rebuilt from the journal" in render_markdown(document)


def test_closed_workloads_say_that_latency_counts_from_sending():
    assert "latency counts from sending" in render_markdown(SCENES["pass"]())
    assert "latency counts from sending" not in render_markdown(SCENES["fail"]())


def test_each_outcome_stands_with_its_meaning_and_an_example():
    text = render_markdown(SCENES["fail"]())
    assert MEANINGS["timeout"] in text
    assert "due at 7.550s, **timeout** after" in text


def test_every_section_of_a_full_report_has_a_title():
    document = {
        **SCENES["faults"](),
        "streams": troubled()["streams"],
        "telemetry": telemetry_json(tell()),
        "routing": ROUTING,
        "breaker_promises": PROMISES,
        "configuration": [document_json(account("/chains", Page(b"[1]"), [Page(b"[2]")] * 3, ()))],
    }
    meta = {**META, "ground_truth": TRUTH, "notes": ["one"], "watch": WATCH}
    text = render_markdown({**document, "meta": meta})
    assert all(f"\n## {title}\n" in text for title, _ in SECTIONS)


def test_routing_says_who_was_to_serve_what_who_did_and_where_nothing_is_said():
    document = {**SCENES["faults"](), "routing": ROUTING, "breaker_promises": PROMISES, "meta": META}
    text = render_markdown(document)
    rows = [line for line in text.splitlines() if "fastest" in line]
    assert len(rows) == 2
    assert [word in rows[0] for word in ("provider_a", "at least 80%", "97%", "40 to 80", "holds")] == [
        True
    ] * 5
    assert [word in rows[1] for word in ("provider_b and provider_c", "80% to 90%", "**broken**")] == [
        True
    ] * 3
    assert "- others from 5s to 6s: too short \\| to tell" in text
    assert "after 5" in text
    assert "not known" in text
