"""Latency counts from due, whatever the target does; the arrivals never wait for each other."""

from __future__ import annotations

import pytest

from tests.run.scripts import (
    NEVER,
    REFUSED,
    adds_up,
    after,
    error,
    fight,
    flow,
    latency,
    outcomes,
    sent_at,
    times,
)


def test_arrivals_are_sent_when_they_are_due():
    assert times(fight(after(0.01), "10/s", 3)) == [k / 10 for k in range(30)]


@pytest.mark.parametrize(("rate", "count"), [("300/s", 3_000), ("7/s", 70), ("0.1/s", 1), ("30/min", 5)])
def test_as_many_arrivals_as_planned_are_sent(rate, count):
    fought = fight(after(0.01), rate, 10)
    assert outcomes(fought) == {"ok": count}
    assert adds_up(fought)


def test_an_arrival_never_waits_for_an_earlier_one():
    """Each answer takes 3 s, thirty gaps: all are sent on time, thirty at once under way."""
    fought = fight(after(3.0), "10/s", 10)
    assert times(fought) == [k / 10 for k in range(100)]
    assert latency(fought).minimum == pytest.approx(3.0)
    assert latency(fought).maximum == pytest.approx(3.0)


def test_latency_is_lag_plus_backlog_plus_service():
    fought = fight(after(0.25), "10/s", 10)
    parts = [sketch.sum_ns for sketch in (flow(fought).lag, flow(fought).backlog, flow(fought).service)]
    assert sum(parts) == pytest.approx(latency(fought).sum_ns, abs=1_000)
    assert parts[:2] == pytest.approx([0, 0], abs=1_000)


def test_the_clock_of_a_timeout_runs_from_due():
    fought = fight(lambda *_: NEVER, "10/s", 2, timeout="700ms")
    assert outcomes(fought) == {"timeout": 20}
    assert (latency(fought).minimum, latency(fought).maximum) == pytest.approx((0.7, 0.7))
    assert fought.ending.at == pytest.approx(1.9 + 0.7, abs=0.05)


def test_an_answer_just_in_time_is_one_and_just_late_is_none():
    assert outcomes(fight(after(0.699), timeout="700ms")) == {"ok": 100}
    assert outcomes(fight(after(0.701), timeout="700ms")) == {"timeout": 100}


def test_fast_refusals_do_not_flatter_the_percentiles():
    fought = fight(lambda e, n: REFUSED if n % 2 else after(0.4)(e, n), objectives=["latency.p50 < 300ms"])
    (finding,) = fought.judgement.objectives
    assert (finding.verdict, finding.measured) == ("fail", pytest.approx(0.4, rel=0.005))


def test_a_stall_shows_up_as_the_stall_it_is():
    """500/s for 10 s, the server stands still from 5 s to 6 s: arithmetic says 500, 900 and 990 ms."""

    def stall(exchange, number):
        at = sent_at(exchange)
        wait = max(0.0, 6.0 - at) if at >= 5.0 else 0.0
        return after(wait + 0.0002)(exchange, number)

    fought = fight(stall, "500/s", 10)
    assert outcomes(fought) == {"ok": 5_000}
    found = [latency(fought).quantile(q) * 1e3 for q in (0.95, 0.99, 0.999)]
    assert found == pytest.approx([500, 900, 990], rel=0.02)
    assert flow(fought).lag.maximum < 0.001


def test_the_same_stall_with_little_room_drops_and_says_so():
    """None is due just when the stall ends: whether room is made before or after it is anybody's guess."""

    def stall(exchange, number):
        at = sent_at(exchange)
        return after(max(0.0, 5.999 - at) if at >= 4.999 else 0.0002)(exchange, number)

    fought = fight(stall, "500/s", 10, max_in_flight=50, objectives=["success_rate >= 99.9%"])
    assert outcomes(fought) == {"ok": 4_550, "dropped": 450}
    assert fought.judgement.verdict == "inconclusive"
    assert adds_up(fought)


def test_drops_happen_at_once_and_nothing_of_them_is_sent():
    fought = fight(after(0.95), "10/s", 2, max_in_flight=5)
    assert outcomes(fought) == {"ok": 10, "dropped": 10}
    assert times(fought) == [0.0, 0.1, 0.2, 0.3, 0.4, 1.0, 1.1, 1.2, 1.3, 1.4]


def test_room_is_made_by_an_end_not_by_time():
    fought = fight(lambda e, n: NEVER, "10/s", 10, max_in_flight=5, timeout="60s")
    assert outcomes(fought) == {"timeout": 5, "dropped": 95}


@pytest.mark.parametrize("status", [200, 400, 500])
def test_an_error_object_is_answered_whatever_the_status(status):
    fought = fight(lambda e, n: (0.01, error(e, status=status)))
    assert outcomes(fought) == {"rpc_error(-32000)": 100}
    assert latency(fought).count == 100


def test_everything_is_the_same_in_the_second_run():
    def script(exchange, number):
        return REFUSED if number % 7 == 0 else after(0.001 * (number % 50))(exchange, number)

    one, other = (fight(script, {"poisson": "50/s"}) for _ in range(2))
    assert latency(one) == latency(other)
    assert one.evidence.tally.series() == other.evidence.tally.series()
    assert times(one) == times(other)
