"""`rpc_error`: an error object in place of each answer."""

from __future__ import annotations

from random import Random
from typing import Annotated, Any

from msgspec import Meta

from battlectl.lab.faults.effect import Document, Effect, Message
from battlectl.lab.faults.kind import Kind, OnRequests
from battlectl.lab.rpc.envelope import Call, RpcError, error_reply

INTERNAL_ERROR = -32603


class RpcErrorParameters(OnRequests, frozen=True, kw_only=True):
    """Health checks fail too; `method_error` spares them."""

    code: Annotated[int, Meta(description="of the error object")] = INTERNAL_ERROR
    message: Annotated[str, Meta(description="of the error object")] = "internal error"
    data: Annotated[Any, Meta(description="of the error object, any JSON; null: none")] = None


class ErrorObject(Effect):
    """The same error for each call."""

    def __init__(self, parameters: RpcErrorParameters, random: Random) -> None:
        super().__init__()
        self._error = RpcError(parameters.code, parameters.message, parameters.data)

    def answer(self, message: Message, call: Call) -> Document | None:
        """The node is not asked."""
        return error_reply(call.id, self._error)


KIND = Kind(
    name="rpc_error",
    layer="json-rpc",
    what="answers with an error object",
    expect="failover",
    parameters=RpcErrorParameters,
    make=ErrorObject,
)
