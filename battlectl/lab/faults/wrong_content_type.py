"""`wrong_content_type`: the right answer under the wrong content type."""

from __future__ import annotations

from random import Random
from typing import Annotated

from msgspec import Meta

from battlectl.lab.faults.effect import Effect, Message
from battlectl.lab.faults.kind import Kind, OnHttp
from battlectl.lab.net.wire import Response

HEADER = b"content-type"


class WrongContentTypeParameters(OnHttp, frozen=True, kw_only=True):
    """The body stays as it is."""

    content_type: Annotated[
        str, Meta(pattern=r"^[!-~]+/[ -~]+\Z", description="in place of application/json")
    ] = "text/html"


class WrongContentType(Effect):
    """Every other header stays."""

    def __init__(self, parameters: WrongContentTypeParameters, random: Random) -> None:
        super().__init__()
        self._type = parameters.content_type.encode()

    def response(self, message: Message, response: Response) -> Response:
        """The same with another type, or with one where there was none."""
        others = [field for field in response.headers if field[0].lower() != HEADER]
        return Response(response.status, ((HEADER, self._type), *others), response.body)


KIND = Kind(
    name="wrong_content_type",
    layer="http",
    what="says that its JSON is something else",
    expect="never reaches the client",
    parameters=WrongContentTypeParameters,
    make=WrongContentType,
)
