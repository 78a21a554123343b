"""The logs of one filter, block by block along a feed.

Rule: the logs of each block that the feed publishes are read by its hash, for a stream of logs cannot show
that it is complete: what it leaves out leaves no trace. A block is read until somebody knows its logs or
it is off the branch. Clients that ask for the same filter share one reading.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio

from battlectl.lab.gateway.state import Gateway
from battlectl.lab.gateway.ws import inquiry
from battlectl.lab.gateway.ws.block import Place
from battlectl.lab.gateway.ws.feed import PAUSE_SECONDS, Feed
from battlectl.lab.gateway.ws.inquiry import Unanswered
from battlectl.lab.gateway.ws.log_trail import Log, LogTrail, united
from battlectl.lab.gateway.ws.walk import Lost, Shown

MOST_WAITING = 4_096  # blocks whose logs nobody has told yet

LogListener = Callable[[Log], None]
"""Told of each log in order; must not wait."""


class LogFeed:
    """Mutable: the blocks that wait to be read, and who listens."""

    def __init__(self, gateway: Gateway, feed: Feed, query: dict[str, Any]) -> None:
        self._gateway, self._feed, self._query = gateway, feed, query
        self._trail = LogTrail()
        self._arrived, self._waiting = trio.open_memory_channel[Shown](MOST_WAITING)
        self.listeners: list[LogListener] = []
        self.lost: str | None = None
        feed.listeners.append(self._hear)

    async def run(self) -> None:
        """Read until cancelled, or until logs had to be left out: `lost` then says why."""
        try:
            async for shown in self._waiting:
                self._tell(self._gateway.seams.take_back(self._trail.take_back(shown.dropped)))
                self._tell(await self._read(shown.block.place))
            raise Lost(f"more than {MOST_WAITING} blocks wait for their logs")
        except Lost as loss:
            self.lost = str(loss)
            self._gateway.truth.record("stream", kind="logs", what="lost", reason=self.lost)
        finally:
            self._feed.listeners.remove(self._hear)

    async def _read(self, place: Place) -> list[Log]:
        """The logs of one block; none if it is off the branch before anybody has told them."""
        tries, askable = 0, self._feed.askable
        while self._feed.has(place):
            try:
                answers = await inquiry.logs_of(
                    self._gateway, askable(), place, self._query, self._gateway.seams.log_witnesses
                )
            except Unanswered:
                tries += 1
                await trio.sleep(min(1.0, PAUSE_SECONDS * tries))
                continue
            logs = self._trail.show(place, answers)
            self._note(place, tries, any(len(united(place, [answer])) < len(logs) for answer in answers))
            return logs
        return []

    def _note(self, place: Place, tries: int, is_disputed: bool) -> None:
        for what, is_so in (("retried", tries > 0), ("disputed", is_disputed)):
            if is_so:
                self._gateway.truth.record("stream", kind="logs", what=what, block=place.number)

    def _hear(self, shown: Shown) -> None:
        try:
            self._arrived.send_nowait(shown)
        except trio.WouldBlock:
            self._arrived.close()  # what waits is still told, and then that there is no more
        except trio.ClosedResourceError:
            pass

    def _tell(self, logs: list[Log]) -> None:
        for log in logs:
            for listener in self.listeners.copy():
                listener(log)
