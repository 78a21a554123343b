"""What several defects have in common: a place between the gateway and its clients, or behind its decisions.

Rule: what is put in place lets everything through that it does not mean; what is no single JSON-RPC reply is
left as it is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec

from battlectl.lab.gateway.forwarding import Outcome
from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.questions import Question
from battlectl.lab.gateway.settings import ProviderSettings, Strategy, Transport
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.net.http_server import Handler, Upgrade
from battlectl.lab.net.wire import Request, Response

Document = dict[str, Any]


class Asked(NamedTuple):
    """A request, and how it is to be forwarded."""

    question: Question
    strategy: Strategy | None
    transport: Transport
    only: Provider | None


Forward = Callable[[Asked], Awaitable[Outcome]]


def change_answers(gateway: Gateway, change: Callable[[Request, Response], Response]) -> None:
    """Put `change` between the gateway and its clients, for all that is sent by POST."""
    _change_responses(gateway, "POST", change)


def change_pages(gateway: Gateway, change: Callable[[str, Document], Document]) -> None:
    """Have `change` rewrite what the gateway tells of itself, by path."""

    def rewrite(request: Request, response: Response) -> Response:
        path = request.target.partition("?")[0]
        if response.status != 200 or not path.startswith("/api/"):
            return response
        document = change(path, msgspec.json.decode(response.body))
        return replace(response, body=msgspec.json.encode(document))

    _change_responses(gateway, "GET", rewrite)


def change_forwarding(gateway: Gateway, change: Callable[[Asked, Forward], Awaitable[Outcome]]) -> None:
    """Have `change` forward each request, over HTTP and WebSocket, by what it is given for that."""
    sound = gateway.seams.forward

    async def forward(
        gateway: Gateway,
        question: Question,
        strategy: Strategy | None,
        transport: Transport,
        only: Provider | None,
    ) -> Outcome:
        return await change(Asked(question, strategy, transport, only), lambda asked: sound(gateway, *asked))

    gateway.seams.forward = forward


def change_choice(gateway: Gateway, change: Callable[[list[Provider]], list[Provider]]) -> None:
    """Have `change` rewrite who is asked for a request, the first one first."""
    sound = gateway.seams.choose

    def choose(
        gateway: Gateway,
        method: str,
        strategy: Strategy,
        transport: Transport,
        needed: int | None,
        only: Provider | None,
    ) -> list[Provider]:
        return change(sound(gateway, method, strategy, transport, needed, only))

    gateway.seams.choose = choose


def change_outcomes(gateway: Gateway, change: Callable[[Question, Outcome], Outcome]) -> None:
    """Have `change` rewrite how a request ended, when all has been written down."""

    async def changed(asked: Asked, forward: Forward) -> Outcome:
        return change(asked.question, await forward(asked))

    change_forwarding(gateway, changed)


def change_replies(gateway: Gateway, change: Callable[[Question, Document], Document]) -> None:
    """The same for the JSON-RPC reply to a single request."""

    def rewrite(question: Question, outcome: Outcome) -> Outcome:
        reply = read_reply(outcome.body)
        if reply is None:
            return outcome
        changed = change(question, reply)
        return outcome if changed is reply else replace(outcome, body=msgspec.json.encode(changed))

    change_outcomes(gateway, rewrite)


def have(kind: type[Provider]) -> Callable[[Gateway], None]:
    """Plants providers that are of this kind too, beside what other defects make of them."""

    def plant(gateway: Gateway) -> None:
        sound = gateway.seams.new_provider

        def new_provider(settings: ProviderSettings) -> Provider:
            made = sound(settings)
            before = type(made)
            made.__class__ = (
                kind if before is Provider else type(kind.__name__, (kind, before), {"__slots__": ()})
            )
            return made

        gateway.seams.new_provider = new_provider

    return plant


def read_reply(body: bytes) -> Document | None:
    """The JSON-RPC reply in a body; None for a batch, and for what is none."""
    try:
        value = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and "jsonrpc" in value else None


def is_exhausted(outcome: Outcome) -> bool:
    """Whether the answer is that no provider could answer."""
    return outcome.provider is None and b'"no provider could answer"' in outcome.body


def _change_responses(gateway: Gateway, method: str, change: Callable[[Request, Response], Response]) -> None:
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
