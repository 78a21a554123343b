"""`wrong_id`: the right result under the id of another request."""

from __future__ import annotations

from random import Random
from typing import Annotated, Any, Literal

from msgspec import Meta

from battlectl.lab.faults.effect import Document, Effect, Message
from battlectl.lab.faults.kind import Kind, OnRequests
from battlectl.lab.rpc.envelope import Call

OFFSET = 1_000_000  # far from the ids that a client counts up


class WrongIdParameters(OnRequests, frozen=True, kw_only=True):
    """Over WebSocket a reply without its id is one that nobody waits for."""

    id: Annotated[
        Literal["other", "null", "absent", "text"],
        Meta(description="another id, null, none at all, or the same as text (a text id as a number)"),
    ] = "other"


class WrongId(Effect):
    """The result is right; only its address is wrong."""

    def __init__(self, parameters: WrongIdParameters, random: Random) -> None:
        super().__init__()
        self._id = parameters.id

    def reply(self, message: Message, call: Call, reply: Document) -> Document:
        """A copy with the id changed."""
        if self._id == "absent":
            return {key: value for key, value in reply.items() if key != "id"}
        return {**reply, "id": _mangled(reply.get("id"), self._id)}


def _mangled(id_: Any, how: str) -> Any:
    if how == "null":
        return None
    if how == "text":
        return OFFSET if isinstance(id_, str) else f"{id_}"
    return f"{id_}-{OFFSET}" if isinstance(id_, str) or id_ is None else id_ + OFFSET


KIND = Kind(
    name="wrong_id",
    layer="json-rpc",
    what="answers under another id",
    expect="the client gets each of its ids once, with its own result",
    parameters=WrongIdParameters,
    make=WrongId,
)
