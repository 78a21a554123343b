"""One request through the gateway: ask the providers in turn until one gives an answer fit to pass on.

Rule: at most `attempts` attempts and `request_s` seconds, each attempt at another provider and with its
method's own deadline; only those behind the head that was shown are given a moment and asked again, when
nobody else could answer. What does more when asked twice goes elsewhere only if it was certainly not done.
What is passed on is byte for byte what a provider said. When all fail, the caller gets what the first of them
said if that was at least a JSON-RPC error of its own, else -32000 with the reasons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import trio

from battlectl.lab.gateway.attempts import Attempt
from battlectl.lab.gateway.filters import home_of
from battlectl.lab.gateway.judgement import Accepted, Complaint
from battlectl.lab.gateway.ledger import Asked, Handled, short
from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.questions import Question, needed_block
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


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What the caller gets: `provider` is who said it, None for the gateway's own words.

    `is_answer` unless it is the error that says that nobody could answer, or the first server error.
    """

    body: bytes
    provider: Provider | None
    is_answer: bool


async def forward(
    gateway: Gateway,
    question: Question,
    strategy: Strategy | None = None,
    transport: Transport = "http",
    only: Provider | None = None,
) -> Outcome:
    """The first answer fit to pass on, else the gateway's own; never raises for what providers do."""
    gateway.requests += 1
    began, known = gateway.clock(), gateway.providers
    ends = began + gateway.settings.request_s
    strategy = strategy or gateway.settings.default_strategy
    candidates = _candidates(gateway, question, strategy, transport, only)
    selection_s = gateway.clock() - began
    attempts = await _ask_until(gateway, question, candidates, transport, ends)
    if only is None and gateway.providers is not known and gateway.seams.may_go_on(question, attempts):
        # All that it could be offered to may have been replaced meanwhile.
        found = _candidates(gateway, question, strategy, transport, None)
        new = [provider for provider in found if provider not in known]
        attempts += await _ask_in_turn(gateway, question, new, transport, ends)
    conclusion = await _conclude(gateway, question, attempts, transport, ends)
    _write_down(gateway, question, attempts, conclusion)
    _keep(gateway, question, attempts, conclusion, began)
    return Outcome(conclusion.body, conclusion.provider, attempts, candidates, transport, selection_s)


def exhausted_body(question: Question, refusals: list[dict[str, str]]) -> bytes:
    """The error for each id; nothing at all when no id wants an answer."""
    error = RpcError(SERVER_ERROR, "no provider could answer", {"attempts": refusals})
    replies = [error_reply(id_, error) for id_ in question.ids]
    if not replies:
        return b""
    return msgspec.json.encode(replies if question.is_batch else replies[0])


def _candidates(
    gateway: Gateway, question: Question, strategy: Strategy, transport: Transport, only: Provider | None
) -> list[Provider]:
    needed = needed_block(question.calls)
    candidates = gateway.seams.choose(gateway, question.method, strategy, transport, needed, only)
    home = home_of(gateway.filters, question.calls)
    if home is not None:
        candidates.sort(key=lambda provider: provider.id != home)
    return candidates


async def _ask_until(
    gateway: Gateway, question: Question, candidates: list[Provider], transport: Transport, ends: float
) -> list[Attempt]:
    made = attempts = await _ask_in_turn(gateway, question, candidates, transport, ends)
    for pause in CATCH_UP_PAUSES:
        behind = [found.provider for found in made if _is_for_head(found)]
        if not behind or not gateway.seams.may_go_on(question, attempts) or gateway.clock() + pause >= ends:
            break
        await trio.sleep(pause)
        made = await _ask_in_turn(gateway, question, behind, transport, ends)
        attempts = attempts + made
    return attempts


async def _ask_in_turn(
    gateway: Gateway, question: Question, candidates: list[Provider], transport: Transport, ends: float
) -> list[Attempt]:
    """The attempts of one round: the last was accepted, or all failed."""
    left = candidates[: gateway.settings.attempts]
    made: list[Attempt] = []
    while left and gateway.clock() < ends and gateway.seams.may_go_on(question, made):
        provider = left.pop(0)
        if provider.is_retired:
            continue
        made.append(await gateway.seams.attempt(gateway, provider, question, transport, ends))
        if _is_for_head(made[-1]):
            left.sort(key=lambda provider: not _has_shown_head(gateway, provider))
    return made


