"""Ramps, steps and bursts: arrival k is due where the integral of the rate is k."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battlectl.plan.pacing import build_pacing
from battlectl.scenario.rates import Burst, BurstRate, RampRate, RateStep, StepsRate
from tests.plan.plans import dues

BURST = {"burst": {"base": "10/s", "peak": "100/s", "at": "2s", "for": "3s"}}
STEPS = {"steps": [{"rate": "10/s", "for": "2s"}, {"rate": "0/s", "for": "1s"}, {"rate": "40/s"}]}


@pytest.mark.parametrize(
    ("ramp", "length", "count"),
    [(["0/s", "100/s"], 10, 500), (["100/s", "0/s"], 10, 500), (["50/s", "500/s"], 10, 2_750)],
)
def test_a_ramp_has_the_arrivals_of_its_mean_rate(ramp, length, count):
    assert len(dues({"ramp": ramp}, f"{length}s")) == count


def test_a_ramp_from_zero_is_due_at_square_roots():
    # N(t) = 5 t^2, so arrival k is due at sqrt(k / 5).
    times = dues({"ramp": ["0/s", "100/s"]})
    assert times == pytest.approx([math.sqrt(k / 5) for k in range(500)], rel=1e-12)


def test_a_falling_ramp_is_the_rising_one_seen_backwards():
    # N(t) = 100 t - 5 t^2 = k.
    times = dues({"ramp": ["100/s", "0/s"]})
    assert times == pytest.approx([10 - math.sqrt(100 - k / 5) for k in range(500)], rel=1e-9)


def test_a_ramp_between_equal_rates_is_that_rate():
    assert dues({"ramp": ["30/s", "30/s"]}) == dues("30/s")


def test_steps_follow_one_another_and_the_last_holds_to_the_end():
    times = dues(STEPS)
    assert times[:20] == [k / 10 for k in range(20)]
    assert times[20:] == pytest.approx([3 + k / 40 for k in range(280)], abs=1e-12)


def test_after_the_last_bounded_step_nothing_is_due():
    assert dues({"steps": [{"rate": "10/s", "for": "2s"}]}) == [k / 10 for k in range(20)]


def test_a_step_longer_than_the_run_is_cut_at_its_end():
    assert dues({"steps": [{"rate": "10/s", "for": "1h"}, {"rate": "999/s"}]}) == dues("10/s")


def test_a_burst_is_base_peak_base():
    times = dues(BURST)
    assert len(times) == 20 + 300 + 50
    assert times[20:320] == pytest.approx([2 + k / 100 for k in range(300)], abs=1e-12)
    assert [times[0], times[19], times[320]] == pytest.approx([0.0, 1.9, 5.0])


def test_an_odd_step_does_not_lose_the_part_of_an_arrival_it_was_owed():
    # 1.5 arrivals in the first second: the third is owed half, so it comes half a gap into the second.
    times = dues({"steps": [{"rate": "1.5/s", "for": "1s"}, {"rate": "1/s"}]}, "3s")
    assert times == pytest.approx([0.0, 2 / 3, 1.5, 2.5])


rates = st.integers(0, 5_000).map(lambda n: n / 10)
peaks = st.integers(1, 5_000).map(lambda n: n / 10)
spans = st.integers(1, 1_000).map(lambda n: n / 1000)
steps = st.builds(lambda r, f: RateStep.model_construct(rate=r, for_=f), rates, spans)
shapes = st.one_of(
    st.builds(lambda a, b: RampRate.model_construct(ramp=(a, b)), rates, rates),
    st.builds(lambda s: StepsRate.model_construct(steps=tuple(s)), st.lists(steps, min_size=1, max_size=5)),
    st.builds(
        lambda base, peak, at, for_: BurstRate.model_construct(
            burst=Burst.model_construct(base=base, peak=peak, at=at, for_=for_)
        ),
        rates,
        peaks,
        spans,
        spans,
    ),
)


@settings(max_examples=60, deadline=None)
@given(shapes, spans)
def test_of_any_shape_the_count_is_the_ceiling_of_the_integral(rate, length):
    curve = build_pacing(rate, length, "seed")
    times = list(curve.due_times())
    assert len(times) == math.ceil(sum(piece.expected for piece in curve.pieces))
    assert all(a <= b for a, b in pairwise(times))
    assert all(0 <= due <= length for due in times)


@settings(max_examples=60, deadline=None)
@given(shapes, spans)
def test_of_any_shape_arrival_k_is_due_where_the_integral_is_k(rate, length):
    curve = build_pacing(rate, length, "seed")
    for k, due in enumerate(curve.due_times()):
        assert integral(curve, due) == pytest.approx(k, abs=1e-6)


def integral(curve, t: float) -> float:
    """N(t), piece by piece."""
    total = Fraction(0)
    for piece in curve.pieces:
        inside = min(max(Fraction(t) - piece.start, Fraction(0)), piece.end - piece.start)
        slope = (piece.last_rate - piece.first_rate) / (piece.end - piece.start)
        total += piece.first_rate * inside + slope * inside**2 / 2
    return float(total)
