"""Heads of replies that were read before.

Rule: a head is remembered only when llhttp has read it strictly, with its whole sized body, in one piece, and
left the connection fit for another request. The same bytes then mean the same again, so a reply with that
head and a body of that size need not be parsed: most replies of a server differ in their bodies alone.

Where no head comes twice (a server gives each reply an id) remembering is only work, so it pauses.
"""

from __future__ import annotations

from battlectl.transport.base import Reply

MOST_HEADS = 256
END = b"\r\n\r\n"
PAUSE_AFTER = 512
"""Heads in a row of which none was known, after which nothing is remembered for a while."""
PAUSE = 8_192
"""Replies for which that holds, then it is tried again."""


class KnownHeads:
    """What one server's heads mean, for all its connections. Mutable: it is a cache."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[int, Reply]] = {}
        self._unknown = 0
        self._paused = 0

    def find(self, data: bytes) -> Reply | None:
        """The reply that `data` is, whole and alone, if its head is known."""
        if self._paused:
            self._paused -= 1
            return None
        size = data.find(END) + len(END)
        known = self._known.get(data[:size])
        if known is None or known[0] != len(data):
            return None
        self._unknown = 0
        like = known[1]
        return Reply(like.status, like.headers, data[size:], like.served)

    def remember(self, data: bytes, reply: Reply) -> None:
        """Keep the head of a reply that was read from exactly these bytes, if its size is in its head."""
        if self._paused:
            return
        size = data.find(END) + len(END)
        sized = any(name.lower() == b"content-length" for name, _ in reply.headers)
        if not sized or reply.status < 200 or data[size:] != reply.body:
            return
        self._unknown += 1
        if self._unknown > PAUSE_AFTER:
            self._unknown, self._paused = 0, PAUSE
        if len(self._known) >= MOST_HEADS:
            self._known.clear()
        self._known[data[:size]] = (len(data), reply._replace(body=b""))
