"""Shares that were counted second by second, and what can be said of the share behind them.

Rule: requests are no coins: those of one connection or one burst may go the same way together, and a
rotation is more even than chance. So two tests must agree before anything is said: one by how the share
differed between the parts of the time (batch means and Student's t, at most `BATCHES` parts), and one by what
chance alone does (the exact binomial). Where connections stay with a provider (`stickiness`), what goes the
same way together is one choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor, inf, sqrt
from typing import NamedTuple

BATCHES = 20
"""More of them tell little more, and fewer seconds in each are less alike."""

SAME_ANYWAY = 0.98
"""Where nearly all goes to one provider, nothing tells whether connections stay there or everybody goes."""


class Part(NamedTuple):
    """What one second had: `hits` of `total` went to whom the share is of."""

    hits: int
    total: int


Sample = Sequence[Part]


def share_of(sample: Sample) -> float | None:
    """Of all of it; None of nothing."""
    total = sum(part.total for part in sample)
    return sum(part.hits for part in sample) / total if total else None


def stickiness(requests: Mapping[str, int], firsts: int, paired: int, same: int) -> float:
    """How many requests are one choice of a provider; infinite where connections are not told apart.

    `requests` are by provider; of those that were not the first on their connection (`paired`) the same
    provider served the one before `same` times. By chance that is as often as the shares make it.
    """
    total = sum(requests.values())
    if not firsts or not total:
        return inf
    most = total / firsts
    by_chance = sum((count / total) ** 2 for count in requests.values())
    if not paired or by_chance > SAME_ANYWAY:
        return most
    stays = max(0.0, (same / paired - by_chance) / (1 - by_chance))
    return min(most, (1 + stays) / (1 - stays)) if stays < 1 else most


def is_below(sample: Sample, limit: float, odds: float, choice: float = 1.0) -> bool:
    """Whether the share behind it is less than the limit; wrong no more often than `odds`.

    So many requests are one `choice` of a provider.
    """
    from scipy.special import bdtr, stdtrit

    parts = _batches([part for part in sample if part.total])
    hits, total = sum(part.hits for part in parts), sum(part.total for part in parts)
    missing = limit * total - hits
    if len(parts) < 2 or missing <= 0 or bdtr(ceil(hits / choice), floor(total / choice), limit) >= odds:
        return False
    spread = _spread(parts, hits / total)
    return spread == 0 or bool(missing / spread > stdtrit(len(parts) - 1, 1 - odds))


def is_above(sample: Sample, limit: float, odds: float, choice: float = 1.0) -> bool:
    """Whether the share behind it is more than the limit; otherwise as `is_below`."""
    return is_below([Part(part.total - part.hits, part.total) for part in sample], 1 - limit, odds, choice)


def _batches(parts: Sample) -> Sample:
    """Neighbours together, in order."""
    size = -(-len(parts) // BATCHES)
    groups = (parts[first : first + size] for first in range(0, len(parts), size or 1))
    return [Part(sum(p.hits for p in group), sum(p.total for p in group)) for group in groups]


def _spread(parts: Sample, share: float) -> float:
    """The standard deviation of the sum of all hits, from how the seconds differ."""
    squares = sum((part.hits - share * part.total) ** 2 for part in parts)
    return sqrt(squares * len(parts) / (len(parts) - 1))
