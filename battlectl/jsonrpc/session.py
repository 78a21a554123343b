"""One client's JSON-RPC session over WebSocket, sans-I/O: what to send, and what each frame means.

Rule: every frame that comes is exactly one of these, looked for in this order:
* no JSON in UTF-8, no object (an array is one only while a batch is under way): malformed;
* it has a `method`: a notification. Without an id and with version "2.0": of a subscription (`notified`), or
  early, trailing or unrouted; `lasso_meta`: metadata; any other method: unrouted. With an id: malformed;
* it has an `id`: an answer. To a request under way it is judged as strictly as an HTTP reply with status 200
  (`jsonrpc.reply`); to none it is a stray. A null id is malformed, for nobody can tell whom it answers;
* it has neither: malformed.
A subscription is granted by a right answer with an id that no other stream has; all else refuses it.

Requests of the load bring their ids from the plan; those of subscriptions count on from OWN_IDS. Times are
arguments, in seconds of any one clock. A stream is the caller's name for a subscription and survives the
connection: after `closed`, `subscribe` it again on the next one with `reopened`. Memory is bounded against
any server: early notifications, used ids and ids that were left are few, strays and malformed frames are
kept as a count and the first example.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from battlectl.jsonrpc.reply import Judged, judge_reply
from battlectl.jsonrpc.session_early import Early, EarlyNotes
from battlectl.jsonrpc.session_events import (
    BY_CODE,
    NO_CODES,
    SILENT,
    WITHOUT_CODE,
    Answered,
    Ended,
    Event,
    Metadata,
    Notified,
    Refused,
    StreamName,
    Subscribed,
    Trailing,
    Unrouted,
    Unsubscribed,
)
from battlectl.jsonrpc.session_flights import Flight, Flights
from battlectl.jsonrpc.session_oddities import NAMELESS_ERROR, REQUEST, Oddities
from battlectl.jsonrpc.session_routes import Routes, is_id
from battlectl.observe import outcome
from battlectl.plan.calls import Item

OWN_IDS = 1 << 40
"""The first id of a subscription's requests: above all ids of a plan, and a whole number in JavaScript."""

CALL, SUBSCRIBE, UNSUBSCRIBE = "call", "subscribe", "unsubscribe"
_PLAIN = {role: (Item(role, f"eth_{role}", None),) for role in (SUBSCRIBE, UNSUBSCRIBE)}
_JSON = b"application/json"
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Wish(NamedTuple):
    """What a stream is subscribed to, and whether it ever was."""

    kind: str
    was_granted: bool = False


