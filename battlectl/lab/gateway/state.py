"""The gateway's state: its settings, its providers, the head it has shown, and what it counts.

Rule: a new configuration keeps the providers that stay as they are (breakers and all) and retires the
others: what is under way at a retired provider is finished, and nothing new begins there.
"""

from __future__ import annotations

import itertools
import random
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import msgspec
import trio

from battlectl.lab.gateway.filters import Homes
from battlectl.lab.gateway.heads import Belief
from battlectl.lab.gateway.ledger import Ledger
from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.seams import Seams
from battlectl.lab.gateway.settings import GatewaySettings, ProviderSettings, Transport
from battlectl.lab.gateway.traffic import Traffic
from battlectl.lab.gateway.truth import Truth
from battlectl.lab.net import upstream
from battlectl.lab.net.upstream import Reply, pool_for
from battlectl.lab.net.wire import Headers

Post = Callable[[Provider, bytes, Headers], Awaitable[Reply]]
"""One attempt: the JSON-RPC body goes to the provider, its answer comes back; raises UpstreamError."""


async def post_over_http(provider: Provider, body: bytes, headers: Headers) -> Reply:
    """The attempt over the provider's keep-alive pool."""
    return await upstream.post(provider.pool, body, headers)


@dataclass(slots=True, eq=False)
class Gateway:
    """`posts` has a way to ask per transport: HTTP always, WebSocket once gateway/ws has put its own there.

    `shown_head` is the newest block that an answer has shown, and `shown_at` when a provider was last known
    to be there; `belief` is what the probes say of it, `genesis` what they agreed the chain to be. `changed`
    is set, and replaced, whenever the providers are others than before.
    """

    settings: GatewaySettings
    providers: tuple[Provider, ...]
    seams: Seams
    truth: Truth = field(default_factory=Truth)
    ledger: Ledger = field(default_factory=Ledger)
    traffic: Traffic = field(default_factory=Traffic)
    posts: dict[Transport, Post] = field(default_factory=lambda: {"http": post_over_http})
    chance: random.Random = field(default_factory=random.Random)
    filters: Homes = field(default_factory=OrderedDict)
    turns: Iterator[int] = field(default_factory=itertools.count)
    clock: Callable[[], float] = trio.current_time
    shown_head: int | None = None
    belief: Belief | None = None
    shown_at: float = float("-inf")
    genesis: str | None = None
    is_serving: bool = True
    started_at: float = field(default_factory=time.time)
    changed: trio.Event = field(default_factory=trio.Event)
    requests: int = 0
    failed_over: int = 0
    exhausted: int = 0

    def uptime(self) -> float:
        """Seconds since it was built."""
        return self.truth.clock() - self.started_at

    def show(self, head: int) -> None:
        """An answer is about to show this head to a client."""
        if self.shown_head is None or head >= self.shown_head:
            self.shown_head, self.shown_at = head, self.clock()

    @property
    def believed_head(self) -> int | None:
        """The newest block worth believing; None before anybody has named one."""
        return None if self.belief is None else self.belief.head

    def find(self, id_: str) -> Provider | None:
        """The provider of that name."""
        return next((provider for provider in self.providers if provider.id == id_), None)


def new_provider(settings: ProviderSettings) -> Provider:
    """A provider of which nothing is known yet."""
    return Provider(settings, pool_for(settings.url))


async def configure(gateway: Gateway, settings: GatewaySettings, is_serving: bool = True) -> None:
    """Put new settings in force, and return when they are."""
    kept = {provider.settings: provider for provider in gateway.providers}
    old = gateway.providers
    gateway.settings, gateway.is_serving = settings, is_serving
    new = gateway.seams.new_provider
    gateway.providers = tuple(kept.get(wanted) or new(wanted) for wanted in settings.providers)
    if not any(provider in old for provider in gateway.providers):
        gateway.genesis = gateway.shown_head = gateway.belief = None  # it may be another chain
    gateway.truth.record("configuration", providers=[provider.id for provider in gateway.providers])
    gateway.changed, told = trio.Event(), gateway.changed
    told.set()
    for provider in old:
        if provider not in gateway.providers:
            provider.is_retired = True
            await upstream.close(provider.pool)


async def release(provider: Provider) -> None:
    """An attempt is over: with the last one at a retired provider, its connections are closed too."""
    if provider.is_retired and not provider.in_flight:
        await upstream.close(provider.pool)


def settings_json(settings: GatewaySettings) -> bytes:
    """The document that `read_settings` reads."""
    return msgspec.json.encode(settings)


def read_settings(text: str | bytes) -> GatewaySettings:
    """The settings in a JSON document; raises msgspec.ValidationError that says what is wrong."""
    return msgspec.json.decode(text, type=GatewaySettings)
