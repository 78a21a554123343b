"""How often a workload sends: the shapes of a rate. `plan/pacing.py` turns them into due times."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag

from battlectl.scenario.fields import AnyRate, Duration, PositiveDuration, RateValue, Strict


class ConstantRate(Strict):
    """Arrival k is due at start + k / rate."""

    constant: RateValue


class PoissonRate(Strict):
    """Exponential gaps with this mean rate, drawn from the seed."""

    poisson: RateValue


class RampRate(Strict):
    """The rate goes linearly from the first to the second over the workload's time."""

    ramp: Annotated[tuple[AnyRate, AnyRate], Field(strict=False)]


class RateStep(Strict):
    """One step: `for` may be left away in the last one, which then holds to the end."""

    rate: AnyRate
    for_: PositiveDuration | None = Field(default=None, alias="for")


class StepsRate(Strict):
    """Constant rates one after another."""

    steps: Annotated[tuple[RateStep, ...], Field(min_length=1, strict=False)]


class Burst(Strict):
    """A base rate with one stretch at a peak rate; `at` counts from the workload's start."""

    base: AnyRate
    peak: RateValue
    at: Duration
    for_: PositiveDuration = Field(alias="for")


class BurstRate(Strict):
    """See `Burst`."""

    burst: Burst


class ClosedUsers(Strict):
    """The closed model: each user sends, waits for the answer, thinks, sends again."""

    users: Annotated[int, Field(ge=1, le=10_000)]
    think: Duration = 0.0


SHAPES = ("constant", "poisson", "ramp", "steps", "burst", "users")


def _long_rate(value: Any) -> Any:
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return {"constant": value}
    return value


def _rate_shape(value: Any) -> str | None:
    if isinstance(value, dict):
        found = [shape for shape in SHAPES if shape in value]
        return found[0] if len(found) == 1 else None
    found = [shape for shape in SHAPES if hasattr(value, shape)]
    return found[0] if found else None


_Shape = Annotated[
    Annotated[ConstantRate, Tag("constant")]
    | Annotated[PoissonRate, Tag("poisson")]
    | Annotated[RampRate, Tag("ramp")]
    | Annotated[StepsRate, Tag("steps")]
    | Annotated[BurstRate, Tag("burst")]
    | Annotated[ClosedUsers, Tag("users")],
    Discriminator(
        _rate_shape,
        custom_error_type="rate_shape",
        custom_error_message='not a rate, try "200/s" or one of {poisson: 200/s}, {ramp: [50/s, 500/s]}, '
        "{steps: [...]}, {burst: {...}}, {users: 20}",
    ),
]
Rate = Annotated[_Shape, BeforeValidator(_long_rate, json_schema_input_type=RateValue | _Shape)]
