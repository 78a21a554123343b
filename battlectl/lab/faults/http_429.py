"""`http_429`: the provider's gate says that there were too many requests."""

from __future__ import annotations

from random import Random
from typing import Annotated

from msgspec import Meta

from battlectl.lab.faults.effect import Effect, Message
from battlectl.lab.faults.kind import Kind, OnHttp
from battlectl.lab.net.wire import Headers, Response


class Http429Parameters(OnHttp, frozen=True, kw_only=True):
    """The provider does not keep count: every request that is hit is refused."""

    retry_after_s: Annotated[
        Annotated[int, Meta(ge=0, le=86_400)] | None,
        Meta(description="value of the Retry-After header; null: no such header"),
    ] = 1
    body: Annotated[str, Meta(description="of the answer, as text/plain")] = "too many requests\n"


class Http429(Effect):
    """In place of whatever the answer was."""

    def __init__(self, parameters: Http429Parameters, random: Random) -> None:
        super().__init__()
        headers: Headers = ((b"content-type", b"text/plain"),)
        if parameters.retry_after_s is not None:
            headers = (*headers, (b"retry-after", b"%d" % parameters.retry_after_s))
        self._response = Response(429, headers, parameters.body.encode())

    def response(self, message: Message, response: Response) -> Response:
        """Always the same."""
        return self._response


KIND = Kind(
    name="http_429",
    layer="http",
    what="answers 429, with Retry-After",
    expect="failover; Retry-After is respected, and the breaker stays closed",
    parameters=Http429Parameters,
    make=Http429,
)
