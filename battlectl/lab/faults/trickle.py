"""`trickle`: headers at once, then the body a few bytes at a time."""

from __future__ import annotations

from random import Random
from typing import Annotated

from msgspec import Meta

from battlectl.lab.faults.effect import Delivery, Effect, Message
from battlectl.lab.faults.kind import Kind, OnHttp

HEAD_END = b"\r\n\r\n"


class TrickleParameters(OnHttp, frozen=True, kw_only=True):
    """Of HTTP answers; for WebSockets there is Toxiproxy's `bandwidth`."""

    bytes_per_s: Annotated[float, Meta(gt=0, le=1_000_000_000, description="of each answer's body")] = 10


class Trickle(Effect):
    """A client that has read the status thinks that the answer is coming."""

    def __init__(self, parameters: TrickleParameters, random: Random) -> None:
        super().__init__()
        self._rate = parameters.bytes_per_s

    def delivery(self, message: Message, delivery: Delivery) -> Delivery:
        """The slowest of several wins."""
        if delivery.bytes_per_s is not None and delivery.bytes_per_s < self._rate:
            return delivery
        body = delivery.data.find(HEAD_END) + len(HEAD_END)
        return delivery.with_changes(bytes_per_s=self._rate, slow_from=body)


KIND = Kind(
    name="trickle",
    layer="network",
    what="sends the headers, then the body byte by byte",
    expect="the deadline covers the body too",
    parameters=TrickleParameters,
    make=Trickle,
)
