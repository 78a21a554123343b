"""One attempt at one provider: ask, judge the answer, and learn from it.

Rule: whatever comes of it is known exactly once: the breaker, the rate limit, the latency, the head and the
truth all hear of an attempt here and nowhere else. One that is cut short by its caller teaches nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import trio

from battlectl.lab.gateway import breaker as b
from battlectl.lab.gateway import latency
from battlectl.lab.gateway.filters import remember
from battlectl.lab.gateway.head_answers import heads_in
from battlectl.lab.gateway.heads import believe
from battlectl.lab.gateway.judgement import Accepted, Complaint
from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.questions import Question
from battlectl.lab.gateway.settings import Transport
from battlectl.lab.gateway.state import Gateway, release
from battlectl.lab.net import upstream
from battlectl.lab.net.upstream import NotConnected, Reply, UpstreamError

Verdict = Accepted | Complaint


@dataclass(frozen=True, slots=True)
class Attempt:
    """A provider that was asked: what it said, if anything, what that was judged to be, and after how long.

    `breaker` is the state in which it was asked, `began` when, on the gateway's clock.
    """

    provider: Provider
    breaker: b.State
    reply: Reply | None
    verdict: Verdict
    seconds: float
    began: float


async def attempt(
    gateway: Gateway, provider: Provider, question: Question, transport: Transport, ends: float
) -> Attempt:
    """Ask once, until the method's deadline or `ends`, and take what comes of it into account."""
    began = gateway.clock()
    breaker = provider.breaker(transport, began, gateway.truth)
    provider.breakers[transport] = b.begin(breaker)
    _count(gateway, provider, question, transport)
    provider.in_flight += 1
    reply: Reply | None = None
    verdict: Verdict = Complaint("given up by the client", "nobody")
    try:
        reply, verdict = await _ask(gateway, provider, question, transport, ends)
    finally:
        provider.in_flight -= 1
        made = Attempt(provider, breaker.state, reply, verdict, gateway.clock() - began, began)
        gateway.seams.learn(gateway, made, question, transport)
    if provider.is_retired:
        await release(provider)
    return made


async def _ask(
    gateway: Gateway, provider: Provider, question: Question, transport: Transport, ends: float
) -> tuple[Reply | None, Verdict]:
    post = gateway.posts.get(transport)
    if post is None:
        return None, Complaint(f"this gateway does not ask over {transport}", "nobody", may_have_acted=False)
    patience = max(
        (gateway.settings.deadline(call.method) for call in question.calls),
        default=gateway.settings.deadline(""),
    )
    remaining = ends - gateway.clock()
    with trio.move_on_after(min(patience, remaining)):
        if not question.is_repeatable:
            # What meets a kept connection that has ended is sent again by the pool.
            await upstream.close(provider.pool)
        try:
            reply = await post(provider, question.body, question.headers)
        except UpstreamError as error:
            return None, Complaint(str(error), may_have_acted=not isinstance(error, NotConnected))
        return reply, _judge(gateway, provider, reply, question)
    if remaining < patience:
        return None, Complaint("the request's own time was up", "nobody")
    return None, Complaint(f"no answer within {patience:g} s")


def _judge(gateway: Gateway, provider: Provider, reply: Reply, question: Question) -> Verdict:
    verdict = gateway.seams.judge(reply, question.ids, question.is_batch)
    if isinstance(verdict, Complaint):
        return verdict
    for head in heads_in(question.calls, verdict.items):
        _hear_of_head(gateway, provider, head)
    furthest = None if gateway.belief is None else gateway.belief.furthest(gateway.clock())
    items, shown = verdict.items, gateway.shown_head
    return gateway.seams.judge_heads(question.calls, items, shown, furthest) or verdict


def _hear_of_head(gateway: Gateway, provider: Provider, head: int) -> None:
    """A head further than expected is believed as soon as most say so: a chain may make a leap."""
    provider.saw_head(head)
    now = gateway.clock()
    if gateway.belief is not None and head > gateway.belief.furthest(now):
        others = [p for p in gateway.providers if p.is_probe_well and not p.is_wrong_chain]
        said = [p.head for p in {provider, *others} if p.head is not None]
        gateway.belief = believe(gateway.belief, said, now)


def _count(gateway: Gateway, provider: Provider, question: Question, transport: Transport) -> None:
    provider.attempts += 1
    gateway.traffic.count(f"to {provider.id}", gateway.clock())
    for call in question.calls:
        gateway.truth.attempts[provider.id, transport, gateway.truth.label(call.method)] += 1


def learn(gateway: Gateway, made: Attempt, question: Question, transport: Transport) -> None:
    """Take into account what came of an attempt."""
    if isinstance(made.verdict, Accepted):
        _learn_from_success(gateway, made, made.verdict, question, transport)
    else:
        _learn_from_failure(gateway, made, made.verdict, question, transport)


def _learn_from_success(
    gateway: Gateway, made: Attempt, verdict: Accepted, question: Question, transport: Transport
) -> None:
    provider, now = made.provider, gateway.clock()
    provider.served += 1
    provider.succeeded(transport, gateway.settings.breaker, gateway.truth, made.breaker)
    latency.renew(provider.latencies, question.method, made.seconds, now)
    gateway.traffic.latencies.append(made.seconds)
    for call in question.calls:
        gateway.truth.served[provider.id, transport, gateway.truth.label(call.method)] += 1
    remember(gateway.filters, question.calls, verdict.items, provider.id)
    for head in heads_in(question.calls, verdict.items):
        gateway.show(head)


def _learn_from_failure(
    gateway: Gateway, made: Attempt, verdict: Complaint, question: Question, transport: Transport
) -> None:
    provider, now, settings = made.provider, gateway.clock(), gateway.settings
    if verdict.blame == "provider":
        provider.failed(transport, now, settings.breaker, gateway.truth, verdict.reason, made.breaker)
        if made.seconds > (latency.known(provider.latencies, question.method, now) or made.seconds):
            # It hung: whoever looks for the fastest must see what that cost. A quick refusal is no speed.
            latency.renew(provider.latencies, question.method, made.seconds, now)
        return
    provider.abandoned(transport, made.breaker)
    if verdict.blame == "nobody":
        return
    provider.noted(verdict.reason)
    if verdict.blame == "rate":
        pause = settings.rate_limit_s if verdict.retry_after is None else verdict.retry_after
        provider.limit(now + min(pause, settings.longest_rate_limit_s), gateway.truth, verdict.reason)
    elif verdict.blame == "method":
        provider.sour(question.method, now)
