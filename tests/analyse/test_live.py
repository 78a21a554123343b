"""What is judged while the run goes on: safety limits, and objectives that abort."""

from __future__ import annotations

import pytest

from battlectl.analyse.live import SafetyWatch, failed_objective
from battlectl.observe.tally import CallCell, CallKey, Delta
from tests.analyse.histories import evidence_of


def second(ok: int, failed: int = 0) -> Delta:
    """What ended in one second."""
    cell = CallCell()
    cell.outcomes = {"ok": ok, "timeout": failed}
    return Delta(calls={CallKey("reads", "a", 0, 0): cell})


def stopped_at(seconds: list[Delta], least: float | None = 0.9, over: float = 3.0) -> tuple[int, str] | None:
    """At which second a watch would stop such a run, and why."""
    watch = SafetyWatch(least, over)
    for at, delta in enumerate(seconds, 1):
        reason = watch.look(float(at), delta)
        if reason is not None:
            assert reason.how == "safety"
            return at, reason.text
    return None


GOOD, BAD, HALF = second(100), second(0, 100), second(50, 50)


def test_a_good_run_goes_on():
    assert stopped_at([GOOD] * 60) is None


def test_a_whole_stretch_below_the_limit_stops_the_run():
    assert stopped_at([BAD] * 9) == (3, "success rate 0% over 3s, the limit is 90%")


def test_only_the_stretch_counts_not_what_was_before_it():
    """After ten good seconds: at 11 two thirds of the stretch were good, at 13 nothing of it."""
    assert stopped_at([GOOD] * 10 + [BAD] * 9, least=0.01) == (13, "success rate 0% over 3s, the limit is 1%")
    assert stopped_at([GOOD] * 10 + [BAD] * 9, least=0.5)[0] == 12


def test_a_short_stretch_is_forgiven():
    assert stopped_at([GOOD] * 10 + [HALF] + [GOOD] * 10, least=0.8) is None


def test_exactly_at_the_limit_is_not_below_it():
    assert stopped_at([HALF] * 9, least=0.5) is None


def test_without_arrivals_there_is_nothing_to_stop_for():
    assert stopped_at([second(0)] * 9) is None


def test_without_a_limit_nothing_stops():
    assert stopped_at([BAD] * 9, least=None) is None


def test_seconds_that_come_late_are_still_one_stretch():
    watch = SafetyWatch(0.9, 3.0)
    found = [watch.look(at, BAD if at > 4 else GOOD) is not None for at in (1.0, 2.001, 4.4, 5.0, 7.5)]
    assert found == [False, False, True, True, True]


ABORT = {"objective": "success_rate >= 90%", "abort_on_fail": True}


@pytest.mark.parametrize(
    ("objective", "reads", "at", "stops"),
    [
        (ABORT, "10*refused@6", 7.0, True),
        (ABORT, "10*ok@6", 7.0, False),
        (ABORT, "10*refused@2", 4.0, False),
        (ABORT, "", 7.0, False),
        ("success_rate >= 90%", "10*refused@6", 7.0, False),
        ({**ABORT, "grace": "3s"}, "10*refused@6", 7.9, False),
        ({**ABORT, "grace": "3s"}, "10*refused@6", 8.0, True),
        ({**ABORT, "min_samples": 11}, "10*refused@6", 9.0, False),
        ({**ABORT, "objective": "success_rate >= 90% in battle"}, "10*refused@6", 9.0, False),
        ({**ABORT, "objective": "success_rate >= 90% in battle"}, "10*refused@16", 17.0, True),
        (ABORT, "10*ok@6 5*dropped@6", 7.0, False),
    ],
)
def test_an_objective_that_aborts_stops_when_it_has_failed(objective, reads, at, stops):
    reason = failed_objective(evidence_of(reads, objectives=[objective], ended_at=at, how="running"))
    assert (reason is not None) == stops
    if reason is not None:
        assert reason.how == "objective"
        assert "failed with 0%" in reason.text
