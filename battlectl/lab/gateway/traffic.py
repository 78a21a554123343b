"""What clients were served lately: counts by second, and the latencies of the newest answers.

Rule: bounded, whatever the load: WINDOW_SECONDS of seconds and the newest MOST_SAMPLES latencies. Times come
from outside. (The truth counts everything since the start; this is for /api/metrics.)
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

WINDOW_SECONDS = 60
MOST_SAMPLES = 1_000


@dataclass(slots=True)
class Traffic:
    """`seconds` holds (whole second, counts of what happened in it), the newest last."""

    seconds: deque[tuple[int, Counter[str]]] = field(default_factory=lambda: deque(maxlen=WINDOW_SECONDS + 1))
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_SAMPLES))

    def count(self, what: str, now: float) -> None:
        """One more of `what`."""
        second = int(now)
        if not self.seconds or self.seconds[-1][0] != second:
            self.seconds.append((second, Counter()))
        self.seconds[-1][1][what] += 1

    def lately(self, now: float) -> Counter[str]:
        """The counts of the last WINDOW_SECONDS."""
        counts: Counter[str] = Counter()
        for second, found in self.seconds:
            if now - second <= WINDOW_SECONDS:
                counts.update(found)
        return counts


def percentile(samples: Iterable[float], share: float) -> float | None:
    """By nearest rank; None of nothing."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None
