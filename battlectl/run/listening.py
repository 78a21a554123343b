"""From what a client hears to the judge of its stream.

Rule: a message that says nothing of its kind is an event that nobody can tell anything about; it is never
passed over. Times are in seconds from the start of the run; `epoch` is that start in seconds since 1970, by
which a block's own timestamp is put on the same clock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from battlectl.jsonrpc.notifications import read_head, read_log, read_pending
from battlectl.jsonrpc.session_events import SILENT, Ended
from battlectl.observe.streams.cell import REFUSED, StreamCells
from battlectl.observe.streams.heads import HeadStream
from battlectl.observe.streams.log_truth import LogTruth
from battlectl.observe.streams.logs import LogStream
from battlectl.observe.streams.pending import PendingStream
from battlectl.observe.streams.terms import Terms
from battlectl.observe.streams.truth import Truth


class Judge(Protocol):
    """What every judge of a stream takes."""

    def opened(self, t: float) -> None:
        """The subscription was granted, or granted anew."""

    def ended(self, t: float, visible: bool, why: str) -> None:
        """It is no more."""

    def look(self, t: float) -> None:
        """Judge what can be judged by now."""

    def finish(self, t: float) -> Any:
        """It is wanted no more."""


Tell = Callable[[float, Any], bool]
"""(time, result of a notification) -> whether it could be read; it has been handed to the judge then."""


class Listener:
    """One stream's. Mutable: its judge is."""

    __slots__ = ("_cells", "_is_over", "_judge", "_tell")

    def __init__(self, judge: Judge, tell: Tell, cells: StreamCells) -> None:
        self._judge = judge
        self._tell = tell
        self._cells = cells
        self._is_over = False

    def hear(self, t: float, result: Any) -> None:
        """A notification came."""
        if not self._tell(t, result):
            cell = self._cells.at(t)
            cell.add("events")
            cell.add("unproven")

    def opened(self, t: float) -> None:
        """A subscription was granted."""
        self._judge.opened(t)

    def refused(self, t: float, outcome: str) -> None:
        """None was granted, or there was not even a connection."""
        self._cells.at(t).end(f"{REFUSED}{outcome}")

    def ended(self, event: Ended) -> None:
        """The connection is over, and the subscription with it."""
        why = event.how if event.code is None else f"{event.how} {event.code}"
        self._judge.ended(event.t, event.how != SILENT, why)

    def look(self, t: float) -> None:
        """See `Judge`; one that is over has been judged."""
        if not self._is_over:
            self._judge.look(t)

    def finish(self, t: float) -> None:
        """See `Judge`."""
        self._is_over = True
        self._judge.finish(t)


def listen_to_heads(
    name: str, truth: Truth, cells: StreamCells, terms: Terms, t: float, epoch: float
) -> Listener:
    """A stream of headers, wanted from `t`."""
    judge = HeadStream(name, truth, cells, terms, t)

    def tell(at: float, result: Any) -> bool:
        note = read_head(result)
        if note is not None:
            stamp = None if note.block_time is None else note.block_time - epoch
            judge.head(at, note.number, note.hash, note.parent, stamp)
        return note is not None

    return Listener(judge, tell, cells)


def listen_to_logs(name: str, logs: LogTruth, cells: StreamCells, terms: Terms, t: float) -> Listener:
    """A stream of logs, wanted from `t`."""
    judge = LogStream(name, logs, cells, terms, t)

    def tell(at: float, result: Any) -> bool:
        note = read_log(result)
        if note is not None:
            judge.log(at, note.number, note.block_hash, note.log_index, note.is_removed)
        return note is not None

    return Listener(judge, tell, cells)


def listen_to_pending(name: str, cells: StreamCells, terms: Terms, t: float) -> Listener:
    """A stream of pending transactions, wanted from `t`."""
    judge = PendingStream(name, cells, terms, t)

    def tell(at: float, result: Any) -> bool:
        hash_ = read_pending(result)
        if hash_ is not None:
            judge.pending(at, hash_)
        return hash_ is not None

    return Listener(judge, tell, cells)
