"""What several defects have in common: answers and pages on their way out, replies taken apart and put back.

Rule: what is no single JSON-RPC reply, or no JSON, is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from battlectl.lab.gateway.state import Gateway
from battlectl.lab.net.http_server import Handler, Upgrade
from battlectl.lab.net.wire import Request, Response

Document = dict[str, Any]


def change_answers(gateway: Gateway, change: Callable[[Request, Response], Response]) -> None:
    """Put `change` between the gateway and its clients, for all that is sent by POST."""
    change_responses(gateway, "POST", change)


def change_pages(gateway: Gateway, change: Callable[[str, Document], Document]) -> None:
    """Have `change` rewrite what the gateway tells of itself, by path."""

    def rewrite(request: Request, response: Response) -> Response:
        path = request.target.partition("?")[0]
        if response.status != 200 or not path.startswith("/api/"):
            return response
        document = change(path, msgspec.json.decode(response.body))
        return replace(response, body=msgspec.json.encode(document))

    change_responses(gateway, "GET", rewrite)


def change_responses(gateway: Gateway, method: str, change: Callable[[Request, Response], Response]) -> None:
    """Put `change` behind whatever is at the front already."""
    before = gateway.seams.front

    def front(handler: Handler) -> Handler:
        inner = before(handler)

        async def handle(request: Request) -> Response | Upgrade:
            response = await inner(request)
            if isinstance(response, Upgrade) or request.method != method:
                return response
            return change(request, response)

        return handle

    gateway.seams.front = front


def read_reply(body: bytes) -> Document | None:
    """The JSON-RPC reply in a body; None for a batch, and for what is none."""
    try:
        value = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and "jsonrpc" in value else None
