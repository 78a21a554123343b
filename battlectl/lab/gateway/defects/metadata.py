"""Defects of what the gateway says of each answer: who gave it, after how many attempts, how fast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from battlectl.lab.gateway.defects.defect import Defect
from battlectl.lab.gateway.defects.wrapping import change_answers, change_outcomes
from battlectl.lab.gateway.forwarding import Outcome
from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.questions import Question
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.net.wire import Request, Response

FASTER = 0.1
OURS = (b"x-lab-", b"x-lasso-")
MIX_UP = 1 / 5


def _tell(change: Callable[[Outcome], Outcome]) -> Callable[[Gateway], None]:
    """Plants another account of requests that providers were asked about."""

    def rewrite(question: Question, outcome: Outcome) -> Outcome:
        return change(outcome) if outcome.provider is not None and outcome.attempts else outcome

    return lambda gateway: change_outcomes(gateway, rewrite)


def _name_the_first(outcome: Outcome) -> Outcome:
    return replace(outcome, provider=outcome.attempts[0].provider)


def _count_the_last(outcome: Outcome) -> Outcome:
    return replace(outcome, attempts=[m for m in outcome.attempts if m.provider is outcome.provider][-1:])


def _make_faster(outcome: Outcome) -> Outcome:
    return replace(outcome, attempts=[replace(m, seconds=m.seconds * FASTER) for m in outcome.attempts])


def _mix_up(gateway: Gateway) -> None:
    """Who served is kept in one place for all requests, and another request may have written there."""
    before: list[Provider] = []

    def rewrite(outcome: Outcome) -> Outcome:
        assert outcome.provider is not None
        theirs, before[:] = before.copy(), [outcome.provider]
        if not theirs or gateway.chance.random() >= MIX_UP:
            return outcome
        *earlier, last = outcome.attempts
        return replace(outcome, provider=theirs[0], attempts=[*earlier, replace(last, provider=theirs[0])])

    _tell(rewrite)(gateway)


def _say_nothing_after_failover(gateway: Gateway) -> None:
    def strip(request: Request, response: Response) -> Response:
        if dict(response.headers).get(b"x-lab-attempts") in (b"0", b"1", None):
            return response
        return replace(response, headers=[(k, v) for k, v in response.headers if not k.startswith(OURS)])

    change_answers(gateway, strip)


FAILED_OVER = "whenever a request fails over"

DEFECTS = (
    Defect(
        name="metadata-names-first-provider",
        area="metadata",
        summary="the provider named in an answer is the one asked first, not the one that gave it",
        when=FAILED_OVER,
        finding="metadata",
        plant=_tell(_name_the_first),
    ),
    Defect(
        name="metadata-names-another",
        area="metadata",
        summary="the provider named in an answer is the one that served the request before",
        when="one answer in five; shows where providers take turns",
        finding="metadata",
        plant=_mix_up,
    ),
    Defect(
        name="metadata-one-attempt",
        area="metadata",
        summary="each answer says that it took one attempt and no retry",
        when=FAILED_OVER,
        finding="metadata",
        plant=_tell(_count_the_last),
    ),
    Defect(
        name="metadata-missing-after-failover",
        area="metadata",
        summary="the headers that say who answered are missing where it matters",
        when=FAILED_OVER,
        finding="metadata",
        plant=_say_nothing_after_failover,
    ),
    Defect(
        name="metadata-latency-invented",
        area="metadata",
        summary="the upstream latency told is a tenth of what it was",
        when="always, for those who ask for metadata; best while providers are slow",
        finding="metadata",
        plant=_tell(_make_faster),
    ),
)
