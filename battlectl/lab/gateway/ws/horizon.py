"""How far the chain can have come, by what most providers show.

Rule: a head is beyond the horizon when it is more than LEAD above what most of the moving providers have
reached, time passed since then included: one provider alone cannot lead clients into a future that the
others do not know. A provider whose head has stood still while the others moved has no say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

LEAD = 4
SHORTEST_BLOCK_TIME = 0.02


@dataclass(slots=True)
class Horizon:
    """Mutable: the newest heads by provider, when each last changed, and when they were looked at."""

    heads: dict[str, int] = field(default_factory=dict)
    moved: dict[str, float] = field(default_factory=dict)
    seen: float = float("-inf")

    def saw(self, heads: Mapping[str, int], now: float) -> None:
        """What all who answered say now; who did not answer is forgotten."""
        if not heads:
            return
        for provider, number in heads.items():
            if self.heads.get(provider) != number:
                self.moved[provider] = now
        self.moved = {provider: self.moved[provider] for provider in heads}
        self.heads, self.seen = dict(heads), now

    def moving(self, now: float, stall: float) -> set[str]:
        """Those whose head has changed lately; all of them when none has."""
        moving = {provider for provider, at in self.moved.items() if now - at <= stall}
        return moving or set(self.moved)

    def is_beyond(self, number: int, now: float, block_time: float, stall: float) -> bool:
        """Whether the chain cannot have come as far as this; nothing is as long as nothing was seen."""
        falling = sorted((self.heads[provider] for provider in self.moving(now, stall)), reverse=True)
        if not falling:
            return False
        passed = (now - self.seen) / max(block_time, SHORTEST_BLOCK_TIME)
        return number > falling[len(falling) // 2] + LEAD + passed
