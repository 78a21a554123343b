"""junit.xml is read by a parser that did not write it, and its counts add up."""

from __future__ import annotations

from copy import deepcopy
from xml.dom import minidom

import pytest

from battlectl.report.junit import render_junit
from tests.report.scenes import SCENES, hostile, hostile_faults

ALL_SCENES = {**SCENES, "hostile": hostile, "hostile faults": hostile_faults}


def _suite(document) -> minidom.Element:
    page = minidom.parseString(render_junit(document).encode())
    return page.getElementsByTagName("testsuite")[0]


@pytest.mark.parametrize("scene", ALL_SCENES)
def test_counts_agree_with_what_is_inside(scene):
    suite = _suite(ALL_SCENES[scene]())
    for attribute, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
        assert int(suite.getAttribute(attribute)) == len(suite.getElementsByTagName(tag))
        assert suite.getAttribute(attribute) == suite.parentNode.getAttribute(attribute)


@pytest.mark.parametrize("scene", ALL_SCENES)
def test_there_is_one_case_for_each_finding(scene):
    document = ALL_SCENES[scene]()
    names = [case.getAttribute("name") for case in _suite(document).getElementsByTagName("testcase")]
    assert names == [
        *("faults are healed" for _ in document["chaos"]["leftovers"]),
        *(finding["name"] for finding in document["findings"]),
    ]


@pytest.mark.parametrize("scene", ALL_SCENES)
def test_only_a_pass_is_green(scene):
    suite = _suite(ALL_SCENES[scene]())
    bad = int(suite.getAttribute("failures")) + int(suite.getAttribute("errors"))
    assert (bad == 0) == (scene == "pass")


def test_a_fault_that_is_left_in_force_is_the_first_error():
    first = _suite(SCENES["leftover"]()).getElementsByTagName("testcase")[0]
    (error,) = first.getElementsByTagName("error")
    assert error.getAttribute("type") == "unhealed"
    assert "curl -X DELETE http://127.0.0.1:8474/proxies/a/toxics/kill-provider_a" in error.getAttribute(
        "message"
    )


def test_what_is_inconclusive_is_an_error_of_that_type():
    errors = _suite(SCENES["inconclusive"]()).getElementsByTagName("error")
    assert {error.getAttribute("type") for error in errors} == {"inconclusive"}


def test_a_note_is_output_of_a_case_that_did_not_fail():
    document = deepcopy(SCENES["empty"]())
    replies = next(finding for finding in document["findings"] if finding["name"] == "replies")
    replies |= {"level": "note", "weighs": "pass"}
    suite = _suite(document)
    (output,) = suite.getElementsByTagName("system-out")
    assert output.parentNode.getAttribute("name") == "replies"
    assert not output.parentNode.getElementsByTagName("error")
    assert "no reply came" in output.firstChild.data


def test_a_pass_with_another_exit_code_is_never_green():
    document = {**SCENES["pass"](), "passed": False, "exit_code": 6}
    (error,) = _suite(document).getElementsByTagName("error")
    assert "could not be healed" in error.getAttribute("message")


def test_the_suite_takes_the_seconds_of_the_run():
    document = SCENES["pass"]()
    assert float(_suite(document).getAttribute("time")) == pytest.approx(document["ending"]["at_s"], abs=1e-3)
    assert _suite(document).getAttribute("timestamp") == document["meta"]["started_at"]
