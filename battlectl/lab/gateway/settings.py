"""What a gateway is told to be: one frozen document, read from JSON.

Rule: every number the gateway acts on has its default here and nowhere else. Times are in seconds.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

Revision = Literal["current", "2025-10"]
Strategy = Literal["fastest", "cheapest", "priority", "round-robin", "load-balanced", "latency-weighted"]
Transport = Literal["http", "ws"]

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Count = Annotated[int, msgspec.Meta(ge=1)]

ANY_METHOD = "*"
FACTORS = {
    "eth_blockNumber": 1.0,
    "eth_chainId": 1.0,
    "eth_call": 2.0,
    "eth_estimateGas": 2.0,
    "eth_feeHistory": 2.0,
    "eth_getLogs": 4.0,
    "debug_traceTransaction": 8.0,
}
"""How much longer than the plainest method these may take."""


class ProviderSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One upstream; a lower `priority` is asked earlier; without `ws_url` it carries no WebSocket."""

    id: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_.-]+$", max_length=100)]
    url: str
    ws_url: str | None = None
    priority: int = 1
    tier: Literal["free", "paid"] = "free"
    name: str = ""


class BreakerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`failures` in a row open a breaker for `open_s`, then `growth` times as long, at most `longest_s`."""

    failures: Count = 3
    open_s: Seconds = 1.0
    growth: Annotated[float, msgspec.Meta(ge=1)] = 2.0
    longest_s: Seconds = 5.0
    successes: Count = 2


def default_deadlines(attempt_s: float = 2.0) -> dict[str, float]:
    """How long one attempt may take, by method, when the plainest may take `attempt_s`."""
    return {ANY_METHOD: attempt_s, **{method: attempt_s * factor for method, factor in FACTORS.items()}}


class GatewaySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A gateway: one chain, its providers, and how it treats them.

    `attempts` bounds what one request may cost, `request_s` how long it may last with all its attempts.
    `strategy` is for requests that name none; None is what the revision does. `defects` are planted in it, to
    see whether they are found: docs/defects.md has their names.
    """

    providers: tuple[ProviderSettings, ...]
    chain_name: str = "battlechain"
    chain_id: int = 999
    chain_title: str = "Battle Chain"
    revision: Revision = "current"
    strategy: Strategy | None = None
    profiles: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = ("public",)
    attempts: Count = 4
    deadlines: dict[str, Seconds] = msgspec.field(default_factory=default_deadlines)
    request_s: Seconds = 20.0
    breaker: BreakerSettings = BreakerSettings()
    rate_limit_s: Seconds = 1.0
    longest_rate_limit_s: Seconds = 60.0
    probe_s: Seconds = 1.0
    lag_limit: Annotated[int, msgspec.Meta(ge=0)] = 2
    batch_limit: Count = 50
    genesis_hash: str | None = None
    defects: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """ValueError, which msgspec makes a ValidationError, for what cannot be served."""
        for id_, count in Counter(provider.id for provider in self.providers).items():
            if count > 1:
                raise ValueError(f'two providers are called "{id_}"')
        for provider in self.providers:
            check_urls(provider)
        if self.defects:
            from battlectl.lab.gateway.defects.table import check_names  # which imports all of the gateway

            check_names(self.defects)

    @property
    def default_strategy(self) -> Strategy:
        """The strategy of a request that names none."""
        return self.strategy or ("load-balanced" if self.revision == "current" else "cheapest")

    def deadline(self, method: str) -> float:
        """How long one attempt at `method` may take."""
        longest = self.deadlines.get(method)
        return longest if longest is not None else self.deadlines.get(ANY_METHOD, 2.0)


def check_urls(provider: ProviderSettings) -> None:
    """ValueError for a URL of the wrong kind; no URL is quoted, for it may hold a key."""
    for url, schemes in ((provider.url, ("http", "https")), (provider.ws_url, ("ws", "wss"))):
        if url is None:
            continue
        parts = urlsplit(url)
        if parts.scheme not in schemes or not parts.hostname or parts.port == 0:
            raise ValueError(f"{provider.id}: a URL as in {schemes[0]}://127.0.0.1:8545 is wanted")
