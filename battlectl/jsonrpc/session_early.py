"""Notifications that came before the reply that says whose they are.

Rule: they are kept only while a subscribe is unanswered, MOST_EARLY in number and MOST_BYTES in frames; what
is beyond, and what no reply claims, is unrouted.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from battlectl.jsonrpc.session_events import SubscriptionId
from battlectl.jsonrpc.session_routes import form_of

MOST_EARLY = 64
MOST_BYTES = 1 << 20


class Early(NamedTuple):
    """One notification, when it came, and how many bytes its frame had."""

    id: SubscriptionId
    result: Any
    t: float
    size: int


class EarlyNotes:
    """Mutable: it fills and empties."""

    def __init__(self) -> None:
        self._notes: list[Early] = []
        self._size = 0

    def keep(self, note: Early) -> bool:
        """Whether there was room for it."""
        if len(self._notes) >= MOST_EARLY or self._size + note.size > MOST_BYTES:
            return False
        self._notes.append(note)
        self._size += note.size
        return True

    def claim(self, id_: SubscriptionId) -> list[Early]:
        """Those of this subscription, in order: of exactly this id, or, if none is, of its form alone."""
        exact = [note for note in self._notes if note.id == id_]
        alike = [note for note in self._notes if form_of(note.id) == form_of(id_)]
        claimed = exact or (alike if len({note.id for note in alike}) == 1 else [])
        self._drop(claimed)
        return claimed

    def take_all(self) -> list[Early]:
        """All that is left."""
        notes, self._notes, self._size = self._notes, [], 0
        return notes

    def _drop(self, notes: list[Early]) -> None:
        gone = set(map(id, notes))
        self._notes = [note for note in self._notes if id(note) not in gone]
        self._size -= sum(note.size for note in notes)
