"""The parts of an entry of `chaos`: which providers, at what moment, and faults that are drawn."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema

from battlectl.scenario.chaos_kinds import FAULTS, FaultKind
from battlectl.scenario.fields import Duration, Name, PositiveDuration, Strict
from battlectl.scenario.wording import nearest

ANY, ALL = "any", "all"
MOST_REPEATS = 100

_PROVIDERS = 'names no provider, try provider_a, [provider_a, provider_b], "any" or "all"'


def _list_providers(value: Any) -> Any:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(_PROVIDERS)
    return value


def _check_providers(names: tuple[str, ...]) -> tuple[str, ...]:
    for word in (ANY, ALL):
        if word in names and len(names) > 1:
            raise ValueError(f'"{word}" stands alone: leave the other names away')
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f'"{twice}" is there twice: remove one')
    return names


Providers = Annotated[
    tuple[Name, ...],
    Field(min_length=1, strict=False, description="a provider, a list of them, any (by the seed) or all"),
    BeforeValidator(
        _list_providers, json_schema_input_type=Name | Annotated[list[Name], Field(min_length=1)]
    ),
    AfterValidator(_check_providers),
]


class FaultOptions(Strict):
    """Where a fault strikes; the parameters of its kind stand beside."""

    provider: Providers


class Moment(Strict):
    """A time relative to the start of a phase."""

    in_: Name = Field(alias="in")
    after: Duration = 0.0


def _moment_shape(value: Any) -> str:
    return "phase" if isinstance(value, dict | Moment) else "start"


At = Annotated[
    Annotated[Duration, Tag("start")] | Annotated[Moment, Tag("phase")], Discriminator(_moment_shape)
]
"""Seconds from the start of the run, warm-up included, or a moment of a phase."""


def _check_kind(name: str) -> str:
    if name not in FAULTS:
        raise ValueError(f'there is no fault "{name}"{nearest(name, FAULTS)}')
    missing = FAULTS[name].required()
    if missing:
        raise ValueError(
            f'"{name}" needs its {missing[0]}: write it as an entry of its own, or leave it away'
        )
    return name


DrawnKind = Annotated[
    str,
    AfterValidator(_check_kind),
    WithJsonSchema({"enum": [name for name, kind in FAULTS.items() if not kind.required()]}),
]


def _two_lengths(value: Any) -> Any:
    return (value, value) if isinstance(value, str) else value


class RandomFaults(Strict):
    """Faults drawn from the seed: `count` of them, one after another, with at least `gap` in between.

    Each strikes one of `providers` for a time between the two of `for`, within the phase `in` (default:
    `battle`). A kind that stands twice among `kinds` is drawn twice as often.
    """

    kinds: Annotated[tuple[DrawnKind, ...], Field(min_length=1, strict=False)]
    count: Annotated[int, Field(ge=1, le=MOST_REPEATS)]
    for_: Annotated[
        tuple[PositiveDuration, PositiveDuration],
        Field(alias="for", strict=False),
        BeforeValidator(
            _two_lengths,
            json_schema_input_type=PositiveDuration | tuple[PositiveDuration, PositiveDuration],
        ),
    ]
    in_: Name | None = Field(default=None, alias="in")
    providers: Providers = (ALL,)
    gap: Duration = 1.0

    def fault(self, name: str) -> FaultKind:
        """One of the kinds by its name."""
        return FAULTS[name]
