"""`null_near_tip`: the newest blocks are known by number, and not there when they are asked for."""

from __future__ import annotations

from random import Random
from typing import Annotated

from msgspec import Meta

from battlectl.lab.faults.effect import Document, Effect, Message, Place
from battlectl.lab.faults.kind import Kind, OnRequests
from battlectl.lab.faults.tip import BLOCKS, as_number, within_tip
from battlectl.lab.rpc.envelope import Call

AFFECTED = (
    "eth_getBlockByNumber",
    "eth_getBlockByHash",
    "eth_getBlockReceipts",
    "eth_getLogs",
    "eth_getTransactionByHash",
    "eth_getTransactionReceipt",
)


class NullNearTipParameters(OnRequests, frozen=True, kw_only=True):
    """Only what is asked for by number or hash: tags are answered."""

    methods: Annotated[tuple[str, ...], Meta(min_length=1, description="only requests of these methods")] = (
        AFFECTED
    )
    blocks: Annotated[int, Meta(ge=1, le=10_000, description="how many of the newest are not there")] = 2

    def __post_init__(self) -> None:
        """Other methods have no null to give."""
        if not set(self.methods) <= set(AFFECTED):
            raise ValueError(f"`methods` are some of {', '.join(AFFECTED)}")


class NullNearTip(Effect):
    """As if another node of the same provider, which is behind, had been asked."""

    def __init__(self, parameters: NullNearTipParameters, random: Random) -> None:
        super().__init__()
        self._blocks = parameters.blocks
        self._place: Place | None = None
        self._head = 0

    async def start(self, place: Place) -> None:
        """Where the head is."""
        self._place = place
        self._head = await place.head()

    async def ask(self, message: Message, call: Call) -> Call:
        """As it is; the head of this moment decides."""
        if self._place is not None:
            self._head = max(self._head, await self._place.head())
        return call

    def reply(self, message: Message, call: Call, reply: Document) -> Document:
        """Null, or a list without them."""
        return reply if _names_tag(call) else within_tip(call, reply, self._head - self._blocks)


def _names_tag(call: Call) -> bool:
    if call.method not in BLOCKS or not isinstance(call.params, list) or not call.params:
        return False
    return as_number(call.params[0]) is None


KIND = Kind(
    name="null_near_tip",
    layer="state",
    what="answers null or [] for its newest blocks",
    expect="cross-checked answers agree",
    parameters=NullNearTipParameters,
    make=NullNearTip,
)
