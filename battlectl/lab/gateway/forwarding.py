"""One request through the gateway: ask the providers in turn until one gives an answer fit to pass on.

Rule: at most `attempts` attempts and `request_s` seconds, each attempt at another provider and with its
method's own deadline; only where all are behind the head that was shown are they given a moment and asked
again. What is passed on is byte for byte what a provider said. When all fail, the caller gets what the first
of them said if that was at least a JSON-RPC error of its own, else -32000 with the reasons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import trio

from battlectl.lab.gateway.attempts import Attempt, attempt
from battlectl.lab.gateway.filters import home_of
from battlectl.lab.gateway.judgement import Accepted, Complaint
from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.questions import Question, needed_block
from battlectl.lab.gateway.selection import choose_candidates
from battlectl.lab.gateway.settings import Strategy, Transport
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.rpc.envelope import SERVER_ERROR, RpcError, error_reply

CATCH_UP_PAUSES = (0.03, 0.1, 0.3)
"""Seconds. Providers learn of a block within moments of each other, so who is behind is soon not."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`provider` is None when the answer is the gateway's own.

    `candidates` are all that were considered, in order; `selection_s` is what choosing them took.
    """

    body: bytes
    provider: Provider | None
    attempts: Sequence[Attempt]
    candidates: Sequence[Provider]
    transport: Transport
    selection_s: float


async def forward(
    gateway: Gateway,
    question: Question,
    strategy: Strategy | None = None,
    transport: Transport = "http",
    only: Provider | None = None,
) -> Outcome:
    """The first answer fit to pass on, else the gateway's own; never raises for what providers do."""
    gateway.requests += 1
    began = gateway.clock()
    candidates = choose_candidates(
        gateway,
        question.method,
        strategy or gateway.settings.default_strategy,
        transport,
        needed_block(question.calls),
        only,
    )
    home = home_of(gateway.filters, question.calls)
    if home is not None:
        candidates.sort(key=lambda provider: provider.id != home)
    selection_s = gateway.clock() - began
    attempts = await _ask_until(gateway, question, candidates, transport, began + gateway.settings.request_s)
    body, provider = _conclude(gateway, question, attempts)
    _write_down(gateway, question, attempts, provider)
    return Outcome(body, provider, attempts, candidates, transport, selection_s)


def exhausted_body(question: Question, refusals: list[dict[str, str]]) -> bytes:
    """The error for each id; nothing at all when no id wants an answer."""
    error = RpcError(SERVER_ERROR, "no provider could answer", {"attempts": refusals})
    replies = [error_reply(id_, error) for id_ in question.ids]
    if not replies:
        return b""
    return msgspec.json.encode(replies if question.is_batch else replies[0])


async def _ask_until(
    gateway: Gateway, question: Question, candidates: list[Provider], transport: Transport, ends: float
) -> list[Attempt]:
    attempts = await _ask_in_turn(gateway, question, candidates, transport, ends)
    for pause in CATCH_UP_PAUSES:
        if not _is_behind(attempts) or gateway.clock() + pause >= ends:
            break
        await trio.sleep(pause)
        attempts += await _ask_in_turn(gateway, question, candidates, transport, ends)
    return attempts


async def _ask_in_turn(
    gateway: Gateway, question: Question, candidates: list[Provider], transport: Transport, ends: float
) -> list[Attempt]:
    """The attempts of one round: the last was accepted, or all failed."""
    left = candidates[: gateway.settings.attempts]
    made: list[Attempt] = []
    while left and gateway.clock() < ends:
        made.append(await attempt(gateway, left.pop(0), question, transport, ends))
        verdict = made[-1].verdict
        if isinstance(verdict, Accepted):
            break
        if verdict.blame == "head":
            left.sort(key=lambda provider: not _has_shown_head(gateway, provider))
    return made


def _has_shown_head(gateway: Gateway, provider: Provider) -> bool:
    shown = gateway.shown_head
    return shown is not None and provider.head is not None and provider.head >= shown


def _is_behind(attempts: Sequence[Attempt]) -> bool:
    """Whether it was for the head that nothing could be passed on."""
    return (
        bool(attempts)
        and isinstance(attempts[-1].verdict, Complaint)
        and any(isinstance(made.verdict, Complaint) and made.verdict.blame == "head" for made in attempts)
    )


def _conclude(
    gateway: Gateway, question: Question, attempts: Sequence[Attempt]
) -> tuple[bytes, Provider | None]:
    """The answer, and whose it is."""
    if attempts and isinstance(attempts[-1].verdict, Accepted) and attempts[-1].reply is not None:
        return attempts[-1].reply.body, attempts[-1].provider
    if _is_behind(attempts) and not question.is_batch and question.method == "eth_blockNumber":
        # The head that was shown exists: saying so again is true, and an older one would be going back.
        known = {"jsonrpc": "2.0", "id": question.ids[0], "result": hex(gateway.shown_head or 0)}
        return msgspec.json.encode(known), None
    for made in attempts:
        if made.reply is not None and isinstance(made.verdict, Complaint) and made.verdict.blame == "method":
            return made.reply.body, made.provider
    return exhausted_body(question, _refusals(attempts)), None


def _refusals(attempts: Sequence[Attempt]) -> list[dict[str, str]]:
    return [
        {"provider": made.provider.id, "reason": made.verdict.reason}
        for made in attempts
        if isinstance(made.verdict, Complaint)
    ]


def _write_down(
    gateway: Gateway, question: Question, attempts: Sequence[Attempt], provider: Provider | None
) -> None:
    """What the answer means for the gateway's own account of itself."""
    now = gateway.clock()
    gateway.traffic.count("requests", now)
    refusals = _refusals(attempts)
    if provider is None:
        gateway.exhausted += 1
        gateway.traffic.count("failed", now)
        gateway.truth.record("rejected", method=question.method[:80], attempts=refusals)
    elif refusals:
        gateway.failed_over += 1
        gateway.traffic.count("failovers", now)
        gateway.truth.record("failover", method=question.method[:80], to=provider.id, attempts=refusals)
