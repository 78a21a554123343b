"""Stopping: once drains what is under way, twice abandons it; whenever it comes, every arrival ends once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battlectl.analyse.live import SafetyWatch, failed_objective
from battlectl.report.fold import Chronicle
from battlectl.run.battle import INTERRUPTED_DRAIN, LEAD
from tests.run.scripts import NEVER, REFUSED, adds_up, after, fight, outcomes, sent_at, times


def test_a_run_that_is_left_alone_completes():
    fought = fight(after(0.1), objectives=["success_rate >= 99%"])
    assert (fought.ending.how, fought.ending.at) == ("completed", pytest.approx(10.0, abs=0.05))
    assert fought.judgement.verdict == "pass"


def test_one_stop_ends_arrivals_and_drains():
    fought = fight(after(1.0), stop_at={LEAD + 3.05: "interrupted"}, objectives=["success_rate >= 99%"])
    assert times(fought)[-1] == 3.0
    assert outcomes(fought) == {"ok": 31}
    assert (fought.ending.how, fought.ending.at) == ("interrupted", pytest.approx(4.0, abs=0.05))
    assert fought.judgement.verdict == "inconclusive"


def test_a_second_stop_abandons_what_is_under_way():
    stops = {LEAD + 3.05: "interrupted", LEAD + 3.25: "interrupted"}
    fought = fight(after(1.0), stop_at=stops)
    assert outcomes(fought) == {"ok": 23, "abandoned": 8}
    assert fought.ending.at == pytest.approx(3.25, abs=0.02)
    assert adds_up(fought)


def test_after_a_stop_the_drain_is_bounded_whatever_the_timeout():
    fought = fight(lambda *_: NEVER, timeout="60s", stop_at={LEAD + 3.05: "terminated"})
    assert outcomes(fought) == {"abandoned": 31}
    assert (fought.ending.how, fought.ending.at) == (
        "terminated",
        pytest.approx(3.05 + INTERRUPTED_DRAIN, abs=0.05),
    )


def test_a_stop_during_the_drain_shortens_it():
    fought = fight(lambda *_: NEVER, timeout="60s", seconds=2, stop_at={LEAD + 10: "interrupted"})
    assert fought.ending.at == pytest.approx(10 + INTERRUPTED_DRAIN, abs=0.05)
    assert outcomes(fought) == {"abandoned": 20}


def test_the_first_reason_is_kept():
    fought = fight(after(1.0), stop_at={LEAD + 1: "safety", LEAD + 1.5: "interrupted"})
    assert fought.ending.how == "safety"


def test_abandoned_arrivals_are_in_the_denominator():
    stops = {LEAD + 3.05: "interrupted", LEAD + 3.1: "interrupted"}
    fought = fight(lambda *_: NEVER, stop_at=stops, objectives=["success_rate >= 50%"])
    assert fought.judgement.objectives[0].measured == 0.0


def test_nothing_is_retried_after_a_stop():
    stops = {LEAD + 3.05: "interrupted", LEAD + 3.1: "interrupted"}
    fought = fight(after(0.98), retries=5, stop_at=stops)
    assert outcomes(fought) == {"ok": 22, "abandoned": 9}
    assert len(times(fought)) == 31


def mixed(exchange, number):
    """Some of everything."""
    return [NEVER, REFUSED, after(0.05)(exchange, number), after(2.0)(exchange, number)][number % 4]


moments = st.floats(0, 6, allow_nan=False)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(moments, max_size=3, unique=True),
    st.sampled_from(["20/s", {"poisson": "30/s"}, {"users": 4}]),
    st.integers(0, 2),
    st.sampled_from([3, 500]),
)
def test_whenever_it_is_stopped_every_arrival_ends_exactly_once(moments, rate, retries, room):
    room = {} if rate == {"users": 4} else {"max_in_flight": room}
    stops = dict.fromkeys(moments, "interrupted")
    fought = fight(mixed, rate, 4, timeout="1s", retries=retries, stop_at=stops, **room)
    assert adds_up(fought)
    accounting = {finding.name: finding.verdict for finding in fought.judgement.checks}["accounting"]
    assert accounting == ("pass" if fought.evidence.issued else "inconclusive")
    assert fought.ending.at <= 4 + 1 + 1.1


@settings(deadline=None, max_examples=25)
@given(moments)
def test_a_stopped_run_never_passes(moment):
    fought = fight(after(0.01), seconds=8, stop_at={moment: "interrupted"}, objectives=["success_rate >= 0%"])
    assert fought.judgement.verdict == "inconclusive"


def test_every_second_has_a_line_and_the_lines_are_the_run():
    fought = fight(after(0.3), "50/s", 5)
    assert [round(line.t) for line in fought.lines] == [1, 2, 3, 4, 5, 5]
    assert sum(cell.total for line in fought.lines for cell in line.delta.calls.values()) == 250
    assert fought.lines[-1].issued == {"reads": 250}


def test_the_lines_up_to_a_kill_and_what_was_abandoned_then_account_for_everything():
    fought = fight(after(0.29), "50/s", 5)
    rebuilt = Chronicle(fought.evidence.frame)
    for line in fought.lines[:3]:
        rebuilt.add(line)
    assert rebuilt.at == 3.0
    assert rebuilt.abandon_unfinished() in (14, 15)  # One is due, and taken or not, with the third line.
    assert rebuilt.tally.total == sum(rebuilt.issued.values())


class TestWatches:
    """Limits that end a run early, looked at once a second."""

    def test_safety(self):
        watch = SafetyWatch(0.9, 3.0)
        fought = fight(
            breaks_at(4.0), seconds=30, on_line=lambda line, stop: obey(stop, watch.look(line.t, line.delta))
        )
        assert fought.ending.how == "safety"
        assert fought.ending.at == pytest.approx(5.0, abs=0.05)
        assert fought.ending.reason == "success rate 66.67% over 3s, the limit is 90%"

    def test_an_objective_that_aborts(self):
        chronicles: list[Chronicle] = []

        def look(line, stop):
            chronicles[0].add(line)
            obey(stop, failed_objective(chronicles[0].evidence()))

        asked = {"objective": "success_rate >= 90%", "abort_on_fail": True}
        quiet = fight(after(0.01), seconds=30, objectives=[asked])
        chronicles.append(Chronicle(quiet.evidence.frame))
        fought = fight(breaks_at(9.0), seconds=30, objectives=[asked], on_line=look)
        assert (fought.ending.how, fought.ending.at) == ("objective", pytest.approx(11.0, abs=0.05))
        assert fought.judgement.verdict == "fail"


def obey(stop, reason) -> None:
    if reason is not None:
        stop.request_once(reason.how, reason.text)


def breaks_at(second: float):
    """Right until then, refused from then on."""
    return lambda exchange, number: after(0.001)(exchange, number) if sent_at(exchange) < second else REFUSED
