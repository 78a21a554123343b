"""Which subscription id belongs to which stream.

Rule: an id is matched as it was granted. Only if that fails it is matched by its form, hexadecimal digits
with or without `0x` and in either case, and only if exactly one stream fits: two are never mixed.
"""

from __future__ import annotations

from collections import deque

from battlectl.jsonrpc.session_events import StreamName, SubscriptionId

MOST_LEFT = 256
"""Subscriptions that were left and are still recognised."""


def form_of(id_: SubscriptionId) -> str:
    """What two spellings of one id have in common."""
    text = id_.lower().removeprefix("0x") if isinstance(id_, str) else format(id_, "x")
    return text.lstrip("0") or "0"


def is_id(value: object) -> bool:
    """Whether this can be a subscription id at all: a text with something in it, or a whole number."""
    return (type(value) is str and value != "") or (type(value) is int and value >= 0)


class Routes:
    """Mutable: subscriptions come and go."""

    def __init__(self) -> None:
        self._streams: dict[SubscriptionId, StreamName] = {}
        self._ids: dict[StreamName, SubscriptionId] = {}
        self._forms: dict[str, list[SubscriptionId]] = {}
        self._left: dict[SubscriptionId, StreamName] = {}
        self._order: deque[SubscriptionId] = deque()

    def add(self, id_: SubscriptionId, stream: StreamName) -> bool:
        """This id was granted; False if it belongs to a stream already."""
        if id_ in self._streams:
            return False
        self._left.pop(id_, None)
        self._streams[id_], self._ids[stream] = stream, id_
        self._forms.setdefault(form_of(id_), []).append(id_)
        return True

    def find(self, id_: SubscriptionId) -> StreamName | None:
        """The stream whose notifications carry this id."""
        found = self._streams.get(id_)
        if found is None:
            alike = self._forms.get(form_of(id_), ())
            found = self._streams[alike[0]] if len(alike) == 1 else None
        return found

    def find_left(self, id_: SubscriptionId) -> StreamName | None:
        """The stream that had this id until it was left."""
        return self._left.get(id_)

    def id_of(self, stream: StreamName) -> SubscriptionId | None:
        """The id under which a stream is subscribed now."""
        return self._ids.get(stream)

    def leave(self, stream: StreamName) -> None:
        """The stream has this subscription no more; its id is recognised for a while."""
        id_ = self._ids.pop(stream)
        del self._streams[id_]
        alike = self._forms[form_of(id_)]
        alike.remove(id_)
        if not alike:
            del self._forms[form_of(id_)]
        self._left[id_] = stream
        self._order.append(id_)
        if len(self._order) > MOST_LEFT:
            self._left.pop(self._order.popleft(), None)

    def forget(self) -> tuple[StreamName, ...]:
        """The connection is over, and its ids mean nothing any more; the streams that had one."""
        streams = tuple(self._ids)
        for known in (self._streams, self._ids, self._forms, self._left, self._order):
            known.clear()
        return streams
