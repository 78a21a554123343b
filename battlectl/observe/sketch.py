"""The sketch of record: a log-linear histogram of durations, after HdrHistogram's scheme.

Rule: verdicts are taken from this and it is what is stored, merged and judged again. Values are whole
nanoseconds; those below 512 ns have a bin each, above that each power of two has 256 bins, so a bin is at
most 1/256 of its value wide and its middle is off by 0.2 % at most. Count, sum, minimum and maximum are
exact integers, hence merging in any order gives the same bits.
"""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

MANTISSA_BITS = 8
BINS_PER_OCTAVE = 1 << MANTISSA_BITS
NANOSECOND = 1e-9


class Sketch:
    """Durations, streaming: memory is bounded by the bins in use, some thousands at most.

    Mutable because it is the accumulator of the hot path; everything read from it is a plain value.
    """

    __slots__ = ("bins", "count", "max_ns", "min_ns", "sum_ns")

    def __init__(self) -> None:
        self.bins: dict[int, int] = {}
        self.count = 0
        self.sum_ns = 0
        self.min_ns = 0
        self.max_ns = 0

    def record(self, seconds: float) -> None:
        """Count one duration; a negative one counts as zero."""
        value = int(seconds * 1e9 + 0.5)
        if value < 0:
            value = 0
        shift = value.bit_length() - 9
        index = (shift << 8) + (value >> shift) if shift > 0 else value
        bins = self.bins
        bins[index] = bins.get(index, 0) + 1
        if self.count:
            if value > self.max_ns:
                self.max_ns = value
            elif value < self.min_ns:
                self.min_ns = value
        else:
            self.min_ns = self.max_ns = value
        self.count += 1
        self.sum_ns += value

    def merge(self, other: Sketch) -> None:
        """Add all of another sketch."""
        if not other.count:
            return
        if self.bins:
            for index, number in other.bins.items():
                self.bins[index] = self.bins.get(index, 0) + number
        else:
            self.bins = other.bins.copy()
        self.min_ns = min(self.min_ns, other.min_ns) if self.count else other.min_ns
        self.max_ns = max(self.max_ns, other.max_ns)
        self.count += other.count
        self.sum_ns += other.sum_ns

    def quantile(self, q: float, zeros: int = 0) -> float | None:
        """The nearest-rank quantile in seconds, None without samples; never outside minimum and maximum.

        `zeros` adds that many samples below all others (how the most favourable reading counts what was
        not measured).
        """
        if not self.count:
            return None
        rank = math.ceil(round(q * (self.count + zeros), 6)) - zeros
        if zeros and rank <= 0:
            return 0.0
        if rank <= 1:
            return self.min_ns * NANOSECOND
        if rank >= self.count:
            return self.max_ns * NANOSECOND
        seen = 0
        for index in sorted(self.bins):
            seen += self.bins[index]
            if seen >= rank:
                return min(max(_middle(index), self.min_ns), self.max_ns) * NANOSECOND
        raise AssertionError("the bins hold fewer values than the count says")

    @property
    def mean(self) -> float | None:
        """The exact mean in seconds, None without samples."""
        return self.sum_ns / self.count * NANOSECOND if self.count else None

    @property
    def minimum(self) -> float | None:
        """The exact minimum in seconds, None without samples."""
        return self.min_ns * NANOSECOND if self.count else None

    @property
    def maximum(self) -> float | None:
        """The exact maximum in seconds, None without samples."""
        return self.max_ns * NANOSECOND if self.count else None

    def weighted_values(self) -> Iterator[tuple[float, int]]:
        """(value in seconds, how many) of each bin in use, ascending."""
        for index in sorted(self.bins):
            yield min(max(_middle(index), self.min_ns), self.max_ns) * NANOSECOND, self.bins[index]

    def coarser(self, bits: int) -> Sketch:
        """The same with `bits` fewer bits of mantissa: wider bins, fewer of them, same scheme and totals."""
        result = Sketch()
        low = (1 << bits) - 1
        for index, number in self.bins.items():
            kept = index if index < 2 * BINS_PER_OCTAVE else (index & ~low) | (1 << (bits - 1))
            result.bins[kept] = result.bins.get(kept, 0) + number
        result.count, result.sum_ns = self.count, self.sum_ns
        result.min_ns, result.max_ns = self.min_ns, self.max_ns
        return result

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sketch) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]

    def to_json(self) -> dict[str, Any]:
        """The whole sketch; `bins` is base64 of zlib of varints: index steps and counts in turn."""
        if not self.count:
            return {"count": 0}
        packed = zlib.compress(_varints(_steps_and_counts(self.bins)), 6)
        return {
            "count": self.count,
            "sum_ns": self.sum_ns,
            "min_ns": self.min_ns,
            "max_ns": self.max_ns,
            "bins": base64.b64encode(packed).decode(),
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Sketch:
        """The sketch that `to_json` wrote; raises `ValueError` when count and bins disagree."""
        result = cls()
        if not stored["count"]:
            return result
        numbers = _unvarints(zlib.decompress(base64.b64decode(stored["bins"])))
        index = 0
        for step, number in zip(numbers[::2], numbers[1::2], strict=True):
            index += step
            result.bins[index] = number
        result.count, result.sum_ns = stored["count"], stored["sum_ns"]
        result.min_ns, result.max_ns = stored["min_ns"], stored["max_ns"]
        if sum(result.bins.values()) != result.count:
            raise ValueError("a stored sketch holds fewer or more values than its count says")
        return result


def merged(sketches: Iterable[Sketch]) -> Sketch:
    """One sketch of all of them."""
    result = Sketch()
    for sketch in sketches:
        result.merge(sketch)
    return result


def _middle(index: int) -> int:
    """The middle of a bin in nanoseconds."""
    if index < 2 * BINS_PER_OCTAVE:
        return index
    shift = (index >> MANTISSA_BITS) - 1
    low = ((index & (BINS_PER_OCTAVE - 1)) + BINS_PER_OCTAVE) << shift
    return low + ((1 << shift) - 1) // 2


def _steps_and_counts(bins: dict[int, int]) -> Iterator[int]:
    before = 0
    for index, number in sorted(bins.items()):
        yield index - before
        yield number
        before = index


def _varints(numbers: Iterable[int]) -> bytes:
    data = bytearray()
    append = data.append
    for number in numbers:
        while number > 127:
            append(number & 127 | 128)
            number >>= 7
        append(number)
    return bytes(data)


def _unvarints(data: bytes) -> list[int]:
    numbers, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(value)
            value = shift = 0
    return numbers
