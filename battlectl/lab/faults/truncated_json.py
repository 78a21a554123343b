"""`truncated_json`: an answer that ends in the middle of its JSON, in a message that is whole."""

from __future__ import annotations

from random import Random
from typing import Annotated

from msgspec import Meta

from battlectl.lab.faults.effect import Effect, Message
from battlectl.lab.faults.kind import Kind, OnRequests, Share


class TruncatedJsonParameters(OnRequests, frozen=True, kw_only=True):
    """Content-Length agrees with what is sent. (`reset` cuts the HTTP answer itself.)"""

    keep: Annotated[Share, Meta(description="the part of the body that is sent; the last byte never is")] = (
        0.5
    )


class TruncatedJson(Effect):
    """A proper beginning of an object or an array is never JSON."""

    def __init__(self, parameters: TruncatedJsonParameters, random: Random) -> None:
        super().__init__()
        self._keep = parameters.keep

    def body(self, message: Message, body: bytes) -> bytes:
        """The beginning; in whole characters, for a WebSocket text must be UTF-8."""
        kept = body[: min(int(len(body) * self._keep), max(0, len(body) - 1))]
        return kept.decode(errors="ignore").encode()


KIND = Kind(
    name="truncated_json",
    layer="http",
    what="answers with the beginning of its JSON",
    expect="never reaches the client",
    parameters=TruncatedJsonParameters,
    make=TruncatedJson,
)
