"""`reset`: connections are taken and reset in the middle of an answer, or while they are idle."""

from __future__ import annotations

from random import Random
from typing import Annotated

from msgspec import Meta

from battlectl.lab.faults.effect import Delivery, Effect, Message
from battlectl.lab.faults.kind import Kind, Milliseconds, OnHttp


class ResetParameters(OnHttp, frozen=True, kw_only=True):
    """`probability` is drawn for each HTTP request, and for `idle_ms` once for each connection."""

    after_bytes: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(description="of an HTTP answer, headers included; shorter ones pass whole; null: never"),
    ] = 0
    idle_ms: Annotated[
        Milliseconds | None,
        Meta(
            description="a connection, WebSockets too, that waits longer for a request is reset; null: none"
        ),
    ] = None

    def __post_init__(self) -> None:
        """It must do something."""
        if self.after_bytes is None and self.idle_ms is None:
            raise ValueError("`after_bytes` and `idle_ms` are both null: nothing would be reset")


class Reset(Effect):
    """RST, never FIN."""

    def __init__(self, parameters: ResetParameters, random: Random) -> None:
        super().__init__()
        self._after = parameters.after_bytes
        self._idle = None if parameters.idle_ms is None else parameters.idle_ms / 1000

    def idle_seconds(self, connection: int) -> float | None:
        """As asked for, if at all."""
        return self._idle

    def delivery(self, message: Message, delivery: Delivery) -> Delivery:
        """Cut there; another fault may have cut it earlier."""
        already = len(delivery.data) if delivery.cut_after is None else delivery.cut_after
        if self._after is None or self._after >= already:
            return delivery
        return delivery.with_changes(cut_after=self._after, ending="reset")


KIND = Kind(
    name="reset",
    layer="network",
    what="resets connections after some bytes of an answer, or when they are idle",
    expect="retried, and unseen by the client",
    parameters=ResetParameters,
    make=Reset,
)
