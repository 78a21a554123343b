"""Messages on a WebSocket that nobody asked for: the kinds, and which of them are the target's fault.

Rule: an answer that came after we had given its request up is late and no more; an error without an id is an
answer that nobody can place, and a notification of a method that nobody knows is the target's own affair. All
else is a fault, however few: who answers twice, or mixes two clients, may have told somebody else's truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TO_NOTHING = "reply to nothing"
SECOND = "second reply"
NO_MESSAGE = "no message"
NOT_SUBSCRIBED = "not subscribed"
LATE = "late reply"
NAMELESS = "nameless error"
FOREIGN = "foreign method"

FAULTS: Mapping[str, str] = MappingProxyType(
    {
        TO_NOTHING: "replies to nothing that was asked",
        SECOND: "second replies",
        NO_MESSAGE: "messages that are no JSON-RPC",
        NOT_SUBSCRIBED: "notifications of unknown subscriptions",
    }
)
"""Kind of fact -> how it is told."""
HARMLESS: Mapping[str, str] = MappingProxyType(
    {
        LATE: "replies after their deadline",
        NAMELESS: "errors without an id",
        FOREIGN: "notifications of unknown methods",
    }
)

SHOWN = 160
"""Bytes of a message that are shown."""


def shown(message: bytes) -> str:
    """The beginning of a message."""
    text = message[:SHOWN].decode("utf-8", "replace")
    return text if len(message) <= SHOWN else text + "..."
