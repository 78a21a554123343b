"""`rate_limit_in_batch`: status 200, and a rate limit for some items of a batch."""

from __future__ import annotations

from random import Random
from typing import Annotated

from msgspec import Meta

from battlectl.lab.faults.batch_items import eligible_items, pick_items
from battlectl.lab.faults.effect import Document, Effect, Message
from battlectl.lab.faults.kind import Kind, OnBatches, Share
from battlectl.lab.faults.rate_limit_in_body import USUAL_MESSAGE
from battlectl.lab.rpc.envelope import RpcError, error_reply


class RateLimitInBatchParameters(OnBatches, frozen=True, kw_only=True):
    """Single requests are answered as always."""

    share: Annotated[Share, Meta(description="of the items, at least one; not used with `items`")] = 0.5
    items: Annotated[
        tuple[Annotated[int, Meta(ge=0)], ...], Meta(description="positions from 0; those beyond are ignored")
    ] = ()
    code: Annotated[int, Meta(description="of the error objects: some providers say 429")] = -32005
    message: Annotated[str, Meta(description="of the error objects")] = USUAL_MESSAGE


class RateLimitInBatch(Effect):
    """The other items keep their results."""

    def __init__(self, parameters: RateLimitInBatchParameters, random: Random) -> None:
        super().__init__()
        self._parameters = parameters
        self._error = RpcError(parameters.code, parameters.message)
        self._random = random

    def replies(self, message: Message, replies: list[Document]) -> list[Document]:
        """Some of them replaced."""
        chosen = eligible_items(message, replies, self._parameters.methods)
        if self._parameters.items:
            limited = frozenset(self._parameters.items) & frozenset(chosen)
        else:
            limited = pick_items(chosen, self._parameters.share, self._random)
        return [
            error_reply(reply.get("id"), self._error) if position in limited else reply
            for position, reply in enumerate(replies)
        ]


KIND = Kind(
    name="rate_limit_in_batch",
    layer="json-rpc",
    what="answers 200 to a batch, some of whose items are a rate limit",
    expect="failover looks past the HTTP status, item by item",
    parameters=RateLimitInBatchParameters,
    make=RateLimitInBatch,
)
