"""What is asked of the target beside the load, what is held against it, and calls that go to two places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from battlectl.scenario.fields import Duration, Name, RateValue, Strict, Text
from battlectl.scenario.routes import HttpRoute

WATCHED = ("head", "chain", "consistency", "equality")
"""The checks that need somebody who asks, and reads the chain."""


class Watch(Strict):
    """`rate` rounds of questions a second, sent where `http` says, in the words of a workload.

    `notice` is what the target's config says unless it is written.
    """

    rate: RateValue = 1.0
    notice: Duration | None = None
    http: HttpRoute = Field(default_factory=HttpRoute)


def _long_watch(value: Any) -> Any:
    return {"rate": value} if isinstance(value, str) else value


AnyWatch = Annotated[Watch, BeforeValidator(_long_watch, json_schema_input_type=Text | Watch)]


def _lower(value: str) -> str:
    return value.lower()


Hash = Annotated[
    str, Field(pattern=r"^0[xX][0-9a-fA-F]{64}$", description="32 bytes in hex"), AfterValidator(_lower)
]


class HeadTolerance(Strict):
    """How far heads may be from the chain, in blocks, before it is held against the target.

    `back`: below what the same client was told before; `behind`: below where the chain had been for `within`;
    `ahead`: above where it is. A fault at a provider may go unnoticed for `notice`.
    """

    back: Annotated[int, Field(ge=0)] = 0
    behind: Annotated[int, Field(ge=0)] = 3
    ahead: Annotated[int, Field(ge=0)] = 5
    within: Duration = 3.0
    notice: Duration = 3.0


class OtherSide(HttpRoute):
    """Where the same calls go as well: another route of the target, or `node`, a provider asked itself."""

    node: Name | None = None


def watch_of(watch: Watch | None, checks: Mapping[str, str]) -> Watch | None:
    """What was written, else the default where a check was raised that needs it."""
    is_raised = any(checks.get(name, "note") != "note" for name in WATCHED)
    return watch or (Watch() if is_raised else None)
