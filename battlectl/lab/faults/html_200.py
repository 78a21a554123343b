"""`html_200`: a web page with status 200, as of a captive portal or a maintenance page."""

from __future__ import annotations

from random import Random

from battlectl.lab.faults.effect import Effect, Message
from battlectl.lab.faults.kind import Kind, OnHttp
from battlectl.lab.net.wire import Response

PAGE = b"<!DOCTYPE html>\n<html><head><title>Just a moment</title></head><body>Please wait.</body></html>\n"


class Html200(Effect):
    """In place of whatever the answer was."""

    def __init__(self, parameters: OnHttp, random: Random) -> None:
        super().__init__()

    def response(self, message: Message, response: Response) -> Response:
        """The page."""
        return Response(200, ((b"content-type", b"text/html; charset=utf-8"),), PAGE)


KIND = Kind(
    name="html_200",
    layer="http",
    what="answers 200 with a web page",
    expect="never reaches the client",
    parameters=OnHttp,
    make=Html200,
)
