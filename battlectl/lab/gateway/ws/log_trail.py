"""The logs of one filter along the walk: which to show, and which to take back.

Rule: a block's logs are shown once, all of them, in the order of logIndex; when the block is dropped they
are shown again, last first, with `removed: true`. Memory is bounded; a reorg that reaches below what is
remembered is Lost, for logs that stay although their block is gone would be a lie.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from battlectl.lab.gateway.ws.block import Place
from battlectl.lab.gateway.ws.walk import Lost

Log = dict[str, Any]

MOST_LOGS = 20_000


class LogTrail:
    """Mutable: what was shown of the newest blocks, to be able to take it back."""

    def __init__(self, most_logs: int = MOST_LOGS) -> None:
        self._shown: dict[Place, list[Log]] = {}
        self._room = most_logs
        self._forgotten = -1

    def take_back(self, dropped: Iterable[Place]) -> list[Log]:
        """The logs of blocks that are gone, `dropped` being the newest first."""
        gone = list(dropped)
        if gone and gone[-1].number <= self._forgotten:
            raise Lost(f"a reorg from below block {self._forgotten}, whose logs are no longer remembered")
        return [log | {"removed": True} for place in gone for log in reversed(self._forget(place))]

    def show(self, place: Place, answers: Sequence[Iterable[Any]]) -> list[Log]:
        """The logs of a block, once, from what one or more providers told of it."""
        logs = united(place, answers)
        if logs:
            self._shown[place] = logs
            self._room -= len(logs)
        while self._room < 0 and len(self._shown) > 1:
            oldest = next(iter(self._shown))
            self._forgotten = oldest.number
            self._forget(oldest)
        return logs

    def _forget(self, place: Place) -> list[Log]:
        logs = self._shown.pop(place, [])
        self._room += len(logs)
        return logs


def united(place: Place, answers: Sequence[Iterable[Any]]) -> list[Log]:
    """All logs of the block that any provider has, each once: one that leaves some out is not believed."""
    found: dict[int, Log] = {}
    for answer in answers:
        for log in answer:
            index = index_in(place, log)
            if index is not None:
                found.setdefault(index, log)
    return [found[index] for index in sorted(found)]


def index_in(place: Place, log: Any) -> int | None:
    """The place of a log in its block, or None for what is no log of this block."""
    if not isinstance(log, dict) or str(log.get("blockHash")).lower() != place.hash:
        return None
    try:
        return int(log["logIndex"], 16)
    except (KeyError, TypeError, ValueError):
        return None
