"""In which order the providers are asked.

Rule: round robin over the providers that are not cooling down, then over those that are; each provider
appears once, so a request has at most as many attempts as there are providers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeVar

T = TypeVar("T")


def round_robin(providers: Sequence[T], turn: int, cooling: Collection[T]) -> list[T]:
    """All of `providers`; who comes first moves on by one with each turn."""
    fit = [provider for provider in providers if provider not in cooling]
    unfit = [provider for provider in providers if provider in cooling]
    return _rotate(fit, turn) + _rotate(unfit, turn)


def _rotate(providers: list[T], turn: int) -> list[T]:
    start = turn % len(providers) if providers else 0
    return providers[start:] + providers[:start]
