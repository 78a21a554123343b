"""What counts, exactly: each rule with a history in which the flattering reading would give another value."""

from __future__ import annotations

import pytest

from tests.analyse.histories import judged

HALF_REFUSED = "50*refused/0.1@6 50*ok/400@7"


@pytest.mark.parametrize(
    ("objective", "reads", "value"),
    [
        ("success_rate >= 0.5", "8*ok@6 2*rpc_error(3)@7", 0.8),
        ("success_rate >= 0.5", "8*ok@6 2*dropped@7", 0.8),
        ("success_rate >= 0.5", "8*ok@6 2*abandoned@7", 0.8),
        ("success_rate >= 0.5", "8*ok@6 2*timeout/5000@7", 0.8),
        ("success_rate >= 0.5", "8*ok@6 refused@6 wrong@7", 0.8),
        ("failures <= 9", "8*ok@6 dropped@7 abandoned@7 timeout@8 http_error(502)@9", 4),
        ("total >= 1", "8*ok@6 dropped@7 abandoned@7", 10),
        ("throughput >= 1/s", "40*ok@6 40*rpc_error(3)@7", 2.0),
        ("outcomes.rpc_error == 0", "ok@6 2*rpc_error(3)@7 rpc_error(-32000)@8", 3),
        ("outcomes.dropped == 0", "ok@6 2*dropped@7", 2),
        ("outcomes.http_error == 0", "8*ok@6", 0),
    ],
)
def test_counts(objective, reads, value):
    assert judged(objective, reads).measured == pytest.approx(value)


@pytest.mark.parametrize(
    ("objective", "reads", "milliseconds"),
    [
        ("latency.p50 < 1s", HALF_REFUSED, 400),
        ("ok_latency.p50 < 1s", HALF_REFUSED, 400),
        ("latency.min < 1s", HALF_REFUSED, 400),
        ("latency.p50 < 1s", "50*rpc_error(3)/2@6 50*ok/400@7", 2),
        ("ok_latency.p50 < 1s", "50*rpc_error(3)/2@6 50*ok/400@7", 400),
        ("latency.p95 < 1s", "90*ok/10@6 10*timeout/5000@7", 5_000),
        ("ok_latency.p95 < 1s", "90*ok/10@6 10*timeout/5000@7", 10),
        ("latency.max < 1s", "ok/10@6 timeout/5000@7 dropped/9000@8 reset/8000@8", 5_000),
        ("latency.mean < 1s", "ok/10@6 ok/20@7 timeout/60@7", 30),
        ("latency.min < 1s", "ok/10@6 ok/20@7", 10),
        ("latency.p50 < 1s", "50*closed/1@6 50*tls/1@6 50*unresolved/1@6 2*ok/70@7", 70),
        ("latency.p50 < 1s", "2*too_large/30@6 2*malformed/30@6 2*wrong/30@6 2*http_error(500)/30@6", 30),
    ],
)
def test_the_population_of_percentiles_is_answered_and_timed_out_arrivals(objective, reads, milliseconds):
    assert judged(objective, reads).measured == pytest.approx(milliseconds / 1e3, rel=0.005)


def test_latency_is_the_sum_of_its_parts():
    parts = {
        metric: judged(f"{metric}.max < 1s", "2*ok/400@6", lag=0.1).measured
        for metric in ("latency", "lag", "backlog", "service")
    }
    assert parts["latency"] == pytest.approx(sum(parts.values()) - parts["latency"], rel=1e-6)
    assert (parts["lag"], parts["service"]) == pytest.approx((0.1, 0.3), rel=1e-6)


@pytest.mark.parametrize(
    ("objective", "samples"),
    [
        ("success_rate >= 0.5", 6),
        ("success_rate(reads) >= 0.5", 4),
        ("success_rate(writes) >= 0.5", 2),
        ("success_rate(reads/b) >= 0.5", 1),
        ("success_rate(reads/a) >= 0.5 in battle", 1),
        ("success_rate >= 0.5 in warmup", 1),
        ("success_rate >= 0.5 in steady", 3),
        ("success_rate >= 0.5 in battle", 3),
        ("lag.max < 1s", 6),
        ("lag(writes).max < 1s", 2),
    ],
)
def test_scope_and_window_say_which_arrivals_are_meant(objective, samples):
    """Due at 2 s is warm-up, at 5 s exactly steady, at 15 s exactly battle."""
    found = judged(objective, "ok@2 2*ok@5 b:ok@15 a:ok@24.9", writes="ok@14.9 ok@15")
    assert found.samples == samples


def test_the_whole_run_leaves_the_warm_up_out():
    assert judged("success_rate >= 0.5", "100*refused@2 2*ok@6").measured == 1.0


def test_throughput_is_over_the_seconds_that_were_run():
    found = judged("throughput >= 1/s", "40*ok@6", how="interrupted", ended_at=15.0)
    assert found.measured == pytest.approx(4.0)
