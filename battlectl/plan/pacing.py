"""When arrivals are due.

Rule: a due time is computed from k, never by adding intervals, so it cannot drift. The number of arrivals
expected by time t is N(t), the integral of the rate; arrival k (from 0) is due where N(t) = k, and there are
as many arrivals as k with a due time before the end. Poisson alone adds its seeded gaps.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from random import Random

from battlectl.scenario.rates import (
    BurstRate,
    ClosedUsers,
    ConstantRate,
    PoissonRate,
    RampRate,
    StepsRate,
)

OpenRate = ConstantRate | PoissonRate | RampRate | StepsRate | BurstRate


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch in which the rate is linear: times in seconds from the workload's start, rates per second."""

    start: Fraction
    end: Fraction
    first_rate: Fraction
    last_rate: Fraction

    @property
    def expected(self) -> Fraction:
        """The integral of the rate over the piece."""
        return (self.first_rate + self.last_rate) / 2 * (self.end - self.start)


@dataclass(frozen=True, slots=True)
class Curve:
    """A rate over time as pieces that follow one another without gaps."""

    pieces: tuple[Piece, ...]

    @property
    def expected(self) -> float:
        """N at the end: how many arrivals the curve stands for."""
        return float(sum(piece.expected for piece in self.pieces))

    @property
    def peak(self) -> float:
        """The highest rate, per second."""
        return float(max(max(piece.first_rate, piece.last_rate) for piece in self.pieces))

    def due_times(self, origin: float = 0.0) -> Iterator[float]:
        """Due times in order, in seconds on the clock on which the workload starts at `origin`."""
        before = Fraction(0)
        for piece in self.pieces:
            after = before + piece.expected
            numbers = range(math.ceil(before), math.ceil(after))
            yield from _due_in_piece(piece, exact(origin) + piece.start, before, numbers)
            before = after


@dataclass(frozen=True, slots=True)
class Poisson:
    """Independent arrivals at a mean rate: exponential gaps from the seed."""

    rate: float
    length: float
    seed: str

    @property
    def expected(self) -> float:
        """The mean number of arrivals."""
        return self.rate * self.length

    @property
    def peak(self) -> float:
        """The mean rate, per second."""
        return self.rate

    def due_times(self, origin: float = 0.0) -> Iterator[float]:
        """Due times in order, in seconds on the clock on which the workload starts at `origin`."""
        draw = Random(self.seed)
        due = draw.expovariate(self.rate)
        while due < self.length:
            yield origin + due
            due += draw.expovariate(self.rate)


@dataclass(frozen=True, slots=True)
class Users:
    """The closed model: no due times are known beforehand; latency counts from sending."""

    users: int
    think: float


Pacing = Curve | Poisson | Users


def build_pacing(rate: OpenRate | ClosedUsers, length: float, seed: str) -> Pacing:
    """The pacing of a workload that lasts `length` seconds."""
    if isinstance(rate, ClosedUsers):
        return Users(rate.users, rate.think)
    if isinstance(rate, PoissonRate):
        return Poisson(rate.poisson, length, seed)
    return Curve(tuple(_pieces(rate, exact(length))))


PER = (1, 60, 3600)
"""A second, a minute, an hour."""


def exact(number: float) -> Fraction:
    """The number that was written, not its neighbour: 0.1 is 1/10, and 7/min, kept as 0.116666666667, is
    7/60 (one arrival more in a minute would come of the difference)."""
    for unit in PER:
        written = Fraction(f"{number * unit:.9g}") / unit
        if float(f"{float(written):.12g}") == number:
            return written
    return Fraction(repr(float(number)))


def _pieces(rate: ConstantRate | RampRate | StepsRate | BurstRate, length: Fraction) -> Iterator[Piece]:
    if isinstance(rate, ConstantRate):
        yield Piece(Fraction(0), length, exact(rate.constant), exact(rate.constant))
    elif isinstance(rate, RampRate):
        yield Piece(Fraction(0), length, exact(rate.ramp[0]), exact(rate.ramp[1]))
    elif isinstance(rate, StepsRate):
        yield from _step_pieces(rate, length)
    else:
        yield from _burst_pieces(rate, length)


def _step_pieces(rate: StepsRate, length: Fraction) -> Iterator[Piece]:
    start = Fraction(0)
    for step in rate.steps:
        end = length if step.for_ is None else min(length, start + exact(step.for_))
        if end > start:
            yield Piece(start, end, exact(step.rate), exact(step.rate))
        start = end
    if start < length:
        yield Piece(start, length, Fraction(0), Fraction(0))


def _burst_pieces(rate: BurstRate, length: Fraction) -> Iterator[Piece]:
    burst = rate.burst
    base, peak = exact(burst.base), exact(burst.peak)
    begin = min(length, exact(burst.at))
    end = min(length, begin + exact(burst.for_))
    edges = (Fraction(0), begin, end, length)
    for (start, stop), level in zip(pairwise(edges), (base, peak, base), strict=True):
        if stop > start:
            yield Piece(start, stop, level, level)


def _due_in_piece(piece: Piece, start: Fraction, before: Fraction, numbers: range) -> Iterator[float]:
    if piece.first_rate == piece.last_rate:
        yield from _due_at_rate(piece.first_rate, start, before, numbers)
        return
    rate, skipped = float(piece.first_rate), float(before)
    slope = float((piece.last_rate - piece.first_rate) / (piece.end - piece.start))
    for k in numbers:
        # The root of rate*t + slope*t*t/2 = n in the form that does not cancel.
        n = k - skipped
        root = 2 * n / (rate + math.sqrt(max(0.0, rate * rate + 2 * slope * n))) if n else 0.0
        yield float(start) + root


def _due_at_rate(rate: Fraction, start: Fraction, before: Fraction, numbers: range) -> Iterator[float]:
    """start + (k - before) / rate, as quotients of integers: one division rounds rightly, so an arrival
    that is due at the edge of a window is due at the very number that the edge is."""
    if not numbers:
        return
    first, gap = start - before / rate, 1 / rate
    whole = math.lcm(first.denominator, gap.denominator)
    first_part, gap_part = int(first * whole), int(gap * whole)
    for k in numbers:
        yield (first_part + k * gap_part) / whole
