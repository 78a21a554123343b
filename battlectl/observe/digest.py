"""The compact centroid digest exported beside the sketches, for tools that speak t-digests.

Rule: verdicts never come from here. The digest interpolates between centroids, so on samples with an empty
middle (99 % fast, 1 % at the timeout) its quantiles are far off: tests/observe/test_digest.py shows how far.
"""

from __future__ import annotations

import random
from typing import Any

from battlectl.observe.sketch import Sketch

MOST_BINS = 2_000


def centroids(sketch: Sketch) -> list[tuple[float, float]]:
    """(mean in milliseconds, weight) of each centroid, ascending; empty without samples."""
    from tdigest import TDigest

    before = random.getstate()
    random.seed(
        sketch.count
    )  # The library draws from the global state: the same sketch gives the same digest.
    try:
        return _build(TDigest(), sketch)
    finally:
        random.setstate(before)


def _build(digest: Any, sketch: Sketch) -> list[tuple[float, float]]:
    for seconds, number in (sketch if len(sketch.bins) <= MOST_BINS else sketch.coarser(3)).weighted_values():
        digest.update(seconds * 1e3, number)
    digest.compress()
    return sorted((float(c["m"]), float(c["c"])) for c in digest.centroids_to_list())
