"""What a target must have for the faults of a scenario, and how much of it may be broken at once.

Rule: a provider that does not exist, or one more down than is allowed, is refused before anything is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from battlectl.plan.injection import Injection
from battlectl.quantities import format_duration
from battlectl.scenario.metrics import scope_kind
from battlectl.scenario.objectives import Objective
from battlectl.scenario.places import Mistake, Path
from battlectl.scenario.wording import nearest

if TYPE_CHECKING:
    from battlectl.scenario.chaos import Timing

WORDS = ("any", "all")


def check_providers(entries: Sequence[Timing], provider_ids: Sequence[str]) -> Iterator[Mistake]:
    """Faults at providers that the target does not have."""
    for number, entry in enumerate(entries):
        path: Path = ("chaos", number, entry.kind)
        if not provider_ids:
            message = "the target lists no providers: add `providers: [{id: provider_a}]` to its config file"
            yield Mistake(path, message)
            continue
        key = "providers" if entry.random is not None else "provider"
        for place, name in enumerate(entry.providers):
            if name not in (*WORDS, *provider_ids):
                yield Mistake((*path, key, place), _unknown(name, provider_ids))


def check_breakers(objectives: Sequence[Objective], provider_ids: Sequence[str]) -> Iterator[Mistake]:
    """Objectives about providers that the target does not have."""
    for number, objective in enumerate(objectives):
        name = objective.scope or ""
        if scope_kind(objective.metric) == "provider" and name not in provider_ids:
            yield Mistake(("objectives", number), _unknown(name, provider_ids))


def _unknown(name: str, provider_ids: Sequence[str]) -> str:
    return f'the target has no provider "{name}"{nearest(name, provider_ids)}'


def check_down(
    planned: Sequence[tuple[int, Injection]], providers: int, max_down: int | None
) -> Iterator[Mistake]:
    """The entries that take down more providers at once than is allowed; `planned` has their numbers."""
    allowed = providers - 1 if max_down is None else max_down
    told: set[int] = set()
    for number, injection in planned:
        down = _down_at(injection.at, [other for _, other in planned])
        if injection.takes_down and len(down) > allowed and number not in told:
            told.add(number)
            yield Mistake(("chaos", number), _too_many(injection, down, providers, allowed))


def _down_at(moment: float, injections: Sequence[Injection]) -> dict[str, str]:
    """The providers that are down at a moment, and the fault that did it."""
    return {
        provider: injection.name
        for injection in injections
        if injection.takes_down and injection.at <= moment < injection.until
        for provider in injection.providers
    }


def _too_many(injection: Injection, down: dict[str, str], providers: int, allowed: int) -> str:
    faults = ", ".join(dict.fromkeys(down.values()))
    when = format_duration(injection.at)
    return (
        f"{len(down)} of {providers} providers are down at {when} ({faults}), safety allows {allowed}: "
        f"break fewer, or raise it with `safety: {{max_providers_down: {len(down)}}}`"
    )
