"""When phases begin and end.

Rule: every edge is rounded to twelve digits at one place, here, so that two ways to the same moment give the
same number.
"""

from __future__ import annotations

from collections.abc import Mapping

WARMUP = "warmup"

Edges = tuple[float, float]
"""(from, to) in seconds from the start of the run."""


def clean(seconds: float) -> float:
    """The moment that is meant: 0.1 + 0.2 is 0.3."""
    return float(f"{seconds:.12g}")


def phase_edges(lengths: Mapping[str, float]) -> dict[str, Edges]:
    """The edges of each phase, one after another."""
    edges: dict[str, Edges] = {}
    begin = 0.0
    for name, length in lengths.items():
        edges[name] = (begin, clean(begin + length))
        begin = edges[name][1]
    return edges


def run_edges(phases: Mapping[str, Edges]) -> Edges:
    """The edges of the window `run`: everything after a warm-up."""
    names = list(phases)
    first = names[1] if names[0] == WARMUP and len(names) > 1 else names[0]
    return phases[first][0], phases[names[-1]][1]
