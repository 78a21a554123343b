"""The sketch of record: within 0.5 % of exact, bounded, and the same bits in whatever order it is merged."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battlectl.observe.sketch import Sketch, merged
from tests.observe.samples import SHAPES, lognormal, nearest_rank, pareto, sketch_of, two_valued

PERCENTS = ("50", "75", "90", "95", "99", "99.9", "99.99")
durations = st.lists(st.floats(0, 1e5, allow_nan=False), max_size=60)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("percent", PERCENTS)
def test_quantiles_are_within_half_a_per_cent_of_the_nearest_rank(shape, percent):
    values = SHAPES[shape]()
    found = sketch_of(values).quantile(float(percent) / 100)
    assert found == pytest.approx(nearest_rank(values, percent), rel=0.005)


def test_the_middle_of_a_bin_is_off_by_a_fifth_of_a_per_cent_at_most():
    for value in (1e-6, 3.3e-5, 0.000511, 0.001, 0.0123, 0.75, 1.999, 59.9, 7_000.0):
        found = sketch_of([0.0, value, 9_999.0]).quantile(0.5)
        assert found == pytest.approx(value, rel=0.002)


@given(durations.filter(bool), st.sampled_from(PERCENTS))
@settings(deadline=None)
def test_of_any_sample_a_quantile_is_near_the_exact_one(values, percent):
    found = sketch_of(values).quantile(float(percent) / 100)
    assert found == pytest.approx(nearest_rank(values, percent), rel=0.005, abs=2e-9)


@given(durations.filter(bool), st.floats(0, 1))
@settings(deadline=None)
def test_no_quantile_lies_outside_minimum_and_maximum(values, q):
    sketch = sketch_of(values)
    assert sketch.minimum <= sketch.quantile(q) <= sketch.maximum


@given(durations.filter(bool))
@settings(deadline=None)
def test_quantiles_do_not_fall(values):
    sketch = sketch_of(values)
    found = [sketch.quantile(float(p) / 100) for p in PERCENTS]
    assert found == sorted(found)


def test_count_sum_minimum_and_maximum_are_exact():
    sketch = sketch_of([0.25, 0.001, 3.5, 0.001])
    assert (sketch.count, sketch.sum_ns, sketch.min_ns, sketch.max_ns) == (
        4,
        3_752_000_000,
        1_000_000,
        3_500_000_000,
    )
    assert sketch.mean == pytest.approx(0.938)


def test_without_samples_there_is_no_value_rather_than_zero():
    empty = Sketch()
    assert [empty.quantile(0.5), empty.mean, empty.minimum, empty.maximum] == [None] * 4
    assert list(empty.weighted_values()) == []
    assert empty.quantile(0.5, zeros=10) is None


def test_a_single_sample_is_every_quantile():
    sketch = sketch_of([0.123456789])
    assert {sketch.quantile(float(p) / 100) for p in PERCENTS} == {sketch.maximum}


def test_a_negative_duration_counts_as_zero():
    sketch = sketch_of([-1.0])
    assert (sketch.count, sketch.minimum, sketch.maximum) == (1, 0.0, 0.0)


@pytest.mark.parametrize(
    ("zeros", "percent", "expected"),
    [(0, "50", 0.020), (50, "50", 0.0), (49, "50", 0.020), (50, "51", 0.020), (10_000, "99", 0.0)],
)
def test_zeros_count_as_samples_below_all_others(zeros, percent, expected):
    assert sketch_of([0.020] * 50).quantile(float(percent) / 100, zeros) == pytest.approx(expected, rel=0.005)


@given(durations, st.lists(st.integers(0, 4), max_size=60), st.permutations(range(5)))
@settings(deadline=None)
def test_any_split_merged_in_any_order_gives_the_same_bits(values, shares, order):
    shards = [Sketch() for _ in range(5)]
    for i, value in enumerate(values):
        shards[shares[i % len(shares)] if shares else 0].record(value)
    together = merged(shards[i] for i in order)
    assert together.to_json() == sketch_of(values).to_json()


def test_merging_leaves_the_other_as_it_was():
    one, other = sketch_of([1.0]), sketch_of([2.0])
    before = other.to_json()
    one.merge(other)
    one.record(3.0)
    assert other.to_json() == before


@given(durations)
@settings(deadline=None)
def test_json_brings_the_same_sketch_back(values):
    sketch = sketch_of(values)
    back = Sketch.from_json(json.loads(json.dumps(sketch.to_json())))
    assert back == sketch
    assert (back.bins, back.quantile(0.5)) == (sketch.bins, sketch.quantile(0.5))


def test_a_stored_sketch_that_was_tampered_with_is_refused():
    with pytest.raises(ValueError, match="fewer or more"):
        Sketch.from_json(sketch_of([1.0, 2.0]).to_json() | {"count": 3})


@pytest.mark.parametrize("bits", [1, 2, 4, 6, 8])
def test_a_coarser_sketch_keeps_the_totals_and_stays_near(bits):
    fine = sketch_of(lognormal(5_000))
    coarse = fine.coarser(bits)
    totals = (coarse.count, coarse.sum_ns, coarse.min_ns, coarse.max_ns, sum(coarse.bins.values()))
    assert totals == (fine.count, fine.sum_ns, fine.min_ns, fine.max_ns, fine.count)
    assert coarse.quantile(0.95) == pytest.approx(fine.quantile(0.95), rel=2**bits / 256)
    assert len(coarse.bins) <= len(fine.bins) / 2 ** (bits - 1) + 40


def test_memory_is_bounded_by_the_bins_not_by_the_samples():
    assert len(sketch_of(two_valued()).bins) == 2
    wide = sketch_of(1e-9 * 1.001**k for k in range(32_000))
    assert wide.maximum > 50_000
    octaves = math.log2(wide.max_ns) + 1
    assert len(wide.bins) <= 256 * octaves
    assert len(sketch_of(pareto()).bins) < 3_000
    assert len(json.dumps(sketch_of(pareto()).to_json())) < 8_000
