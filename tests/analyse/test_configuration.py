"""The check `configuration`: as it was, changed, or not known; and it comes back from what is stored."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from battlectl.analyse.checks.configuration import check_configuration, judge_document
from battlectl.analyse.judge import judge
from battlectl.observe.documents import Page, account
from battlectl.report.document import build_document, read_evidence
from battlectl.report.headline import Document
from battlectl.report.markdown_configuration import show_configuration
from battlectl.report.record_documents import documents_json, encode_documents, read_documents, read_last_line
from tests.analyse.histories import evidence_of
from tests.report.scenes import META

RIGHT = "success_rate >= 99%"
WAS = b'{"chains": [{"id": "a", "n": 1}], "at": 1}'
AGAIN = b'{"at":1,"chains":[{"n":1,"id":"a"}]}'
CHANGED = b'{"chains": [], "at": 1}'
GONE = Page(why="there is no such page (404)", is_gone=True)
UNREAD = Page(why="status 302")


def at(number):
    return WAS.replace(b'"at": 1', b'"at": %d' % number)


def watched(*after, before=WAS, apart=(), name="/doc", again=None, gap=1.0):
    given = [page if isinstance(page, Page) else Page(page) for page in (before, *after)]
    pages = [replace(page, at=number * gap) for number, page in enumerate(given)]
    return account(name, pages[0], pages[1:], apart, again=None if again is None else Page(again))


CASES = [
    ([WAS], {}, "pass", "/doc is as it was"),
    ([AGAIN], {}, "pass", "(the same JSON, written otherwise)"),
    ([at(2)], {"apart": ["/at"]}, "pass", "but for /at, which nobody compared"),
    ([CHANGED, WAS, WAS], {}, "pass", "from look 2 after the run on"),
    ([UNREAD, WAS, WAS], {}, "pass", "from look 2 after the run on"),
    ([CHANGED] * 3, {}, "fail", "/doc is not as it was: /chains (a list of 1, then a list of 0)"),
    ([GONE] * 3, {}, "fail", "all of it (a document of 42 bytes, then nothing)"),
    ([CHANGED.replace(b"1", b"%d" % n) for n in (2, 3, 4)], {}, "fail", "/chains"),
    ([WAS.replace(b"at", rb"\ud800")] * 3, {}, "fail", "/? (nothing, then 1)"),
    ([UNREAD, CHANGED, CHANGED], {}, "fail", "/chains"),
    ([], {}, "inconclusive", "was not read after the run"),
    ([UNREAD] * 3, {}, "inconclusive", "was not read after the run: status 302"),
    ([WAS, WAS, UNREAD], {}, "inconclusive", "was not read after the run: status 302"),
    ([CHANGED, UNREAD, WAS], {}, "inconclusive", "was not read after the run"),
    ([CHANGED], {}, "inconclusive", "differed, and could not be looked at again"),
    ([CHANGED, CHANGED, WAS], {}, "inconclusive", "changes by itself: it differed at one look"),
    ([at(2), at(3), at(4)], {}, "inconclusive", "/at (1, then 4): leave /at out by `except`"),
    ([b'{"a": %s}' % a for a in (b'["y", 2]', b"[3]", b"[4]")], {"before": b'{"a": ["x"]}'}, "inconclusive",
     "leave /a, /a/0 out by `except`"),
    ([b'[{"up": 5}]', b'[{"up": 6}]', b'[{"up": 7}]'], {"before": b'[{"up": 1}, 2]'}, "inconclusive",
     "now at all of it (a list of 2, then a list of 1): leave /0/up out"),
    ([b'{"a": 2, "up": %d}' % n for n in (5, 6, 7)], {"before": b'{"a": 1, "up": 1}'}, "fail",
     "/a (1, then 2)"),
    ([at(3)] * 3, {"again": at(2)}, "inconclusive", "/at (1, then 3): leave /at out"),
    ([at(2)] * 3, {"again": at(2)}, "inconclusive", "leave /at out"),
    ([CHANGED] * 3, {"again": at(2)}, "fail", "/chains"),
    ([CHANGED] * 3, {"again": b"<html>"}, "fail", "/chains"),
    ([WAS], {"again": at(2)}, "pass", "/doc is as it was"),
    ([CHANGED] * 3, {"gap": 0.5}, "fail", "/chains"),
    ([CHANGED] * 2, {"gap": 0.5}, "inconclusive", "too little time to see whether that changes by itself"),
    ([CHANGED] * 3, {"gap": 0.4}, "inconclusive", "differs at /chains (a list of 1, then a list of 0)"),
    ([UNREAD, CHANGED, CHANGED], {"gap": 0.6}, "inconclusive", "too little time"),
    ([WAS], {"gap": 0.1}, "pass", "/doc is as it was"),
    ([GONE, CHANGED, CHANGED], {}, "inconclusive", "changes by itself, now at /chains"),
    ([WAS], {"before": UNREAD}, "inconclusive", "was not read before the run: status 302"),
    ([WAS], {"before": GONE}, "inconclusive", "was not read before the run"),
    ([b""], {"before": b""}, "inconclusive", "was not read before the run: the answer is empty"),
    ([b"{}"], {"before": b"{}"}, "inconclusive", "it has nothing in it"),
    ([WAS], {"apart": ["/chains"]}, "pass", "but for /chains"),
    ([WAS], {"apart": ["/chains", "/at"]}, "inconclusive", "nothing of /doc was compared: /chains, /at"),
    ([WAS], {"apart": ["/*"]}, "inconclusive", "nothing of /doc was compared: /* is all of it"),
    ([CHANGED], {"apart": ["/*"]}, "inconclusive", "nothing of /doc was compared"),
    ([WAS.replace(b"at", b"new")] * 3, {"apart": ["/chains", "/at"]}, "fail", "/new (nothing, then 1)"),
    ([b'{"a": []}'], {"before": b'{"a": []}', "apart": ["/a/*"]}, "pass", "but for /a/*"),
    ([b'{"a": [1]}'], {"before": b'{"a": [1]}', "apart": ["/a/*"]}, "inconclusive", "nothing of"),
]  # fmt: skip


@pytest.mark.parametrize(("after", "more", "verdict", "words"), CASES)
def test_what_is_said_of_one_document(after, more, verdict, words):
    found, told = judge_document(watched(*after, **more))
    assert (found.value, words in told) == (verdict, True), told


def evidence(*documents):
    return replace(evidence_of("100*ok@6", objectives=[RIGHT]), documents=documents)


def test_the_worst_of_several_is_told_and_weighs():
    one, other = watched(WAS), watched(CHANGED, CHANGED, CHANGED, name="/other")
    found = check_configuration(evidence(one, other))
    assert (found.verdict.value, found.samples) == ("fail", 2)
    assert found.summary.startswith("/other is not as it was")
    assert judge(evidence(one, other)).verdict.value == "fail"
    assert judge(evidence(one, watched(name="/killed"))).verdict.value == "inconclusive"
    assert judge(evidence(one)).verdict.value == "pass"


def test_where_nothing_is_watched_nothing_is_said_unless_it_is_asked():
    assert "configuration" not in {one.name for one in judge(evidence()).findings}
    frame = replace(evidence().frame, checks={"configuration": "fail"})
    found = judge(replace(evidence(), frame=frame))
    assert found.verdict.value == "inconclusive"


def test_a_change_is_never_a_pass_at_whatever_level():
    changed = evidence(watched(CHANGED, CHANGED, CHANGED))
    lowered = replace(changed, frame=replace(changed.frame, checks={"configuration": "inconclusive"}))
    assert judge(lowered).verdict.value == "inconclusive"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_is_judged_alike_from_what_is_stored(case):
    after, more, *_ = case
    document = watched(*after, **more)
    assert read_documents(json.loads(json.dumps(documents_json([document])))) == (document,)
    assert read_last_line(b"[]\n" + encode_documents([document]) + b'[{"name"') == (document,)


def document_of(*documents) -> Document:
    found = evidence(*documents)
    return build_document(META, found, judge(found), 0)


def test_the_report_lists_places_and_gives_back_the_evidence():
    both = (watched(WAS), watched(CHANGED, CHANGED, CHANGED, name="/other"))
    document = json.loads(json.dumps(document_of(*both)))
    assert read_evidence(document).documents == both
    assert [one["verdict"] for one in document["configuration"]] == ["pass", "fail"]
    told = show_configuration(document)
    assert "/chains: a list of 1, then a list of 0" in told
    assert show_configuration(document_of()) == ""
