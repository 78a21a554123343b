"""Counting the events of each subscription, for faults that strike one in n.

Rule: events count from the injection, 1 to n and round again; only the subscriptions that were heard of
last are remembered, so that memory stays bounded through any number of reconnects.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

MOST_SUBSCRIPTIONS = 10_000

T = TypeVar("T")

Key = tuple[int, str]
"""(connection, subscription id)."""


@dataclass(slots=True, eq=False)
class EventCount:
    """One count for each subscription."""

    every: int
    counts: dict[Key, int] = field(default_factory=dict)

    def count(self, key: Key) -> int:
        """The place, from 1 to `every`, of the event that comes now."""
        place = self.counts.pop(key, 0) % self.every + 1
        remember(self.counts, key, place)
        return place


def remember(memory: dict[Key, T], key: Key, value: T) -> None:
    """As the newest of at most MOST_SUBSCRIPTIONS."""
    memory[key] = value
    if len(memory) > MOST_SUBSCRIPTIONS:
        del memory[next(iter(memory))]
