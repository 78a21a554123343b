"""`rate_limit_in_body`: status 200, and a rate limit inside."""

from __future__ import annotations

from random import Random
from typing import Annotated

from msgspec import Meta

from battlectl.lab.faults.effect import Document, Effect, Message
from battlectl.lab.faults.kind import Kind, OnRequests
from battlectl.lab.rpc.envelope import Call, RpcError, error_reply

LIMIT_EXCEEDED = -32005  # EIP-1474
USUAL_MESSAGE = "daily request count exceeded, request rate limited"


class RateLimitInBodyParameters(OnRequests, frozen=True, kw_only=True):
    """The provider does not keep count: every request that is hit is refused."""

    code: Annotated[int, Meta(description="of the error object")] = LIMIT_EXCEEDED
    message: Annotated[str, Meta(description="of the error object")] = USUAL_MESSAGE


class RateLimitInBody(Effect):
    """Each call of a batch gets the error; `rate_limit_in_batch` gives it to some."""

    def __init__(self, parameters: RateLimitInBodyParameters, random: Random) -> None:
        super().__init__()
        self._error = RpcError(parameters.code, parameters.message)

    def answer(self, message: Message, call: Call) -> Document | None:
        """The node is not asked."""
        return error_reply(call.id, self._error)


KIND = Kind(
    name="rate_limit_in_body",
    layer="json-rpc",
    what="answers 200 with a rate limit as an error object (-32005)",
    expect="failover looks past the HTTP status",
    parameters=RateLimitInBodyParameters,
    make=RateLimitInBody,
)
