"""One request through the gateway: ask the providers in turn until one answers.

Rule: at most one attempt per provider, each with its own time limit; what is passed on is byte for byte
what the provider said. When all fail, the caller gets JSON-RPC -32000 with its own id, and the reasons.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import trio

from battlectl.lab.gateway import cooldown
from battlectl.lab.gateway.judgement import Complaint, judge_reply
from battlectl.lab.gateway.routing import round_robin
from battlectl.lab.net import upstream
from battlectl.lab.net.upstream import Pool, UpstreamError
from battlectl.lab.rpc.envelope import SERVER_ERROR, RpcError, error_reply


@dataclass(slots=True, eq=False)
class Provider:
    """One upstream and what the gateway knows of it. It changes with every attempt."""

    id: str
    url: str
    pool: Pool
    health: cooldown.Health = field(default_factory=cooldown.Health)
    attempts: int = 0
    failures: int = 0


@dataclass(slots=True)
class Gateway:
    """The providers, the turn, and the gateway's own count of what it did."""

    providers: tuple[Provider, ...]
    attempt_timeout: float
    turns: Iterator[int] = field(default_factory=itertools.count)
    requests: int = 0
    failed_over: int = 0
    exhausted: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """A request to forward: its bytes, the ids that want an answer, and whether it is a batch."""

    body: bytes
    ids: list[Any]
    is_batch: bool
    headers: list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`provider` is None when all have failed and the answer is the gateway's own."""

    status: int
    body: bytes
    provider: str | None
    attempts: int


async def forward(gateway: Gateway, question: Question) -> Outcome:
    """The first answer fit to pass on, else the gateway's own; never raises for what providers do."""
    gateway.requests += 1
    refusals: list[dict[str, str]] = []
    for provider in _candidates(gateway):
        outcome = await _attempt(gateway, provider, question)
        if isinstance(outcome, upstream.Reply):
            gateway.failed_over += bool(refusals)
            return Outcome(outcome.status, outcome.body, provider.id, len(refusals) + 1)
        refusals.append({"provider": provider.id, "reason": outcome.reason})
    gateway.exhausted += 1
    return Outcome(200, exhausted_body(question, refusals), None, len(refusals))


def exhausted_body(question: Question, refusals: list[dict[str, str]]) -> bytes:
    """The error for each id; nothing at all when no id wants an answer."""
    error = RpcError(SERVER_ERROR, "all providers failed", {"attempts": refusals})
    replies = [error_reply(id_, error) for id_ in question.ids]
    if not replies:
        return b""
    return msgspec.json.encode(replies if question.is_batch else replies[0])


def _candidates(gateway: Gateway) -> list[Provider]:
    now = trio.current_time()
    cooling = [provider for provider in gateway.providers if cooldown.is_cooling(provider.health, now)]
    return round_robin(gateway.providers, next(gateway.turns), cooling)


async def _attempt(gateway: Gateway, provider: Provider, question: Question) -> upstream.Reply | Complaint:
    provider.attempts += 1
    result = await _ask(provider, question, gateway.attempt_timeout)
    if not isinstance(result, Complaint):
        provider.health = cooldown.after_success(provider.health)
        return result
    provider.failures += 1
    if result.is_ill:
        provider.health = cooldown.after_failure(trio.current_time(), result.reason)
    return result


async def _ask(provider: Provider, question: Question, patience: float) -> upstream.Reply | Complaint:
    """The provider's reply, or what is wrong with it or with its absence."""
    with trio.move_on_after(patience):
        try:
            reply = await upstream.post(provider.pool, question.body, question.headers)
        except UpstreamError as error:
            return Complaint(str(error))
        return judge_reply(reply, question.ids, question.is_batch) or reply
    return Complaint(f"no answer within {patience:g} s")
