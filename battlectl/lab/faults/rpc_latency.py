"""`rpc_latency`: each answer is late. (Toxiproxy's `latency` delays chunks of bytes.)"""

from __future__ import annotations

from random import Random
from typing import Annotated

from msgspec import Meta

from battlectl.lab.faults.effect import Effect, Message
from battlectl.lab.faults.kind import Kind, Milliseconds, OnRequests


class RpcLatencyParameters(OnRequests, frozen=True, kw_only=True):
    """What waits when the fault is healed is answered at once."""

    latency_ms: Annotated[Milliseconds, Meta(description="added to each answer; a batch waits once")] = 300
    jitter_ms: Annotated[
        Milliseconds, Meta(description="more or less by up to this, evenly; never below 0 in all")
    ] = 0


class RpcLatency(Effect):
    """Requests on one WebSocket wait side by side, so answers may overtake each other."""

    def __init__(self, parameters: RpcLatencyParameters, random: Random) -> None:
        super().__init__()
        self._latency = parameters.latency_ms
        self._jitter = parameters.jitter_ms
        self._random = random

    def draw_seconds(self) -> float:
        """The delay of one answer."""
        return max(0.0, self._latency + self._random.uniform(-self._jitter, self._jitter)) / 1000

    async def hold(self, message: Message) -> None:
        """For as long as was drawn."""
        await self.wait(self.draw_seconds())


KIND = Kind(
    name="rpc_latency",
    layer="network",
    what="answers late",
    expect="the strategy `fastest` moves away",
    parameters=RpcLatencyParameters,
    make=RpcLatency,
)
