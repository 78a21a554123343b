"""`missing_logs`: blocks whose logs the provider does not have, while it has the blocks.

Rule: which blocks those are follows from the seed and the number alone, so that HTTP and WebSocket, and two
requests, agree; and two providers with the same seed miss the same.
"""

from __future__ import annotations

from random import Random
from typing import Annotated, Any

from msgspec import Meta

from battlectl.lab.faults.effect import Document, Effect, Message
from battlectl.lab.faults.kind import Kind, Parameters, Share
from battlectl.lab.faults.tip import block_of
from battlectl.lab.rpc.envelope import Call

LISTS = frozenset({"eth_getLogs", "eth_getFilterLogs", "eth_getFilterChanges"})
RECEIPTS = frozenset({"eth_getTransactionReceipt", "eth_getBlockReceipts"})


class MissingLogsParameters(Parameters, frozen=True, kw_only=True):
    """Logs are missing in lists and in subscriptions."""

    share: Annotated[Share, Meta(description="of the blocks: their logs are missing")] = 1.0
    receipts: Annotated[bool, Meta(description="whether receipts lack them too")] = False
    seed: Annotated[int, Meta(description="which blocks: the same seed hits the same ones")] = 0


class MissingLogs(Effect):
    """Blocks, their blooms and their transactions are all there."""

    def __init__(self, parameters: MissingLogsParameters, random: Random) -> None:
        super().__init__()
        self._parameters = parameters

    def is_missing(self, item: Any) -> bool:
        """Whether this is a log of such a block."""
        number = block_of(item)
        if not isinstance(item, dict) or "topics" not in item or number is None:
            return False
        return Random(f"{self._parameters.seed}/{number}").random() < self._parameters.share

    def reply(self, message: Message, call: Call, reply: Document) -> Document:
        """Without them."""
        result = reply.get("result")
        if call.method in LISTS and isinstance(result, list):
            return {**reply, "result": self._present(result)}
        if call.method in RECEIPTS and self._parameters.receipts:
            return {**reply, "result": self._stripped(result)}
        return reply

    def events(self, connection: int, subscription: str, event: Document) -> list[Document]:
        """Without them; heads pass."""
        return self._present([event])

    def _present(self, items: list[Any]) -> list[Any]:
        return [item for item in items if not self.is_missing(item)]

    def _stripped(self, result: Any) -> Any:
        if isinstance(result, list):
            return [self._stripped(receipt) for receipt in result]
        if not isinstance(result, dict) or not isinstance(result.get("logs"), list):
            return result
        return {**result, "logs": self._present(result["logs"])}


KIND = Kind(
    name="missing_logs",
    layer="state",
    what="has no logs of blocks that have some",
    expect="cross-checked answers agree",
    parameters=MissingLogsParameters,
    make=MissingLogs,
)
