"""The shapes that latencies take, in seconds, at a fixed seed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from random import Random

from battlectl.observe.sketch import Sketch


def lognormal(count: int = 50_000) -> list[float]:
    """A healthy service: median 5 ms, a long tail."""
    draw = Random("lognormal")
    return [draw.lognormvariate(math.log(0.005), 0.8) for _ in range(count)]


def two_valued(count: int = 50_000) -> list[float]:
    """99 % at 0.2 ms, 1 % at 250 ms: what a failover costs the few."""
    return [0.250] * (count // 100) + [0.0002] * (count - count // 100)


def clustered() -> list[float]:
    """96 fast values on a millisecond grid, and 6 slow ones."""
    return [0.001 * (1 + k % 8) for k in range(96)] + [0.5 + 0.1 * k for k in range(6)]


def pareto(count: int = 50_000) -> list[float]:
    """A tail so heavy that the mean hardly exists."""
    draw = Random("pareto")
    return [0.001 * draw.paretovariate(1.1) for _ in range(count)]


SHAPES = {"lognormal": lognormal, "two_valued": two_valued, "clustered": clustered, "pareto": pareto}


def sketch_of(values: Iterable[float]) -> Sketch:
    """A sketch that recorded these."""
    sketch = Sketch()
    for value in values:
        sketch.record(value)
    return sketch


def nearest_rank(values: Iterable[float], percent: str) -> float:
    """The exact quantile by its definition: the smallest value with at least that share at or below it."""
    from fractions import Fraction

    ordered = sorted(values)
    return ordered[max(math.ceil(Fraction(percent) / 100 * len(ordered)), 1) - 1]