def may_go_on(question: Question, attempts: Sequence[Attempt]) -> bool:
    """Whether the request may be offered to another provider."""
    verdict = attempts[-1].verdict if attempts else None
    return verdict is None or (
        isinstance(verdict, Complaint) and (question.is_repeatable or not verdict.may_have_acted)
    )


def _is_for_head(made: Attempt) -> bool:
    """Whether it was for the head that the answer could not be passed on."""
    return isinstance(made.verdict, Complaint) and made.verdict.blame == "head"


def _has_shown_head(gateway: Gateway, provider: Provider) -> bool:
    shown = gateway.shown_head
    return shown is not None and provider.head is not None and provider.head >= shown


async def _conclude(
    gateway: Gateway, question: Question, attempts: Sequence[Attempt], transport: Transport, ends: float
) -> Conclusion:
    last = attempts[-1] if attempts else None
    if (sent := await gateway.seams.settle(gateway, question, attempts, transport, ends)) is not None:
        return Conclusion(*sent, is_answer=True)
    if last is not None and isinstance(last.verdict, Accepted) and last.reply is not None:
        # What a provider says to a notification is nobody's business.
        return Conclusion(last.reply.body if question.ids else b"", last.provider, is_answer=True)
    if any(map(_is_for_head, attempts)) and _asks_for_head(question) and gateway.shown_head is not None:
        # The head that was shown exists: saying so again is true, and an older one would be going back.
        known = {"jsonrpc": "2.0", "id": question.ids[0], "result": hex(gateway.shown_head)}
        return Conclusion(msgspec.json.encode(known), None, is_answer=True)
    for made in attempts:
        if made.reply is not None and isinstance(made.verdict, Complaint) and made.verdict.blame == "method":
            return Conclusion(made.reply.body if question.ids else b"", made.provider, is_answer=False)
    return Conclusion(exhausted_body(question, _refusals(attempts)), None, is_answer=False)


def _asks_for_head(question: Question) -> bool:
    return not question.is_batch and question.method == "eth_blockNumber" and bool(question.ids)


def _refusals(attempts: Sequence[Attempt]) -> list[dict[str, str]]:
    return [
        {"provider": made.provider.id, "reason": made.verdict.reason}
        for made in attempts
        if isinstance(made.verdict, Complaint)
    ]


def _write_down(
    gateway: Gateway, question: Question, attempts: Sequence[Attempt], conclusion: Conclusion
) -> None:
    """What the answer means for the gateway's own account of itself."""
    now, provider = gateway.clock(), conclusion.provider
    gateway.traffic.count("requests", now)
    tried = {
        "method": question.method[:80],
        "to": None if provider is None else provider.id,
        "attempts": _refusals(attempts),
    }
    if not conclusion.is_answer:
        gateway.exhausted += 1
        gateway.traffic.count("failed", now)
        gateway.truth.record("rejected", **tried)
    elif tried["attempts"]:
        gateway.failed_over += 1
        gateway.traffic.count("failovers", now)
        gateway.truth.record("failover", **tried)


def _keep(
    gateway: Gateway,
    question: Question,
    attempts: Sequence[Attempt],
    conclusion: Conclusion,
    began: float,
) -> None:
    """The whole of it into the ledger."""
    now, provider = gateway.truth.clock(), conclusion.provider
    ahead = now - gateway.clock()
    accepted = attempts[-1].verdict if attempts else None
    failed = isinstance(accepted, Accepted) and any("error" in item for item in accepted.items)
    asked = tuple(
        Asked(
            provider=made.provider.id,
            breaker=made.breaker,
            at=ahead + made.began,
            until=ahead + made.began + made.seconds,
            failure=made.verdict.reason if isinstance(made.verdict, Complaint) else None,
        )
        for made in attempts
    )
    gateway.ledger.add(
        Handled(
            ids=tuple(map(short, question.ids)),
            method=short(question.method),
            at=ahead + began,
            until=now,
            to=None if provider is None else provider.id,
            is_ok=conclusion.is_answer and not failed,
            attempts=asked,
        )
    )
