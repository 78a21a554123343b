"""Which items of a batch a fault picks.

Rule: of n items that may be picked, a share picks round(share * n), but at least one: a fault that touches
a batch can be seen in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from battlectl.lab.faults.effect import Document, Message


def eligible_items(message: Message, replies: Sequence[Document], methods: tuple[str, ...]) -> list[int]:
    """The positions of replies to calls of these methods; no methods means all."""
    if not methods:
        return list(range(len(replies)))
    ids = {call.id for call in message.calls if call.wants_answer and call.method in methods}
    return [position for position, reply in enumerate(replies) if reply.get("id") in ids]


def pick_items(positions: Sequence[int], share: float, random: Random) -> frozenset[int]:
    """Some of the positions, as the rule says; none of none."""
    if not positions:
        return frozenset()
    return frozenset(random.sample(positions, min(len(positions), max(1, round(share * len(positions))))))
