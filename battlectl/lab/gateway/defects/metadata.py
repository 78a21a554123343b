"""Defects of what the gateway says of each answer: who gave it, after how many attempts, how fast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from battlectl.lab.gateway.defects.defect import Defect
from battlectl.lab.gateway.forwarding import Outcome
from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.questions import Question
from battlectl.lab.gateway.settings import Strategy, Transport
from battlectl.lab.gateway.state import Gateway


def _tell(gateway: Gateway, change: Callable[[Outcome], Outcome]) -> None:
    """Have `change` rewrite what is told of a request, when everything has been done."""
    sound = gateway.seams.forward

    async def forward(
        gateway: Gateway,
        question: Question,
        strategy: Strategy | None,
        transport: Transport,
        only: Provider | None,
    ) -> Outcome:
        return change(await sound(gateway, question, strategy, transport, only))

    gateway.seams.forward = forward


def _name_the_first(outcome: Outcome) -> Outcome:
    if outcome.provider is None or not outcome.attempts:
        return outcome
    return replace(outcome, provider=outcome.attempts[0].provider)


DEFECTS = (
    Defect(
        name="metadata-names-first-provider",
        area="metadata",
        summary="the provider named in an answer is the one asked first, not the one that gave it",
        when="whenever a request fails over",
        finding="metadata",
        plant=lambda gateway: _tell(gateway, _name_the_first),
    ),
)
