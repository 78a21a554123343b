"""`sub_lost`: WebSockets are opened, and subscriptions refused."""

from __future__ import annotations

from random import Random
from typing import Annotated, ClassVar

from msgspec import Meta

from battlectl.lab.faults.effect import Document, Effect, Message
from battlectl.lab.faults.kind import Kind, OnWebSockets
from battlectl.lab.rpc.envelope import SERVER_ERROR, Call, RpcError, error_reply


class SubLostParameters(OnWebSockets, frozen=True, kw_only=True):
    """Other calls work."""

    methods: ClassVar[tuple[str, ...]] = ("eth_subscribe",)

    code: Annotated[int, Meta(description="of the error object")] = SERVER_ERROR
    message: Annotated[str, Meta(description="of the error object")] = "no subscriptions at the moment"
    keep: Annotated[
        bool, Meta(description="whether subscriptions from before go on; false: they fall silent")
    ] = True


class SubLost(Effect):
    """A connection is either meant or not: all its subscriptions are refused, or none."""

    def __init__(self, parameters: SubLostParameters, random: Random) -> None:
        super().__init__()
        self._error = RpcError(parameters.code, parameters.message)
        self._keep = parameters.keep

    def answer(self, message: Message, call: Call) -> Document | None:
        """Asked only about eth_subscribe."""
        return error_reply(call.id, self._error)

    def events(self, connection: int, subscription: str, event: Document) -> list[Document]:
        """As always, unless the old ones are lost too."""
        return [event] if self._keep else []


KIND = Kind(
    name="sub_lost",
    layer="websocket",
    what="rejects eth_subscribe",
    expect="tried elsewhere",
    parameters=SubLostParameters,
    make=SubLost,
)
