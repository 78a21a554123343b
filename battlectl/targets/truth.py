"""The chain as another path than the subscriptions tells it: polled over HTTP, block by block.

Rule: nothing that a subscription said is believed here. A look that fails leaves a stretch unwatched, which
the truth knows of and holds against nobody. Blocks between two looks are fetched by their hash, so that a
reorg is seen whole. The first look is before the load: of blocks older than that nobody could tell anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import trio

from battlectl.observe.streams.log_truth import LogTruth
from battlectl.observe.streams.truth import Truth
from battlectl.targets.control import CallError, Control, brief

MOST_FETCHED = 64
"""Blocks that one look fetches beside the newest."""


class Witness:
    """Feeds a truth, and those of logs by their filters. Mutable: it counts its looks and those that failed.

    `every` is in seconds. Times are from `start`, on trio's clock. `last_failure` is in words, with its time.
    """

    def __init__(self, control: Control, truth: Truth, every: float) -> None:
        self._control = control
        self._truth = truth
        self._every = every
        self._logs: list[tuple[dict[str, Any], LogTruth]] = []
        self._first: tuple[float, Any] | None = None
        self.looks = 0
        self.failures = 0
        self.last_failure = ""

    def watch_logs(self, wanted: dict[str, Any], logs: LogTruth) -> None:
        """From now on the logs of each block are read for this filter."""
        self._logs.append((wanted, logs))

    async def look_before(self) -> None:
        """One look before the time is known at which the run begins; kept until it is."""
        with suppress(CallError):
            asked = trio.current_time()
            self._first = asked, await self._control.call("eth_getBlockByNumber", ["latest", False])

    async def serve(self, start: float) -> None:
        """Look until cancelled."""
        if self._first is not None:
            with suppress(CallError):
                asked = self._first[0] - start
                self._feed(asked, "the first look", self._first[1], asked)
        due = trio.current_time()
        while True:
            self.looks += 1
            try:
                await self._look(start)
            except CallError as error:
                self.failures += 1
                self.last_failure = f"{error}, at {trio.current_time() - start:.1f}s"
            due = max(due + self._every, trio.current_time())
            await trio.sleep_until(due)

    async def _look(self, start: float) -> None:
        asked = trio.current_time() - start
        await self._see(start, "eth_getBlockByNumber", ["latest", False], asked)
        for _ in range(MOST_FETCHED):
            wanted = self._truth.wanted()
            if not wanted:
                break
            await self._see(start, "eth_getBlockByHash", [wanted[0][1], False], asked)
        for filter_, logs in self._logs:
            for block in logs.wanted():
                found = await self._control.call("eth_getLogs", [{**filter_, "blockHash": block}])
                logs.see(block, _indices(found))

    async def _see(self, start: float, method: str, params: Sequence[Any], asked: float) -> None:
        """What a slow answer says was so when it was asked for, and need not be so any more."""
        block = await self._control.call(method, params)
        self._feed(trio.current_time() - start, method, block, asked)

    def _feed(self, at: float, method: str, block: Any, asked: float) -> None:
        try:
            number, hash_, parent = (
                int(block["number"], 16),
                block["hash"].lower(),
                block["parentHash"].lower(),
            )
            self._truth.see(at, number, hash_, parent, asked)
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise CallError(f"{method} answered no block: {brief(block)}") from error


def _indices(found: Any) -> list[int]:
    try:
        return [int(one["logIndex"], 16) for one in found]
    except (TypeError, KeyError, ValueError) as error:
        raise CallError(f"eth_getLogs answered no logs: {brief(found)}") from error
