"""Field types of scenario and config files: quantities with units, names, and the strict base model.

Rule: each type is both its parser and its JSON Schema, so the two cannot disagree.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from battlectl import quantities

BYTE_RATE_PATTERN = r"^[0-9].*B\s*/\s*s$"
"""Whole kilobytes per second."""
NAME_PATTERN = r"^[A-Za-z][A-Za-z0-9_-]{0,63}$"


class Strict(BaseModel):
    """A mapping in a file: frozen, unknown keys refused, no silent conversions."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _text(pattern: str, example: str, what: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": [example], "description": what})


def _positive(value: float, example: str) -> float:
    if value <= 0:
        raise ValueError(f'must be more than zero, try "{example}"')
    return value


def _parse_positive_duration(value: Any) -> float:
    return _positive(quantities.parse_duration(value), "30s")


def _parse_positive_rate(value: Any) -> float:
    return _positive(quantities.parse_rate(value), "200/s")


Duration = Annotated[
    float,
    BeforeValidator(quantities.parse_duration),
    _text(quantities.DURATION_PATTERN, "30s", "a duration with its unit"),
]
PositiveDuration = Annotated[
    float,
    BeforeValidator(_parse_positive_duration),
    _text(quantities.DURATION_PATTERN, "30s", "a duration with its unit, more than zero"),
]
RateValue = Annotated[
    float,
    BeforeValidator(_parse_positive_rate),
    _text(quantities.RATE_PATTERN, "200/s", "a rate with its unit"),
]
AnyRate = Annotated[
    float,
    BeforeValidator(quantities.parse_rate),
    _text(quantities.RATE_PATTERN, "200/s", "a rate with its unit; zero is allowed here"),
]
Ratio = Annotated[
    float,
    BeforeValidator(quantities.parse_ratio),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": quantities.RATIO_PATTERN},
                {"type": "number", "minimum": 0, "maximum": 1},
            ],
            "examples": ["99.9%"],
            "description": "a share, in per cent or between 0 and 1",
        }
    ),
]
Size = Annotated[
    int,
    BeforeValidator(quantities.parse_size),
    _text(quantities.SIZE_PATTERN, "8MiB", "a size with its unit"),
]
Name = Annotated[str, Field(pattern=NAME_PATTERN, description="letters, digits, _ and -, at most 64")]
Text = Annotated[str, Field(min_length=1, max_length=10_000)]
Url = Annotated[str, Field(pattern=r"^https?://[!-~]+$", description="an http or https URL")]
WsUrl = Annotated[str, Field(pattern=r"^wss?://[^\s]+$", description="a ws or wss URL")]
