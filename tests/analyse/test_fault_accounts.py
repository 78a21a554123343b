"""What each fault and each breaker did, brought together: the figures of the objectives, and stretches."""

from __future__ import annotations

from itertools import pairwise

import pytest

from battlectl.analyse.faults.account import accounts
from battlectl.analyse.faults.amplification import amplification
from battlectl.analyse.faults.breaker_account import STATS, breaker_accounts
from battlectl.analyse.faults.breaker_figures import breaker_figure
from battlectl.analyse.faults.failover import detection_time, failover_latency, failover_time, failovers
from battlectl.analyse.faults.known import know
from battlectl.analyse.faults.recovery import recovery_time, unavailability
from tests.analyse.faulted import faulted, injection

ERRORS = injection("http_5xx", name="errors")
KILL = injection(name="kill")
DOWN = "new:ok@19 kept:ok@19 new:refused@20.2-30 kept:reset@20.2 new:ok@30.2"
FAILING = "new:ok@19 kept:ok@19 new:http_error(503)@20.2-29 kept:http_error(503)@20.2-29 new:ok@30.2"
TRIPPED = "a:10@0-21 a:0@21-30 a:10@30-40 b:10@0-20 b:20@20-30 b:10@30-40"
REPLIES = "a:10@0-20 b:10@0-20 b:19@20-30 b:1x2/80@20-30 a:10@30-40 b:10@30-40"
READS = "20*ok@0-20 20*refused@20-22 20*ok@22-40"
CASES = {
    "failing": lambda: faulted(ERRORS, reads=READS, probes=FAILING, counts=TRIPPED, served=REPLIES),
    "counters": lambda: faulted(ERRORS, reads=READS, probes=FAILING, counts=TRIPPED),
    "dark": lambda: faulted(KILL, reads=READS, probes=DOWN, counts=TRIPPED),
    "unproven": lambda: faulted(KILL, reads=READS),
    "cut short": lambda: faulted(ERRORS, reads="20*ok@0-22", deeds="inject@20-20.1", ended_at=22.0),
    "nothing sent": lambda: faulted(KILL, reads="", deeds="", ended_at=0.0),
}


@pytest.fixture(params=CASES)
def evidence(request):
    return CASES[request.param]()


def test_the_figures_are_those_of_the_objectives(evidence):
    (account,) = accounts(know(evidence), generator_fit=True)
    name = account.injection.name
    assert account.recovery_time == recovery_time(evidence, name, True)
    assert account.unavailability == unavailability(evidence, name, True)
    assert account.failover_time == failover_time(evidence, name)
    assert account.detection_time == detection_time(evidence, name)


def test_the_windows_are_those_of_the_objectives(evidence):
    (account,) = accounts(know(evidence), generator_fit=True)
    for seen in account.windows:
        window = evidence.frame.windows[seen.name]
        if seen.seen is None:
            assert not evidence.reached(window)
            assert not seen.failovers.is_observable
            continue
        assert seen.failovers == failovers(evidence, window)
        assert seen.amplification == amplification(evidence, window)
        assert seen.failover_latency["max"] == failover_latency(evidence, window, "max")


def test_the_figures_of_breakers_are_those_of_the_objectives(evidence):
    for account in breaker_accounts(know(evidence)):
        for stat in STATS:
            assert account.figures[stat] == breaker_figure(
                evidence, account.provider, stat, evidence.frame.run
            )


def test_the_stretches_of_a_breaker_cover_all_that_was_seen_once(evidence):
    for account in breaker_accounts(know(evidence)):
        whole = sorted((s.start, s.end) for s in account.lanes if s.state in ("closed", "maybe-open"))
        assert all(before[1] == after[0] for before, after in pairwise(whole))
        assert bool(whole) == bool(account.source)
        maybe = [(s.start, s.end) for s in account.lanes if s.state == "maybe-open"]
        for stretch in account.lanes:
            if stretch.state == "open":
                assert any(a <= stretch.start and stretch.end <= b for a, b in maybe)


def test_calls_at_an_open_breaker_are_at_most_what_came():
    def calls(counts):
        a = breaker_accounts(know(faulted(ERRORS, probes=FAILING, counts=counts)))[0]
        return a.figures["requests_while_open"]

    quiet, tried = calls(TRIPPED), calls(TRIPPED.replace("a:0@21-30", "a:0@21-25 a:8@25-25.5 a:0@25.5-30"))
    assert (quiet.least, tried.least) == (0, 0)
    assert tried.most == pytest.approx(quiet.most + 4, abs=1)
