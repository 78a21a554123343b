"""The closed model: users send, wait, think; latency counts from sending."""

from __future__ import annotations

import pytest

from tests.battle import fight_scripted
from tests.run.scripts import NEVER, REFUSED, adds_up, after, bodies, fight, flow, latency, outcomes, times


def test_a_user_sends_when_its_answer_has_come():
    fought = fight(after(0.5), {"users": 1}, 3)
    assert times(fought) == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
    assert outcomes(fought) == {"ok": 6}
    assert adds_up(fought)


def test_a_user_thinks_between_an_answer_and_the_next_request():
    assert times(fight(after(0.5), {"users": 1, "think": "250ms"}, 3)) == [0.0, 0.75, 1.5, 2.25]


def test_latency_counts_from_sending():
    fought = fight(after(0.5), {"users": 2, "think": "1s"}, 4)
    assert (latency(fought).minimum, latency(fought).maximum) == pytest.approx((0.5, 0.5))
    assert flow(fought).lag.maximum == pytest.approx(0, abs=1e-6)


def test_there_are_never_more_requests_under_way_than_users():
    under_way, most = set(), []

    def script(exchange, number):
        under_way.difference_update({e for e in under_way if e.done is not None})
        under_way.add(exchange)
        most.append(len(under_way))
        return after(0.1 + number % 7 / 100)(exchange, number)

    fight(script, {"users": 5}, 3)
    assert max(most) == 5


@pytest.mark.parametrize("think", ["0s", "400ms", "1h"])
def test_no_request_is_sent_after_the_end(think):
    fought = fight(after(0.3), {"users": 3, "think": think}, 2)
    assert max(times(fought)) < 2.0
    assert adds_up(fought)


def test_a_long_think_does_not_prolong_the_run():
    assert fight(after(0.3), {"users": 3, "think": "1h"}, 2).ending.at == pytest.approx(2.0, abs=0.1)


def test_the_last_answer_is_waited_for():
    fought = fight(after(1.5), {"users": 1}, 2)
    assert (times(fought), outcomes(fought)) == ([0.0, 1.5], {"ok": 2})
    assert fought.ending.at == pytest.approx(3.0, abs=0.1)


def test_a_user_goes_on_after_a_failure():
    fought = fight(lambda e, n: NEVER if n == 0 else after(0.5)(e, n), {"users": 1}, 3, timeout="1s")
    assert (times(fought), outcomes(fought)) == ([0.0, 1.0, 1.5, 2.0, 2.5], {"timeout": 1, "ok": 4})


def test_users_are_counted_in_the_phase_in_which_they_sent():
    fought = fight(after(0.5), {"users": 2}, phases={"warmup": "1s", "steady": "1s"})
    assert times(fought) == [0.0, 0.0, 0.5, 0.5, 1.0, 1.0, 1.5, 1.5]
    assert fought.evidence.tally.cell(fought.evidence.frame.segments(fought.evidence.frame.run)).ok == 4


def test_users_of_a_later_phase_only():
    load = {"reads": {"rate": {"users": 1}, "calls": ["a"], "phases": ["steady"]}}
    fought = fight_scripted({"phases": {"warmup": "1s", "steady": "1s"}, "load": load}, after(0.5))
    assert times(fought) == [1.0, 1.5]


def test_users_have_ids_of_their_own():
    ids = [body["id"] for body in bodies(fight(after(0.1), {"users": 4}, 2))]
    assert len(set(ids)) == len(ids) == 80


def test_refusals_do_not_let_users_spin_past_the_clock():
    """A refusal takes 0.1 ms here: a user sends ten thousand a second and no more."""
    fought = fight(lambda *_: REFUSED, {"users": 1}, 0.5)
    assert outcomes(fought) == {"refused": pytest.approx(5_000, abs=5)}
