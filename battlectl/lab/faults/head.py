"""What faults share that make a provider's chain seem to end earlier: `stale_head`, `lag` and their like.

Rule: a simulated node is shown less of its chain and does the rest itself. Before a real node, calls and
replies are changed (tip.py), and events above the head that is shown are kept until it has reached them, or
dropped where it never will. A head that goes backwards tells subscribers nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import replace

from battlectl.lab.chain.chain import View
from battlectl.lab.faults.effect import Document, Effect, Message, Place
from battlectl.lab.faults.event_count import Key, remember
from battlectl.lab.faults.tip import HEAD, as_number, block_of, names_tip, with_tip, within_tip
from battlectl.lab.rpc.envelope import Call

MOST_KEPT = 10_000  # events of one subscription


class CappedHead(Effect, ABC):
    """Its subclasses say where the head seems to be."""

    keeps_events = True

    def __init__(self) -> None:
        super().__init__()
        self._place: Place | None = None
        self.newest = 0
        self._kept: dict[Key, deque[Document]] = {}

    @abstractmethod
    def shown(self, head: int) -> int:
        """The head that is shown when the real one is `head`: no greater, and not below 0."""

    async def start(self, place: Place) -> None:
        """Where the head is at the injection."""
        self._place = place
        self.newest = await place.head()

    async def stop(self, place: Place) -> None:
        """What was kept is told."""
        for (connection, subscription), events in self._kept.items():
            for event in events:
                place.notify(connection, subscription, event)
        self._kept.clear()

    def view(self, view: View) -> View:
        """The beginning of it."""
        return replace(view, head=self.shown(view.head))

    async def ask(self, message: Message, call: Call) -> Call:
        """Numbers in place of tags, which the real node would understand otherwise."""
        if self._place is None or self._place.is_simulated or not names_tip(call):
            return call
        self._saw(await self._place.head())
        return with_tip(call, self.shown(self.newest))

    def reply(self, message: Message, call: Call, reply: Document) -> Document:
        """Without what is newer."""
        if self._place is None or self._place.is_simulated:
            return reply
        if call.method == HEAD:
            self._saw(as_number(reply.get("result")))
        return within_tip(call, reply, self.shown(self.newest))

    def events(self, connection: int, subscription: str, event: Document) -> list[Document]:
        """Those that the shown head has reached by now, in the order in which they came."""
        number = block_of(event)
        if self._place is None or self._place.is_simulated or number is None:
            return [event]
        self._saw(number)
        if not self.keeps_events:
            return [event] if number <= self.shown(self.newest) else []
        key = (connection, subscription)
        kept = self._kept.pop(key, None) or deque(maxlen=MOST_KEPT)
        remember(self._kept, key, kept)
        kept.append(event)
        return self._reached(kept)

    def _reached(self, kept: deque[Document]) -> list[Document]:
        reached = []
        while kept and (block_of(kept[0]) or 0) <= self.shown(self.newest):
            reached.append(kept.popleft())
        return reached

    def _saw(self, head: int | None) -> None:
        self.newest = max(self.newest, head or 0)
