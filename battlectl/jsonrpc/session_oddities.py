"""Frames that answer nothing or say nothing, kept as a count and the first example of each sort.

Rule: however many come, memory does not grow: the sorts are the client's own, not the server's words.
"""

from __future__ import annotations

from typing import Any

from battlectl.jsonrpc.session_events import ANSWERED_TWICE, LATE, NEVER_SENT, Malformed, Stray, Unrouted
from battlectl.observe import unasked

LONGEST = 160
NAMELESS_ERROR = "an error without an id"
REQUEST = "a request from the server"
_STRAYS = {NEVER_SENT: unasked.TO_NOTHING, ANSWERED_TWICE: unasked.SECOND, LATE: unasked.LATE}
_MALFORMED = {NAMELESS_ERROR: unasked.NAMELESS, REQUEST: unasked.FOREIGN}


class Oddities:
    """Mutable: it counts. Sort -> how many, and the first."""

    def __init__(self) -> None:
        self.strays: dict[str, tuple[int, Stray]] = {}
        self.malformed: dict[str, tuple[int, Malformed]] = {}

    def stray(self, t: float, why: str, id_: Any, data: str | bytes) -> Stray:
        """Count an answer to nothing."""
        event = Stray(why, id_ if type(id_) is int and abs(id_) < 1 << 63 else shown(data), t)
        count, first = self.strays.get(why, (0, event))
        self.strays[why] = (count + 1, first)
        return event

    def no_message(self, t: float, why: str, data: str | bytes) -> Malformed:
        """Count a frame that is no message."""
        event = Malformed(why, shown(data), t)
        count, first = self.malformed.get(why, (0, event))
        self.malformed[why] = (count + 1, first)
        return event


def shown(data: str | bytes) -> str:
    """The beginning of a message."""
    text = data[:LONGEST] if isinstance(data, str) else data[:LONGEST].decode("utf-8", "replace")
    return text if len(data) <= LONGEST else text + "..."


def kind_of(event: Malformed | Stray | Unrouted) -> str:
    """One of `observe.unasked`."""
    if isinstance(event, Stray):
        return _STRAYS[event.why]
    if isinstance(event, Malformed):
        return _MALFORMED.get(event.why, unasked.NO_MESSAGE)
    return unasked.NOT_SUBSCRIBED if event.method == "eth_subscription" else unasked.FOREIGN
