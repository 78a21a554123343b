"""Where a defect can be planted: what the gateway does, as functions that can be put in place of others.

Rule: a sound gateway has the sound functions here (building.py) and pays one look at an attribute for each;
nothing else in the gateway knows of defects. What is put here keeps the promise of what it replaces about
waiting and raising, or it would break the gateway where it is meant to make it wrong.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from battlectl.lab.gateway.breaker import Breaker
from battlectl.lab.gateway.judgement import Accepted, Complaint
from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.questions import Question
from battlectl.lab.gateway.settings import ProviderSettings, Strategy, Transport
from battlectl.lab.gateway.strategies import Order
from battlectl.lab.net.http_server import Handler
from battlectl.lab.net.upstream import Reply
from battlectl.lab.net.ws_server import WebSocket
from battlectl.lab.rpc.envelope import Call

if TYPE_CHECKING:  # these know the gateway, and the gateway has the seams
    from battlectl.lab.gateway.attempts import Attempt
    from battlectl.lab.gateway.forwarding import Outcome
    from battlectl.lab.gateway.state import Gateway
    from battlectl.lab.gateway.ws.block import Block
    from battlectl.lab.gateway.ws.log_trail import Log
    from battlectl.lab.gateway.ws.outbox import Outbox
    from battlectl.lab.gateway.ws.session import Session
    from battlectl.lab.gateway.ws.vigil import Vigil
    from battlectl.lab.gateway.ws.walk import Shown, Walk

Items = Sequence[dict[str, Any]]


@dataclass(slots=True)
class Seams:
    """Mutable, because a defect puts a function of its own around the one that it finds.

    `front` is all of HTTP, once for each server; then a request's way: `forward`, `choose` by `rank` and
    `strategies`, `attempt` with `judge`, `judge_heads` and `learn`, `may_go_on`, `settle`. `new_provider`
    makes what keeps the breakers. Of the WebSocket side: `serve_client` is one connection and `outbox` what
    leaves on it, `admit` refuses a subscription by raising RpcError; `walk`, `offer` and `publish` are the
    way of a head to the clients, `take_back` that of logs of a dropped block, `log_witnesses` how many
    providers are asked for logs, and `vigil` watches the provider that is followed.
    """

    front: Callable[[Handler], Handler]
    forward: Callable[
        [Gateway, Question, Strategy | None, Transport, Provider | None],
        Awaitable[Outcome],
    ]
    choose: Callable[
        [Gateway, str, Strategy, Transport, int | None, Provider | None],
        list[Provider],
    ]
    rank: Callable[[Provider, Breaker, float, str, int | None], int]
    strategies: dict[Strategy, Order]
    attempt: Callable[[Gateway, Provider, Question, Transport, float], Awaitable[Attempt]]
    judge: Callable[[Reply, list[Any], bool], Accepted | Complaint]
    judge_heads: Callable[[Sequence[Call], Items, int | None, int | None], Complaint | None]
    learn: Callable[[Gateway, Attempt, Question, Transport], None]
    may_go_on: Callable[[Question, Sequence[Attempt]], bool]
    settle: Callable[
        [Gateway, Question, Sequence[Attempt], Transport, float],
        Awaitable[tuple[bytes, Provider] | None],
    ]
    new_provider: Callable[[ProviderSettings], Provider]
    serve_client: Callable[[Session], Awaitable[None]]
    outbox: Callable[[WebSocket], Outbox]
    subscription_id: Callable[[], str]
    admit: Callable[[Session], None]
    walk: Callable[[Block], Walk]
    offer: Callable[[Walk, Block, str], list[Shown]]
    publish: Callable[[Sequence[Shown], str], Sequence[Shown]]
    take_back: Callable[[list[Log]], list[Log]]
    log_witnesses: int
    vigil: Callable[[float], Vigil]
