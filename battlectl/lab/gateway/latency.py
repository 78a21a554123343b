"""How fast a provider answers a method: an average that forgets.

Rule: each new sample counts SHARE, the past the rest. A figure that nothing has renewed for STALE_SECONDS is
not known any more, so that a provider that was slow once is asked again some day.
"""

from __future__ import annotations

from typing import NamedTuple

SHARE = 0.2
STALE_SECONDS = 30.0
MOST_METHODS = 200  # clients choose the names of methods, so there must be a bound


class Score(NamedTuple):
    """An average in seconds, and when its last sample came."""

    seconds: float
    at: float


def renew(scores: dict[str, Score], method: str, seconds: float, now: float) -> None:
    """Take one more sample into account."""
    old = known(scores, method, now)
    if old is None and len(scores) >= MOST_METHODS and method not in scores:
        return
    scores[method] = Score(seconds if old is None else old + SHARE * (seconds - old), now)


def known(scores: dict[str, Score], method: str, now: float) -> float | None:
    """The average in seconds, or None when there is none that is fresh."""
    score = scores.get(method)
    return score.seconds if score is not None and now - score.at <= STALE_SECONDS else None
