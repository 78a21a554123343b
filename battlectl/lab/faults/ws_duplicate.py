"""`ws_duplicate`: events come more than once."""

from __future__ import annotations

from random import Random
from typing import Annotated

from msgspec import Meta

from battlectl.lab.faults.effect import Document, Effect
from battlectl.lab.faults.kind import Kind, OnEvents


class WsDuplicateParameters(OnEvents, frozen=True, kw_only=True):
    """The copies follow the original at once."""

    times: Annotated[int, Meta(ge=2, le=100, description="how often an event is sent in all")] = 2


class WsDuplicate(Effect):
    """The same event in the same subscription."""

    def __init__(self, parameters: WsDuplicateParameters, random: Random) -> None:
        super().__init__()
        self._times = parameters.times

    def events(self, connection: int, subscription: str, event: Document) -> list[Document]:
        """It, and its copies."""
        return [event] * self._times


KIND = Kind(
    name="ws_duplicate",
    layer="websocket",
    what="sends events more than once",
    expect="deduplicated",
    parameters=WsDuplicateParameters,
    make=WsDuplicate,
)
