"""When a stream was up, silent, down, and on its way back.

Rule: a stream is up while it is open and not silently dead. Silence is time without a new block while the
truth was ahead of the stream; it is counted from the last new block, or from when the truth first saw what
was withheld, whichever came later. Longer than `stall_after` it is a stall, and all of it that lay in open
time is dead time. A stream is back with its first new block, not with its first socket.
"""

from __future__ import annotations

from battlectl.observe.streams.cell import Sighting, StreamCells
from battlectl.observe.streams.terms import Terms


class Life:
    """One stream's. Mutable: it is a state and some marks in time.

    `due` in its methods is when the truth first saw the first block that the stream has not shown, None when
    there is none.
    """

    __slots__ = (
        "_cells",
        "_counted",
        "_down",
        "_first_open",
        "_is_fresh",
        "_last_new",
        "_name",
        "_open",
        "_terms",
    )

    def __init__(self, name: str, cells: StreamCells, terms: Terms, t: float) -> None:
        self._name, self._cells, self._terms = name, cells, terms
        self._counted = t
        self._open: float | None = None
        self._first_open: float | None = None
        self._last_new: float | None = None
        self._down: float | None = None
        self._is_fresh = False

    @property
    def first_open(self) -> float | None:
        """When it was opened for the first time."""
        return self._first_open

    def opened(self, t: float) -> None:
        """A subscription was granted; again after an end, or in place of another."""
        if self._first_open is None:
            self._first_open = t
        else:
            self._is_fresh = True
        if self._open is None:
            self._open = t

    def ended(self, t: float, visible: bool, why: str, due: float | None) -> None:
        """The subscription is no more: the client was told, or has found out."""
        cell = self._cells.at(t)
        cell.add("ends_visible" if visible else "ends_silent")
        cell.end(why)
        since = self._silent_since(due, t)
        begin = since if t - since > self._terms.stall_after else t
        self._down = begin if self._down is None else min(self._down, begin)
        self._note_dead(since, t)
        self._close(t)
        self._is_fresh = True

    def news(self, t: float, due: float | None, number: int) -> bool:
        """A new block came; whether it is the first after an end, a change of subscription or a stall."""
        since = self._silent_since(due, t)
        is_stall = self._note_silence(since, t, number)
        self._note_dead(since, t)
        if self._last_new is None and self._first_open is not None:
            self._cells.at(self._first_open).record("first_event", t - self._first_open)
        if self._down is not None or is_stall:
            begin = since if self._down is None else min(self._down, since)
            cell = self._cells.at(begin)
            cell.add("resumes")
            cell.record("resume", t - begin)
        is_back = self._is_fresh or is_stall
        self._last_new, self._down, self._is_fresh = t, None, False
        return is_back

    def account(self, t: float) -> None:
        """Count the time until now."""
        self._cells.spread("wanted_ns", self._counted, t)
        if self._open is not None:
            self._cells.spread("open_ns", max(self._counted, self._open), t)
        self._counted = t

    def finish(self, t: float, due: float | None, number: int) -> None:
        """It is wanted no more; `number` is the first block that was withheld."""
        since = self._silent_since(due, t)
        is_stall = self._note_silence(since, t, number)
        self._note_dead(since, t)
        if is_stall and self._open is not None:
            self._cells.at(since).add("dead_at_end")
        if is_stall or self._down is not None:
            self._cells.at(since if self._down is None else self._down).add("unresumed")
        if self._first_open is None:
            self._cells.at(t).add("never_opened")
        self._cells.at(t).add("streams")
        self._close(t)

    def _silent_since(self, due: float | None, t: float) -> float:
        """When the silence began that ends now; now, when there was none."""
        if due is None or due >= t:
            return t
        before = self._last_new if self._last_new is not None else self._first_open
        return due if before is None else max(before, due)

    def _note_silence(self, since: float, t: float, number: int) -> bool:
        silence = t - since
        if silence <= 0 or self._first_open is None:
            return False
        self._cells.at(since).silence(silence)
        if silence <= self._terms.stall_after:
            return False
        sighting = Sighting("stall", self._name, since, t, number, number, 0)
        self._cells.at(since).add("stalls")
        self._cells.at(since).keep(sighting, sighting)
        return True

    def _note_dead(self, since: float, t: float) -> None:
        """Count what of a silence lay in the time since the last opening."""
        if self._open is not None and t - max(since, self._open) > self._terms.stall_after:
            self._cells.spread("dead_ns", max(since, self._open), t)

    def _close(self, t: float) -> None:
        self.account(t)
        self._open = None
