"""`batch_partial`: a batch is answered in part; the rest is not mentioned."""

from __future__ import annotations

from random import Random
from typing import Annotated

from msgspec import Meta

from battlectl.lab.faults.batch_items import eligible_items, pick_items
from battlectl.lab.faults.effect import Document, Effect, Message
from battlectl.lab.faults.kind import Kind, OnBatches, Share


class BatchPartialParameters(OnBatches, frozen=True, kw_only=True):
    """With a share of 1 the answer is an empty array."""

    share: Annotated[Share, Meta(description="of the items that are dropped, at least one")] = 0.5


class BatchPartial(Effect):
    """The order of the rest is kept."""

    def __init__(self, parameters: BatchPartialParameters, random: Random) -> None:
        super().__init__()
        self._parameters = parameters
        self._random = random

    def replies(self, message: Message, replies: list[Document]) -> list[Document]:
        """Without those that were picked."""
        chosen = eligible_items(message, replies, self._parameters.methods)
        dropped = pick_items(chosen, self._parameters.share, self._random)
        return [reply for position, reply in enumerate(replies) if position not in dropped]


KIND = Kind(
    name="batch_partial",
    layer="json-rpc",
    what="drops items of a batch's answer",
    expect="the client gets each of its ids once",
    parameters=BatchPartialParameters,
    make=BatchPartial,
)
