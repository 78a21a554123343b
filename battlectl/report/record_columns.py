"""Long rows of numbers as columns of JSON that take little room and come back bit by bit.

Rule: what is read is what was written. A time is stored as whole microseconds where that is exactly what it
is, else as it is; names are stored once and pointed at.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any, TypeVar

MICROSECONDS = 1e6

T = TypeVar("T", bound=Hashable)


def steps_of(numbers: Sequence[int]) -> list[int]:
    """The first number, then each one's distance from the one before."""
    return [*numbers[:1], *(after - before for before, after in pairwise(numbers))]


def from_steps(steps: Iterable[int]) -> list[int]:
    """The numbers that `steps_of` was given."""
    return list(accumulate(steps))


def seconds_json(times: Sequence[float]) -> dict[str, list[Any]]:
    """A column of times in seconds."""
    whole = [round(t * MICROSECONDS) for t in times]
    if all(n / MICROSECONDS == t for n, t in zip(whole, times, strict=True)):
        return {"us": steps_of(whole)}
    return {"s": list(times)}


def read_seconds(stored: Mapping[str, Sequence[Any]]) -> list[float]:
    """The times that `seconds_json` was given."""
    if "us" in stored:
        return [n / MICROSECONDS for n in from_steps(stored["us"])]
    return [float(t) for t in stored["s"]]


def names_json(values: Sequence[T]) -> tuple[list[T], list[int]]:
    """(each value once in order of appearance, where in it each of the column is)."""
    numbers: dict[T, int] = {}
    column = [numbers.setdefault(value, len(numbers)) for value in values]
    return list(numbers), column
