"""junit.xml: one suite for the run, one case for each objective and check.

Rule: what weighs against a pass is a failure, or an error of type `inconclusive`, so that a CI that knows
only two colours never shows it green; notes are output of a passed case. A fault that is left in force is an
error of its own, before all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from battlectl.report.faults_words import leftovers_of
from battlectl.report.headline import Document, Stored, measured_and_required, show_exit, weighing
from battlectl.report.inert import in_xml

PROPERTIES = ("run_id", "tool_version", "plan_hash", "scenario_file", "command")


def render_junit(document: Document) -> str:
    """The XML, ready to be encoded as UTF-8."""
    suites = Element("testsuites", {"name": "battlectl"})
    suite = SubElement(suites, "testsuite", {"name": in_xml(document["frame"]["name"])})
    _add_properties(suite, document)
    for what, why in leftovers_of(document):
        case = _case(suite, "checks", "faults are healed", document)
        _add_text(case, "error", f"a person must act: {what}", why, kind="unhealed")
    for finding in document["findings"]:
        _add_case(suite, finding, document)
    if not document["passed"] and not weighing(document):
        _add_exit_case(suite, document)
    for element in (suites, suite):
        element.attrib.update(_totals(suite, document))
    if started := document["meta"].get("started_at"):
        suite.set("timestamp", in_xml(started))
    indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(suites, encoding="unicode")}\n'


def _add_properties(suite: Element, document: Document) -> None:
    meta = document["meta"]
    known: Mapping[str, Any] = {
        "verdict": document["verdict"],
        "exit_code": document["exit_code"],
        "seed": document["frame"]["seed"],
        **{name: meta[name] for name in PROPERTIES if meta.get(name) is not None},
    }
    properties = SubElement(suite, "properties")
    for name, value in known.items():
        SubElement(properties, "property", {"name": name, "value": in_xml(value)})


def _add_case(suite: Element, finding: Stored, document: Document) -> None:
    case = _case(suite, f"{finding['kind']}s", finding["name"], document)
    if finding["weighs"] == "fail":
        _add_text(case, "failure", _message(finding), _evidence(finding), kind="fail")
    elif finding["weighs"] == "inconclusive":
        _add_text(case, "error", _message(finding), _evidence(finding), kind="inconclusive")
    elif finding["verdict"] != "pass":
        note = f"{finding['verdict']}, counts as a note: {_message(finding)}\n{_evidence(finding)}"
        SubElement(case, "system-out").text = in_xml(note.rstrip())


def _add_exit_case(suite: Element, document: Document) -> None:
    """Nothing that was judged is to blame, and still it is no pass."""
    case = _case(suite, "checks", "exit code", document)
    _add_text(case, "error", show_exit(document), "", kind="exit")


def _case(suite: Element, group: str, name: str, document: Document) -> Element:
    """A case takes no time of its own: what it judges is the time of the suite."""
    classname = f"battlectl.{document['frame']['name']}.{group}"
    return SubElement(
        suite, "testcase", {"classname": in_xml(classname), "name": in_xml(name), "time": "0.000"}
    )


def _add_text(case: Element, tag: str, message: str, text: str, kind: str) -> None:
    SubElement(case, tag, {"message": in_xml(message), "type": kind}).text = in_xml(text) or None


def _message(finding: Stored) -> str:
    if finding["kind"] == "objective" and finding["verdict"] == "fail":
        return measured_and_required(finding)
    return str(finding["summary"])


def _evidence(finding: Stored) -> str:
    shown = [(which, finding[which]) for which in ("first", "worst")]
    return "\n".join(f"{which}: {_example(example)}" for which, example in shown if example is not None)


def _example(example: Stored) -> str:
    call = f"{example['workload']}/{example['label']}"
    ended = f"{example['outcome']} after {example['latency_ms']:.3f}ms"
    return f"id {example['id']}, {call}, due at {example['due_s']:.3f}s, {ended}: {example['seen']}"


def _totals(suite: Element, document: Document) -> dict[str, str]:
    return {
        "tests": str(len(suite.findall("testcase"))),
        "failures": str(len(suite.findall("testcase/failure"))),
        "errors": str(len(suite.findall("testcase/error"))),
        "skipped": "0",
        "time": f"{document['ending']['at_s']:.3f}",
    }
