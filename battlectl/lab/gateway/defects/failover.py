"""Defects of failover: whom the gateway asks next, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import trio

from battlectl.lab.gateway.attempts import Attempt
from battlectl.lab.gateway.breaker import Breaker
from battlectl.lab.gateway.defects.defect import Defect
from battlectl.lab.gateway.defects.wrapping import Document, change_choice, change_replies
from battlectl.lab.gateway.judgement import SERVER_ERRORS, Accepted, Complaint
from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.questions import Question
from battlectl.lab.gateway.settings import Transport
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.net.upstream import Reply

PAUSE_SECONDS = 1.5
STORM = 6  # attempts at one provider


def _look_at_the_status_only(gateway: Gateway) -> None:
    sound = gateway.seams.judge

    def judge(reply: Reply, ids: list[Any], is_batch: bool) -> Accepted | Complaint:
        verdict = sound(reply, ids, is_batch)
        if reply.status != 200 or isinstance(verdict, Accepted) or verdict.blame == "provider":
            return verdict
        value = msgspec.json.decode(reply.body)
        return Accepted(value if isinstance(value, list) else [value])

    gateway.seams.judge = judge


def _read_no_body(gateway: Gateway) -> None:
    sound = gateway.seams.judge

    def judge(reply: Reply, ids: list[Any], is_batch: bool) -> Accepted | Complaint:
        verdict = sound(reply, ids, is_batch)
        is_unread = isinstance(verdict, Complaint) and verdict.blame == "provider" and reply.status == 200
        return Accepted([]) if is_unread else verdict

    gateway.seams.judge = judge


def _stop_after(gateway: Gateway, *reasons: str) -> None:
    """Ask nobody else after an attempt that failed for one of these reasons."""
    sound = gateway.seams.may_go_on

    def may_go_on(question: Question, attempts: Sequence[Attempt]) -> bool:
        verdict = attempts[-1].verdict if attempts else None
        is_last = isinstance(verdict, Complaint) and verdict.reason.startswith(reasons)
        return not is_last and sound(question, attempts)

    gateway.seams.may_go_on = may_go_on


def _stay_with_the_first(gateway: Gateway) -> None:
    change_choice(gateway, lambda found: found[:1] * gateway.settings.attempts)


def _give_up_after_one(gateway: Gateway) -> None:
    gateway.settings = msgspec.structs.replace(gateway.settings, attempts=1)


def _ask_all_about_errors(gateway: Gateway) -> None:
    sound = gateway.seams.judge

    def judge(reply: Reply, ids: list[Any], is_batch: bool) -> Accepted | Complaint:
        verdict = sound(reply, ids, is_batch)
        if isinstance(verdict, Complaint) or len(verdict.items) != 1 or "error" not in verdict.items[0]:
            return verdict
        return Complaint(f"error {verdict.items[0]['error']['code']}", "method", may_have_acted=False)

    gateway.seams.judge = judge
    # Whatever else happens, none of them is held against the provider's method.
    sound_learn = gateway.seams.learn

    def learn(gateway: Gateway, made: Attempt, question: Question, transport: Transport) -> None:
        sound_learn(gateway, made, question, transport)
        made.provider.sour_until.clear()

    gateway.seams.learn = learn


def _forget_what_was_said(question: Question, reply: Document) -> Document:
    error = reply.get("error")
    if error is None or error["code"] not in SERVER_ERRORS:
        return reply
    return {**reply, "error": {"code": -32603, "message": "Internal error"}}


def _settle_nothing(gateway: Gateway) -> None:
    async def settle(*question: object) -> None:
        return None

    gateway.seams.settle = settle


def _repeat_everything(gateway: Gateway) -> None:
    gateway.seams.may_go_on = lambda question, attempts: (
        not (attempts and isinstance(attempts[-1].verdict, Accepted))
    )


def _storm(gateway: Gateway) -> None:
    sound = gateway.seams.attempt

    async def attempt(
        gateway: Gateway, provider: Provider, question: Question, transport: Transport, ends: float
    ) -> Attempt:
        made = await sound(gateway, provider, question, transport, ends)
        for _ in range(STORM - 1):
            if isinstance(made.verdict, Accepted) or gateway.clock() >= ends:
                break
            made = await sound(gateway, provider, question, transport, ends)
        return made

    gateway.seams.attempt = attempt
    # Who repeats beneath the breakers does not look at them.
    rank = gateway.seams.rank
    gateway.seams.rank = lambda provider, breaker, now, method, needed: rank(
        provider, Breaker(), now, method, needed
    )


def _wait_before_the_next(gateway: Gateway) -> None:
    sound = gateway.seams.attempt

    async def attempt(
        gateway: Gateway, provider: Provider, question: Question, transport: Transport, ends: float
    ) -> Attempt:
        made = await sound(gateway, provider, question, transport, ends)
        if isinstance(made.verdict, Complaint):
            await trio.sleep(PAUSE_SECONDS)
        return made

    gateway.seams.attempt = attempt


DEFECTS = (
    Defect(
        name="failover-by-http-status",
        area="failover",
        summary="a rate limit or server error inside a 200 reaches the client: nobody else is asked",
        when="while a provider answers 200 with a JSON-RPC error such as -32005 or -32603",
        finding="availability",
        plant=_look_at_the_status_only,
    ),
    Defect(
        name="body-not-read",
        area="failover",
        summary="a 200 that is no JSON-RPC reply reaches the client: HTML, half a document, another's id",
        when="while a provider answers 200 with something else than the reply",
        finding="replies",
        plant=_read_no_body,
    ),
    Defect(
        name="timeouts-not-retried",
        area="failover",
        summary="the client gets an error after the deadline although other providers are well",
        when="while a provider hangs, until its breaker opens, and at each trial",
        finding="availability",
        plant=lambda gateway: _stop_after(gateway, "no answer within"),
    ),
    Defect(
        name="refusals-not-retried",
        area="failover",
        summary="the client gets an error at once although other providers are well",
        when="while a provider refuses or resets connections, until its breaker opens, and at each trial",
        finding="availability",
        plant=lambda gateway: _stop_after(gateway, "no connection", "closed without", "broken answer"),
    ),
    Defect(
        name="retries-same-provider",
        area="failover",
        summary="all attempts of a request go to the provider that failed it, and the client gets an error",
        when="while a provider fails, until its breaker opens, and at each trial",
        finding="failover",
        plant=_stay_with_the_first,
    ),
    Defect(
        name="gives-up-after-one",
        area="failover",
        summary="the first failure of a provider is the client's",
        when="while a provider fails, until its breaker opens, and at each trial",
        finding="availability",
        plant=_give_up_after_one,
    ),
    Defect(
        name="reverts-fail-over",
        area="failover",
        summary="every provider is asked what the first has refused for good, before the client hears it",
        when="whenever a call reverts (3) or is refused (-32602, -32601)",
        finding="amplification",
        plant=_ask_all_about_errors,
    ),
    Defect(
        name="provider-error-lost",
        area="failover",
        summary="the client gets `Internal error`: the code, message and data that providers gave are gone",
        when="while all providers answer with a server error",
        finding="errors",
        plant=lambda gateway: change_replies(gateway, _forget_what_was_said),
    ),
    Defect(
        name="sent-transaction-reported-failed",
        area="failover",
        summary="a raw transaction that was sent is reported as an error (`already known`)",
        when="when the answer to eth_sendRawTransaction is lost and the next provider knows the transaction",
        finding="errors",
        plant=_settle_nothing,
    ),
    Defect(
        name="writes-repeated",
        area="failover",
        summary="what must be done once (eth_sendTransaction, evm_mine) is done again at the next provider",
        when="when the answer to such a call is lost: a provider hangs, resets or answers with an error",
        finding="safety",
        plant=_repeat_everything,
    ),
    Defect(
        name="retry-storm",
        area="failover",
        summary="each provider that fails a request is asked six times before the next is, breaker or not",
        when="while a provider fails",
        finding="amplification",
        plant=_storm,
    ),
    Defect(
        name="failover-waits",
        area="failover",
        summary="a request that fails over takes a second and a half longer than it must, for each failure",
        when="while a provider fails, until its breaker opens, and at each trial",
        finding="latency",
        plant=_wait_before_the_next,
    ),
)
