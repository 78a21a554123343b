"""`batch_reorder`: a batch is answered in another order, which JSON-RPC allows."""

from __future__ import annotations

from random import Random

from battlectl.lab.faults.effect import Document, Effect, Message
from battlectl.lab.faults.kind import Kind, OnBatches


class BatchReorder(Effect):
    """Any order but the one of the calls; a batch of one has no other."""

    def __init__(self, parameters: OnBatches, random: Random) -> None:
        super().__init__()
        self._random = random

    def replies(self, message: Message, replies: list[Document]) -> list[Document]:
        """Shuffled; turned by one where the dice would leave it as it was."""
        order = list(range(len(replies)))
        self._random.shuffle(order)
        if order == sorted(order):
            order = order[1:] + order[:1]
        return [replies[position] for position in order]


KIND = Kind(
    name="batch_reorder",
    layer="json-rpc",
    what="answers a batch in another order",
    expect="the client gets each of its ids once, with its own result",
    parameters=OnBatches,
    make=BatchReorder,
)
