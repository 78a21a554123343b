"""`inconsistent_views`: each request meets one of several nodes, which do not agree where the head is."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Annotated

from msgspec import Meta

from battlectl.lab.chain.chain import View
from battlectl.lab.faults.effect import Document, Effect, Message, Place
from battlectl.lab.faults.kind import Kind, Parameters, Share
from battlectl.lab.faults.tip import names_tip, with_tip, within_tip
from battlectl.lab.rpc.envelope import Call

MOST_AT_ONCE = 10_000  # messages whose draw is remembered


class InconsistentViewsParameters(Parameters, frozen=True, kw_only=True):
    """A subscription follows the newest of the views that it meets."""

    blocks: Annotated[int, Meta(ge=0, le=10_000, description="heads are 0 to so many blocks behind")] = 3
    logs_missing: Annotated[Share, Meta(description="the share of eth_getLogs answered with []")] = 0.0
    seed: Annotated[int, Meta(description="of the draws")] = 0

    def __post_init__(self) -> None:
        """It must do something."""
        if not self.blocks and not self.logs_missing:
            raise ValueError("`blocks` and `logs_missing` are both 0: all views agree")


class InconsistentViews(Effect):
    """A message, batches included, is answered from one view."""

    def __init__(self, parameters: InconsistentViewsParameters, random: Random) -> None:
        super().__init__()
        self._parameters = parameters
        self._random = random
        self._place: Place | None = None
        self._newest = 0
        # By identity, and with the message itself, so that its identity is not given to another meanwhile.
        self._drawn: dict[int, tuple[Message, int]] = {}

    async def start(self, place: Place) -> None:
        """Where the newest head is."""
        self._place = place
        self._newest = await place.head()

    def view(self, view: View) -> View:
        """Of a simulated node: another one each time."""
        return replace(view, head=max(0, view.head - self._draw()))

    async def ask(self, message: Message, call: Call) -> Call:
        """To a real node: as the node that was met would understand it."""
        if self._place is None or self._place.is_simulated or not names_tip(call):
            return call
        self._newest = max(self._newest, await self._place.head())
        return with_tip(call, self._tip_for(message))

    def reply(self, message: Message, call: Call, reply: Document) -> Document:
        """What that node would have."""
        if call.method == "eth_getLogs" and self._random.random() < self._parameters.logs_missing:
            return {**reply, "result": []} if "result" in reply else reply
        if self._place is None or self._place.is_simulated:
            return reply
        return within_tip(call, reply, self._tip_for(message))

    def _tip_for(self, message: Message) -> int:
        _, behind = self._drawn.get(id(message), (message, self._draw()))
        self._drawn[id(message)] = (message, behind)
        if len(self._drawn) > MOST_AT_ONCE:
            del self._drawn[next(iter(self._drawn))]
        return max(0, self._newest - behind)

    def _draw(self) -> int:
        return self._random.randint(0, self._parameters.blocks)


KIND = Kind(
    name="inconsistent_views",
    layer="state",
    what="answers each request as one of several nodes with different heads",
    expect="cross-checked answers agree; the head never goes backwards for one client",
    parameters=InconsistentViewsParameters,
    make=InconsistentViews,
)