class Session:
    """See the rule. Mutable: it is the state of one client, from connection to connection."""

    def __init__(self) -> None:
        self._flights = Flights()
        self._routes = Routes()
        self._early = EarlyNotes()
        self._wishes: dict[StreamName, Wish] = {}
        self._asked: dict[StreamName, int] = {}
        self._own = OWN_IDS
        self._last_answered: int | None = None
        self.is_open = True
        self.oddities = Oddities()

    # What to send.

    def call(self, first_id: int, items: Sequence[Item], is_batch: bool, deadline: float) -> None:
        """A request of the load with these ids (`plan.calls.Request.render` is its text) is sent now."""
        self._need_open()
        self._flights.add(Flight(first_id, CALL, items, is_batch, deadline))

    def subscribe(
        self, stream: StreamName, kind: str, params: Sequence[Any], deadline: float
    ) -> tuple[int, str]:
        """(id, text to send) that ask for `kind` ("newHeads", "logs"), with what follows it in the params.

        Raises `ValueError` while the stream has a subscription, or is waiting for one.
        """
        self._need_open()
        if stream in self._asked or self._routes.id_of(stream) is not None:
            raise ValueError(f"stream {stream} is subscribed already")
        was_granted = stream in self._wishes and self._wishes[stream].was_granted
        self._wishes[stream] = Wish(kind, was_granted)
        id_, text = self._own_request(SUBSCRIBE, stream, [kind, *params], deadline)
        self._asked[stream] = id_
        return id_, text

    def unsubscribe(self, stream: StreamName, deadline: float) -> tuple[int, str]:
        """(id, text to send) that end a subscription; raises `ValueError` if the stream has none."""
        self._need_open()
        subscription = self._routes.id_of(stream)
        if subscription is None:
            raise ValueError(f"stream {stream} has no subscription to end")
        self._routes.leave(stream)
        id_, text = self._own_request(UNSUBSCRIBE, stream, [subscription], deadline)
        return id_, text

    def _own_request(
        self, role: str, stream: StreamName, params: list[Any], deadline: float
    ) -> tuple[int, str]:
        id_ = self._own
        self._own += 1
        self._flights.add(Flight(id_, role, _PLAIN[role], False, deadline, stream))
        message = {"jsonrpc": "2.0", "id": id_, "method": f"eth_{role}", "params": params}
        return id_, _encode(message).decode()

    def _need_open(self) -> None:
        if not self.is_open:
            raise ValueError("the connection is closed")

    # What comes.

    def receive(self, t: float, data: str | bytes) -> tuple[Event, ...]:
        """What one whole message means, text or bytes, that came at time t."""
        try:
            message = _decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return (self.oddities.no_message(t, "not JSON", data),)
        if type(message) is dict:
            if "method" in message:
                return self._read_notification(t, message, data)
            if "id" in message:
                return self._read_answer(t, message["id"], message, data)
            return (self.oddities.no_message(t, "neither method nor id", data),)
        if type(message) is list:
            return self._read_batch(t, message, data)
        return (self.oddities.no_message(t, "no object", data),)

    def _read_batch(self, t: float, messages: list[Any], data: str | bytes) -> tuple[Event, ...]:
        for message in messages:
            flight = self._flights.find(message.get("id")) if isinstance(message, dict) else None
            if flight is not None and flight.is_batch:
                return self._land(t, flight, data)
        return (self.oddities.no_message(t, "an array to no batch", data),)

    def _read_answer(
        self, t: float, id_: Any, message: dict[str, Any], data: str | bytes
    ) -> tuple[Event, ...]:
        if id_ is None:
            why = NAMELESS_ERROR if "error" in message else "an answer without an id"
            return (self.oddities.no_message(t, why, data),)
        flight = self._flights.find(id_)
        if flight is not None:
            return self._land(t, flight, data, message)
        why = self._flights.why_stray(id_)
        return (self.oddities.stray(t, why, id_, data),)

    def _land(
        self, t: float, flight: Flight, data: str | bytes, message: dict[str, Any] | None = None
    ) -> tuple[Event, ...]:
        """An answer for this request came."""
        body = data.encode() if isinstance(data, str) else data
        judged = judge_reply(200, _JSON, body, flight.items, flight.first_id, flight.is_batch)
        self._flights.land(flight)
        self._last_answered = flight.first_id
        if flight.role == CALL:
            return (Answered(flight.first_id, tuple(map(_without_status, judged)), t),)
        assert message is not None, "a subscription is no batch"
        return self._decide(t, flight, _without_status(judged[0]), message)

    def _decide(self, t: float, flight: Flight, judged: Judged, message: dict[str, Any]) -> tuple[Event, ...]:
        """What an answer, or the lack of one, makes of a subscription."""
        label, seen = judged
        stream, result = flight.stream, message.get("result")
        if flight.role == UNSUBSCRIBE:
            return (Unsubscribed(stream, label, label == outcome.OK and result is True, t),)
        del self._asked[stream]
        if label == outcome.OK and not is_id(result):
            label, seen = outcome.MALFORMED, "the result is no subscription id"
        elif label == outcome.OK and not self._routes.add(result, stream):  # type: ignore[arg-type]
            label, seen = outcome.MALFORMED, "the subscription id belongs to another stream"
        if label != outcome.OK:
            return (Refused(stream, label, seen, message.get("error"), t), *self._unclaimed())
        assert isinstance(result, str | int)
        wish = self._wishes[stream]
        self._wishes[stream] = wish._replace(was_granted=True)
        early = (Notified(stream, wish.kind, note.result, note.t) for note in self._early.claim(result))
        return (Subscribed(stream, result, t, wish.was_granted), *early, *self._unclaimed())

    def _unclaimed(self) -> tuple[Event, ...]:
        """What came early and belongs to nobody, once nobody is left whom it could belong to."""
        if self._asked:
            return ()
        return tuple(Unrouted("eth_subscription", note.id, note.t) for note in self._early.take_all())

    def _read_notification(self, t: float, message: dict[str, Any], data: str | bytes) -> tuple[Event, ...]:
        method, params = message["method"], message.get("params")
        if "id" in message:
            return (self.oddities.no_message(t, REQUEST, data),)
        if method == "lasso_meta":
            return (Metadata(params, self._last_answered, t),)
        if message.get("jsonrpc") != "2.0":
            return (self.oddities.no_message(t, "the version is not 2.0", data),)
        if method != "eth_subscription":
            return (Unrouted(str(method)[:80], None, t),)
        if not isinstance(params, dict) or "result" not in params or not is_id(params.get("subscription")):
            return (self.oddities.no_message(t, "a notification without subscription and result", data),)
        return self._route(t, params["subscription"], params["result"], len(data))

    def _route(self, t: float, id_: str | int, result: Any, size: int) -> tuple[Event, ...]:
        stream = self._routes.find(id_)
        if stream is not None:
            return (Notified(stream, self._wishes[stream].kind, result, t),)
        left = self._routes.find_left(id_)
        if left is not None:
            return (Trailing(left, t),)
        if self._asked and self._early.keep(Early(id_, result, t, size)):
            return ()
        return (Unrouted("eth_subscription", id_, t),)

    # What ends.

    @property
    def next_deadline(self) -> float | None:
        """When `expire` is to be called next, at the earliest."""
        return self._flights.next_deadline

    @property
    def in_flight(self) -> int:
        """Calls of the load and requests of subscriptions that wait for an answer, each item of a batch."""
        return len(self._flights)

    def expire(self, t: float) -> tuple[Event, ...]:
        """What timed out by time t. A later answer to it is a stray."""
        return self._give_up(t, tuple(self._flights.expired(t)), outcome.TIMEOUT, "no answer in time")

    def closed(self, t: float, code: int | None, reason: str = "") -> tuple[Event, ...]:
        """The connection is over; `code` as it was on the wire, None if it was cut or closed without one."""
        return self._end(t, WITHOUT_CODE if code in NO_CODES else BY_CODE, code, reason)

    def found_dead(self, t: float, why: str) -> tuple[Event, ...]:
        """The client gives the connection up: no pong, no events; nothing was said."""
        return self._end(t, SILENT, None, why)

    def reopened(self) -> None:
        """There is a new connection. No stream has a subscription on it yet."""
        if self.is_open:
            raise ValueError("the connection is open")
        self.is_open = True

    def _end(self, t: float, how: str, code: int | None, reason: str) -> tuple[Event, ...]:
        self._need_open()
        self.is_open, self._last_answered = False, None
        streams = self._routes.forget()
        given_up = self._give_up(t, self._flights.take_all(), outcome.CLOSED, f"{how}: {reason or code}")
        return (*given_up, *self._unclaimed(), Ended(how, code, reason, streams, t))

    def _give_up(self, t: float, flights: Sequence[Flight], label: str, seen: str) -> tuple[Event, ...]:
        events: list[Event] = []
        for flight in flights:
            if flight.role == CALL:
                events.append(Answered(flight.first_id, ((label, seen),) * len(flight.items), t))
            else:
                events.extend(self._decide(t, flight, (label, seen), {}))
        return tuple(events)


def _without_status(judged: Judged) -> Judged:
    """A WebSocket message has no status."""
    label, seen = judged
    return label, None if seen is None else seen.removeprefix("status 200, ")
