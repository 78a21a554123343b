"""What replies and pages tell of a breaker is told with its source, and a contradiction as one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from battlectl.analyse.faults.breaker_account import breaker_accounts
from battlectl.analyse.faults.breaker_figures import breaker_figure
from battlectl.analyse.faults.breaker_told import words_told
from battlectl.analyse.faults.known import know
from battlectl.observe.telemetry import ClientSeen, Reading, Telemetry, Told
from tests.analyse.faulted import faulted, injection

KILL = injection("kill", 20.0, 30.0)
TRIED = "a:10!closed@0-20 b:10!closed@0-40 a:1!half_open@31 a:1!ws:half_open@33 a:10!closed@34-40"


def told(served=TRIED, *readings, provider="a", window="run", **more):
    evidence = faulted(KILL, served=served, **more)
    evidence = replace(evidence, telemetry=Telemetry(readings=readings))
    return breaker_figure(evidence, provider, "half_opens", evidence.frame.windows[window]), evidence


def page(t, state, closed=0, open_=0, name="a:http"):
    seen = ClientSeen(closed={"a": closed})
    return Reading(t, t + 0.01, "/api/status", Told(breakers={name: state}), seen, seen, open_)


def test_replies_tell_that_it_was_half_open_once_at_least():
    figure, _ = told()
    assert (figure.least, figure.most, figure.samples, figure.source) == (1, float("inf"), 2, "metadata")
    assert told(provider="b")[0].is_observable is False


@pytest.mark.parametrize(("window", "is_told"), [("steady", False), ("battle", True)])
def test_only_of_the_window_in_which_they_were_asked(window, is_told):
    assert told(window=window)[0].is_observable is is_told


def test_replies_come_before_pages_and_pages_before_nothing():
    said = (page(30.5, "open"), page(31.5, "HALF_OPEN"), page(32.5, "closed", name="b:http"))
    assert told(TRIED, *said)[0].source == "metadata"
    figure, _ = told("a:10@0-20", *said)
    assert (figure.least, figure.samples, figure.source) == (1, 1, "telemetry")
    nothing, _ = told("a:10!closed@0-20", page(31.5, "closed"))
    assert (nothing.is_observable, nothing.source) == (False, "")


def test_a_half_open_breaker_that_a_page_tells_closed_all_along_is_not_known():
    figure, _ = told(TRIED, *(page(t, "closed") for t in range(21, 40)))
    assert not figure.is_observable
    assert "and /api/status that it was closed all along" in figure.words


def test_an_account_that_stands_on_replies_alone_says_so():
    _, evidence = told()
    (a, *_) = breaker_accounts(know(evidence))
    assert (a.provider, a.source, a.lanes) == ("a", "metadata", ())
    assert a.words.endswith("replies (metadata) tell of a: closed 260, half_open 1, ws:half_open 1")
    assert a.figures["half_opens"].is_observable
    assert not a.figures["opens"].is_observable


CONTRADICTED = (
    page(31.0, "open", closed=300),
    page(32.0, "open", closed=310, open_=3),
    page(33.0, "open", 330),
)


def test_replies_that_contradict_a_page_are_said_to_and_neither_is_believed():
    figure, evidence = told("a:10!closed@0-40", *CONTRADICTED)
    assert words_told(evidence, "a") == (
        "replies (metadata) tell of a: closed 400; /api/status tells that it was open where 27 of them tell "
        "that it was closed"
    )
    assert not figure.is_observable


@pytest.mark.parametrize(
    "readings",
    [
        (),
        (page(31.0, "open", 300), page(32.0, "closed", 310), page(33.0, "open", 330)),
        (page(31.0, "open", 300, open_=9), page(32.0, "open", 309)),
        tuple(replace(one, told=Told(breakers={"a:ws": "open"})) for one in CONTRADICTED),
    ],
    ids=["no page", "closed between", "under way before", "another transport"],
)
def test_what_may_go_together_is_no_contradiction(readings):
    _, evidence = told("a:10!closed@0-40", *readings)
    assert words_told(evidence, "a") == "replies (metadata) tell of a: closed 400"


def test_a_target_that_tells_nothing_leaves_the_words_as_they_were():
    _, evidence = told("a:10@0-20", page(31.0, "open"))
    assert words_told(evidence, "a") == ""
