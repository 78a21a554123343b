"""Defects of what clients are told when something fails."""

from __future__ import annotations

import itertools
from dataclasses import replace

from battlectl.lab.gateway.defects.defect import Defect
from battlectl.lab.gateway.defects.wrapping import (
    Document,
    change_answers,
    change_replies,
    read_reply,
)
from battlectl.lab.gateway.judgement import SERVER_ERRORS
from battlectl.lab.gateway.questions import Question
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.net.wire import Request, Response

HTML = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
)
HTML_TYPE = (b"content-type", b"text/html")


def _code(reply: Document | None) -> int | None:
    error = None if reply is None else reply.get("error")
    return error["code"] if isinstance(error, dict) else None


def _say_502(gateway: Gateway) -> None:
    def change(request: Request, response: Response) -> Response:
        is_failure = response.status == 200 and _code(read_reply(response.body)) in SERVER_ERRORS
        if not is_failure:
            return response
        rest = [(key, value) for key, value in response.headers if key != HTML_TYPE[0]]
        return Response(502, (HTML_TYPE, *rest), HTML)

    change_answers(gateway, change)


def _say_500(gateway: Gateway) -> None:
    def change(request: Request, response: Response) -> Response:
        code = _code(read_reply(response.body)) if response.status == 200 else None
        return response if code is None else replace(response, status=500)

    change_answers(gateway, change)


def _vary_the_shape(gateway: Gateway) -> None:
    """What a provider said last is wrapped as its own family of errors."""
    turns = itertools.count()

    def shape(question: Question, reply: Document) -> Document:
        if _code(reply) not in SERVER_ERRORS:
            return reply
        message = reply["error"]["message"]
        shapes = (
            {"code": -32000, "message": message},
            {"code": -32603, "message": "Internal error", "data": {"cause": message}},
            {"code": 503, "message": {"text": message}},
            message,
        )
        return {**reply, "error": shapes[next(turns) % len(shapes)]}

    change_replies(gateway, shape)


def _change_the_code(question: Question, reply: Document) -> Document:
    code = _code(reply)
    if code is None or code in SERVER_ERRORS:
        return reply
    return {**reply, "error": {"code": -32603, "message": reply["error"]["message"]}}


def _show_addresses(gateway: Gateway) -> None:
    def show(question: Question, reply: Document) -> Document:
        if _code(reply) not in SERVER_ERRORS:
            return reply
        tried = "; ".join(f"POST {provider.url}: no answer" for provider in gateway.providers)
        return {**reply, "error": {**reply["error"], "message": f"{reply['error']['message']} ({tried})"}}

    change_replies(gateway, show)


def _drop_ids(question: Question, reply: Document) -> Document:
    return reply if _code(reply) is None else {**reply, "id": None}


EXHAUSTED = "while no provider can answer"

DEFECTS = (
    Defect(
        name="errors-as-html",
        area="errors",
        summary="a 502 in HTML where a JSON-RPC error should be",
        when=EXHAUSTED,
        finding="errors",
        plant=_say_502,
    ),
    Defect(
        name="errors-as-500",
        area="errors",
        summary="a revert comes with HTTP status 500, which clients take for an outage and retry",
        when="whenever an answer is an error, be it the caller's own",
        finding="errors",
        plant=_say_500,
    ),
    Defect(
        name="error-shape-varies",
        area="errors",
        summary="one kind of failure is told in four shapes, some of which are no JSON-RPC errors",
        when=EXHAUSTED,
        finding="errors",
        plant=_vary_the_shape,
    ),
    Defect(
        name="error-code-changed",
        area="errors",
        summary="reverts and refusals of parameters come as -32603, without their data",
        when="whenever a call reverts (3) or is refused (-32602, -32601)",
        finding="errors",
        plant=lambda gateway: change_replies(gateway, _change_the_code),
    ),
    Defect(
        name="upstream-address-in-errors",
        area="errors",
        summary="errors name the providers' URLs, with whatever key is in them",
        when=EXHAUSTED,
        finding="safety",
        plant=_show_addresses,
    ),
    Defect(
        name="error-without-id",
        area="errors",
        summary="an error has id null, and the client cannot tell whose it is",
        when="whenever an answer is an error",
        finding="replies",
        plant=lambda gateway: change_replies(gateway, _drop_ids),
    ),
)
