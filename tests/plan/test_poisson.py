"""Poisson arrivals: exponential gaps at the mean rate, from the seed and nothing else."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from battlectl.plan.pacing import Poisson


def times_of(rate: float = 200.0, length: float = 100.0, seed: str = "7/reads/pacing") -> list[float]:
    return list(Poisson(rate, length, seed).due_times())


@pytest.mark.parametrize("seed", ["1", "2", "3", "4", "5"])
def test_gaps_are_exponential(seed):
    """Kolmogorov and Smirnov: the largest distance between both distributions, at 99.9 % confidence."""
    times = times_of(seed=seed)
    gaps = sorted(b - a for a, b in pairwise(times))
    n = len(gaps)
    truth = [1 - math.exp(-200.0 * gap) for gap in gaps]
    distance = max(max(f - i / n, (i + 1) / n - f) for i, f in enumerate(truth))
    assert distance < 1.95 / math.sqrt(n)


@pytest.mark.parametrize("seed", ["1", "2", "3", "4", "5"])
def test_the_count_is_within_four_standard_deviations(seed):
    assert abs(len(times_of(seed=seed)) - 20_000) < 4 * math.sqrt(20_000)


def test_counts_of_single_seconds_vary_as_their_mean():
    """A constant rate would have no variance at all, a Poisson one has as much as its mean."""
    counts = [0] * 100
    for due in times_of():
        counts[int(due)] += 1
    mean = sum(counts) / 100
    variance = sum((c - mean) ** 2 for c in counts) / 99
    assert 0.6 < variance / mean < 1.5


def test_due_times_rise_and_lie_inside():
    times = times_of()
    assert all(a < b for a, b in pairwise(times))
    assert times[0] >= 0
    assert times[-1] < 100.0


def test_the_seed_decides():
    assert times_of() == times_of()
    assert times_of() != times_of(seed="8/reads/pacing")


def test_a_longer_run_begins_like_a_shorter_one():
    short = times_of(length=10.0)
    assert times_of(length=100.0)[: len(short)] == short


def test_the_origin_is_added_to_each():
    assert list(Poisson(5.0, 10.0, "s").due_times(2.0)) == [
        2.0 + t for t in times_of(rate=5.0, length=10.0, seed="s")
    ]
