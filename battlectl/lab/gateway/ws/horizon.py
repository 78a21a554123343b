"""How far the chain can have come, by what most providers show and by the clock.

Rule: a block is beyond the horizon when it is more than LEAD above what most of the moving providers have
reached (one block for each block time since then included) and its own timestamp lies in the future: one
provider alone cannot lead clients where nobody else has been, but one that is merely not as late as all
others is believed. A provider whose head has stood still while others moved has no say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from battlectl.lab.gateway.ws.block import Block, timestamp_of

LEAD = 4
CLOCK_SKEW = 1.0
SHORTEST_BLOCK_TIME = 0.02


@dataclass(slots=True)
class Horizon:
    """Mutable: the newest heads by provider, when each last changed, and when they were looked at."""

    heads: dict[str, int] = field(default_factory=dict)
    moved: dict[str, float] = field(default_factory=dict)
    seen: float = 0.0

    def saw(self, heads: Mapping[str, int], now: float) -> None:
        """What all who answered say now; who did not is forgotten, unless that is everybody."""
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

    def is_beyond(self, block: Block, now: float, unix: float, block_time: float, stall: float) -> bool:
        """`now` is on the clock of `saw`, `unix` the time that timestamps are compared with."""
        falling = sorted((self.heads[provider] for provider in self.moving(now, stall)), reverse=True)
        moment = timestamp_of(block)
        if not falling or (moment is not None and moment <= unix + CLOCK_SKEW):
            return False
        passed = (now - self.seen) / max(block_time, SHORTEST_BLOCK_TIME)
        return block.number > falling[len(falling) // 2] + LEAD + passed
