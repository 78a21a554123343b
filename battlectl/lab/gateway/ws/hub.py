"""Who listens to what: feeds begin with their first listener and end with their last.

Rule: there is one feed for each provider that clients have tied themselves to and one for all others, and
on a feed one reading of logs for each filter, however many clients ask for it. A listener that must be
given up, because blocks would be missing, is told so and never simply forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
import trio

from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.gateway.ws.feed import Feed
from battlectl.lab.gateway.ws.links import Links
from battlectl.lab.gateway.ws.log_feed import LogFeed
from battlectl.lab.gateway.ws.walk import Shown
from battlectl.lab.rpc.log_filter import LogFilter

ANCHOR_SECONDS = 5.0


class NoFeed(Exception):
    """No provider tells where the chain is: nobody can be subscribed now."""


class Listener(Protocol):
    """A client's subscription."""

    def hear(self, event: bytes) -> None:
        """A header or a log as JSON, in order; must not wait."""

    def give_up(self, reason: str) -> None:
        """There is no more, and what comes next was left out."""


@dataclass(slots=True, eq=False)
class _Running:
    """Something under way for those who listen; over when `scope` is cancelled."""

    feed: Feed
    logs: LogFeed | None = None
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    listeners: list[Listener] = field(default_factory=list)
    holds: int = 0  # of those who wait for it to begin

    def show(self, shown: Shown) -> None:
        """A header for those who listen to heads."""
        self.tell(shown.block.header)

    def tell(self, event: dict[str, Any]) -> None:
        """An event, written as JSON once for all who listen."""
        if self.listeners:
            text = msgspec.json.encode(event)
            for listener in self.listeners.copy():
                listener.hear(text)


Key = tuple[Provider | None, LogFilter | None]
"""A feed has no filter; a reading of logs has one."""


class Hub:
    """Mutable: what is running. `run` must be running, for feeds live in its nursery."""

    def __init__(self, gateway: Gateway, stall_after: float | None = None) -> None:
        self._gateway = gateway
        self._stall_after = stall_after
        self._nursery: trio.Nursery | None = None
        self._running: dict[Key, _Running] = {}
        self.links = Links()

    async def run(self) -> None:
        """Carry links and feeds until cancelled."""
        self._gateway.posts["ws"] = self.links.post
        async with trio.open_nursery() as self._nursery:
            self._nursery.start_soon(self.links.run)

    async def listen_to_heads(self, only: Provider | None, listener: Listener) -> Callable[[], None]:
        """From now on, every block; returns what ends it. Raises NoFeed."""
        running = await self._feed(only)
        running.listeners.append(listener)
        return lambda: self._leave((only, None), running, listener)

    async def listen_to_logs(
        self, only: Provider | None, wanted: LogFilter, query: dict[str, Any], listener: Listener
    ) -> Callable[[], None]:
        """The same for the logs that pass a filter; `query` is the filter as eth_getLogs takes it."""
        feed = await self._feed(only)
        key = (only, wanted)
        running = self._running.get(key)
        if running is None:
            logs = LogFeed(self._gateway, feed.feed, query)
            running = self._begin(key, _Running(feed.feed, logs), logs.run)
            logs.listeners.append(running.tell)
        running.listeners.append(listener)
        return lambda: self._leave(key, running, listener)

    async def _feed(self, only: Provider | None) -> _Running:
        running = self._running.get((only, None))
        if running is None:
            feed = Feed(self._gateway, self.links, only, self._stall_after)
            running = self._begin((only, None), _Running(feed), feed.run)
            feed.listeners.append(running.show)
        running.holds += 1
        try:
            with trio.move_on_after(ANCHOR_SECONDS):
                await running.feed.anchored.wait()
        except trio.Cancelled:
            running.holds -= 1
            self._end_if_unheard((only, None))  # the client left before it was subscribed
            raise
        running.holds -= 1
        if running.feed.tip is None or self._running.get((only, None)) is not running:
            self._end_if_unheard((only, None))
            raise NoFeed
        return running

    def _begin(self, key: Key, running: _Running, run: Callable[[], Any]) -> _Running:
        async def carry() -> None:
            try:
                with running.scope:
                    await run()
            finally:
                if self._running.get(key) is running:
                    del self._running[key]
            self._give_up(running)
            self._end_if_unheard((key[0], None))

        if self._nursery is None:
            raise NoFeed
        self._running[key] = running
        self._nursery.start_soon(carry)
        return running

    def _give_up(self, running: _Running) -> None:
        reason = (running.logs or running.feed).lost or "the stream has ended"
        for listener in running.listeners:
            listener.give_up(reason)
        if running.logs is None:
            # Logs follow heads: who reads them along this feed has lost them too.
            for other in [r for r in self._running.values() if r.feed is running.feed]:
                assert other.logs is not None
                other.logs.lost = reason
                other.scope.cancel()

    def _leave(self, key: Key, running: _Running, listener: Listener) -> None:
        if listener in running.listeners:
            running.listeners.remove(listener)
        self._end_if_unheard(key)
        self._end_if_unheard((key[0], None))

    def _end_if_unheard(self, key: Key) -> None:
        """A feed is over when nobody listens to its heads nor reads logs along it."""
        running = self._running.get(key)
        if running is None or running.listeners or running.holds:
            return
        along = (r for k, r in self._running.items() if k != key and r.feed is running.feed)
        if key[1] is None and any(True for _ in along):
            return
        running.scope.cancel()
        del self._running[key]
