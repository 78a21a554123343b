"""Constant rates: the k-th arrival is due at start + k / rate, exactly, however long the run."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import islice, pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from battlectl.plan.pacing import Curve, Piece, build_pacing, exact
from battlectl.scenario.rates import ConstantRate
from tests.plan.plans import dues, plan_of, workload_of


@pytest.mark.parametrize(
    ("rate", "length", "count"),
    [
        ("300/s", "10s", 3_000),
        ("1500/s", "10s", 15_000),
        ("1500/s", "333ms", 500),
        ("7/s", "10s", 70),
        ("7/s", "1s", 7),
        ("7/s", "1001ms", 8),
        ("0.1/s", "10s", 1),
        ("0.1/s", "10001ms", 2),
        ("0.1/s", "1h", 360),
        ("0.3/s", "10s", 3),
        ("1.1/s", "30s", 33),
        ("30/min", "61s", 31),
        ("30/min", "59s", 30),
        ("7/min", "60s", 7),
        ("1/min", "60s", 1),
        ("59/min", "10m", 590),
        ("7/h", "1h", 7),
        ("100/h", "6h", 600),
    ],
)
def test_there_are_as_many_arrivals_as_rate_times_length_rounded_up(rate, length, count):
    assert len(dues(rate, length)) == count


@pytest.mark.parametrize("per_minute", range(1, 200))
def test_a_rate_per_minute_is_that_many_in_a_minute(per_minute):
    curve = workload_of(f"{per_minute}/min", phases={"steady": "60s"}).pacing
    assert sum(1 for _ in curve.due_times()) == per_minute


@pytest.mark.parametrize("rate", ["300", "1500", "7", "0.1", "1.1", "2.3", "33.3", "0.7"])
def test_arrival_k_is_due_at_k_over_rate_to_the_last_bit(rate):
    expected = [float(Fraction(k) / Fraction(rate)) for k in range(50)]
    assert dues(f"{rate}/s", "100s")[:50] == expected[: math.ceil(float(rate) * 100)]


def test_no_drift_after_ten_million_arrivals():
    rate = Fraction("3333.3")
    late = Curve((Piece(Fraction(0), Fraction(10**7), rate, rate),))
    for k, due in zip(range(3), skipped_to(late, 10**10), strict=False):
        assert due == float((10**10 + k) / rate)


def skipped_to(curve: Curve, k: int):
    """The due times from arrival k on, evaluated without those before: two curves that meet there."""
    (piece,) = curve.pieces
    cut = Fraction(k) / piece.first_rate
    before = Piece(piece.start, cut, Fraction(0), Fraction(0))
    return Curve((before, Piece(cut, piece.end, piece.first_rate, piece.last_rate))).due_times()


def test_a_late_workload_is_due_from_the_start_of_its_phase_on():
    phases = {"warmup": "100ms", "battle": "700ms", "recovery": "1s"}
    workload = only_in("recovery", "10/s", phases)
    assert [arrival.due for arrival in workload.arrivals()] == [(8 + k) / 10 for k in range(10)]


def test_a_phase_whose_edges_are_no_binary_numbers_gets_no_extra_arrival():
    # 0.8 - 0.1 is 0.7000000000000001 in binary, and 7.000000000000001 arrivals would be 8.
    workload = only_in("battle", "10/s", {"warmup": "100ms", "battle": "700ms"})
    assert [arrival.due for arrival in workload.arrivals()] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]


def only_in(phase: str, rate: str, phases: dict[str, str]):
    load = {"reads": {"rate": rate, "calls": ["eth_blockNumber"], "phases": [phase]}}
    return plan_of(phases=phases, load=load).workloads[0]


decimals = st.integers(1, 10**6).map(lambda n: n / 1000)
milliseconds = st.integers(1, 5_000).map(lambda n: n / 1000)


@settings(deadline=None)
@given(rate=decimals, length=milliseconds)
@example(rate=0.1, length=0.001)
def test_counts_are_the_ceiling_of_the_integral_and_all_due_inside(rate, length):
    curve = build_pacing(ConstantRate.model_construct(constant=rate), length, "seed")
    expected = math.ceil(Fraction(str(rate)) * Fraction(str(length)))
    times = list(islice(curve.due_times(), 1_000))
    assert len(times) == min(expected, 1_000)
    assert times[0] == 0.0
    assert all(a < b for a, b in pairwise(times))
    assert times[-1] < length


@settings(deadline=None)
@given(st.integers(1, 10**6), st.sampled_from([1, 60, 3600]))
def test_a_written_quantity_is_read_back_as_the_fraction_that_was_meant(number, unit):
    assert exact(float(f"{number / unit:.12g}")) == Fraction(number, unit)


@settings(deadline=None)
@given(st.floats(1e-9, 1e12))
def test_reading_a_quantity_never_moves_it_by_more_than_its_twelfth_digit(number):
    assert abs(exact(number) - Fraction(number)) <= Fraction(number) * Fraction(1, 10**11)
