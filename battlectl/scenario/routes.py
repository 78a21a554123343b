"""Where a workload's requests and connections go.

Rule: words name what is wanted (a strategy, one provider, ...) and the target's adapter knows the address of
it; `path` is the address itself, so the two exclude each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from battlectl.scenario.fields import Name, Strict
from battlectl.scenario.places import Mistake, Path

WORDS = ("chain", "profile", "strategy", "provider", "transport")
"""What a route may name instead of a path."""

AnyPath = Annotated[str, Field(pattern=r"^/[!-~]*$")]
CHAIN_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"


def _chain_text(value: Any) -> Any:
    """A chain id may be written as the number that it is."""
    return str(value) if type(value) is int and value >= 0 else value


Chain = Annotated[
    str,
    Field(pattern=CHAIN_PATTERN),
    BeforeValidator(_chain_text),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "pattern": CHAIN_PATTERN}, {"type": "integer", "minimum": 0}],
            "description": "a chain, by its name or its number",
        }
    ),
]


class HttpRoute(Strict):
    """Where the requests go: `path` is appended to nothing, it replaces the path of the target's URL.

    The words are for the target's adapter: `chain`, the `strategy` by which it chooses among providers, one
    `provider` and no other, the `transport` by which it asks its providers, `profile`.
    """

    path: AnyPath | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    chain: Chain | None = None
    strategy: Name | None = None
    provider: Name | None = None
    transport: Literal["http", "ws"] | None = None
    profile: Name | None = None


class WsRoute(Strict):
    """Where WebSockets go: `path` replaces that of the target's `ws_url`; the headers are the handshake's.

    The words are for the target's adapter, as over HTTP.
    """

    path: AnyPath | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    chain: Chain | None = None
    strategy: Name | None = None
    provider: Name | None = None
    profile: Name | None = None


def check_route(route: HttpRoute | WsRoute, path: Path) -> Iterator[Mistake]:
    """Words beside a path, and words that contradict each other."""
    if route.path is not None:
        for word in WORDS:
            if getattr(route, word, None) is not None:
                yield Mistake((*path, word), f"`path` is the whole address: leave one away, {word} or path")
    elif route.strategy is not None and route.provider is not None:
        message = "one provider leaves nothing to choose: leave one away, strategy or provider"
        yield Mistake((*path, "strategy"), message)
