"""`http_5xx`: every answer is an HTTP server error, as of a broken proxy in front of the node."""

from __future__ import annotations

from random import Random
from typing import Annotated

from msgspec import Meta

from battlectl.lab.faults.effect import Effect, Message
from battlectl.lab.faults.kind import Kind, OnHttp, check_status
from battlectl.lab.net.wire import Response


class Http5xxParameters(OnHttp, frozen=True, kw_only=True):
    """`status` is any server error that HTTP names."""

    status: Annotated[int, Meta(ge=500, le=511, description="of the answer")] = 503

    def __post_init__(self) -> None:
        """Not all of them have names."""
        check_status(self.status)


class Http5xx(Effect):
    """The provider still does the work; its answer is thrown away."""

    def __init__(self, parameters: Http5xxParameters, random: Random) -> None:
        super().__init__()
        self._status = parameters.status

    def response(self, message: Message, response: Response) -> Response:
        """The status, with a body that is no JSON."""
        return Response(self._status, ((b"content-type", b"text/plain"),), b"upstream failure\n")


KIND = Kind(
    name="http_5xx",
    layer="http",
    what="answers with an HTTP server error",
    expect="failover; the client sees none of it",
    parameters=Http5xxParameters,
    make=Http5xx,
)
