"""Requests under way on one connection, by id, each with its deadline; and ids that were used.

Rule: an id is in flight once at a time. What becomes of it (answered, timed out) is remembered for the last
MOST_USED ids, so that a second or a late answer is told from one that was never asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from battlectl.jsonrpc.session_events import ANSWERED_TWICE, LATE, NEVER_SENT, StreamName
from battlectl.plan.calls import Item

MOST_USED = 4096


class Flight(NamedTuple):
    """One request: `role` is what its answer decides, a call, a subscription or the end of one."""

    first_id: int
    role: str
    items: Sequence[Item]
    is_batch: bool
    deadline: float
    stream: StreamName = ""


class Flights:
    """Mutable: requests take off and land."""

    def __init__(self) -> None:
        self._flying: dict[int, Flight] = {}
        self._deadlines: list[tuple[float, int]] = []
        self._used: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._flying)

    def add(self, flight: Flight) -> None:
        """It was sent; raises `ValueError` if one of its ids is in flight."""
        ids = range(flight.first_id, flight.first_id + len(flight.items))
        if any(id_ in self._flying for id_ in ids):
            raise ValueError(f"id {flight.first_id} is in flight already")
        for id_ in ids:
            self._flying[id_] = flight
        heappush(self._deadlines, (flight.deadline, flight.first_id))

    def find(self, id_: object) -> Flight | None:
        """The request that an answer with this id is for; an id in another spelling finds it, too.

        That it is spelt as it was sent, is for the judge of the reply.
        """
        if type(id_) is int:
            return self._flying.get(id_)
        if type(id_) is float and id_.is_integer():
            return self._flying.get(int(id_))
        if type(id_) is str and len(id_) <= 20 and id_.isascii():
            try:
                return self._flying.get(int(id_, 16 if id_.lower().startswith("0x") else 10))
            except ValueError:
                return None
        return None

    def land(self, flight: Flight, how: str = ANSWERED_TWICE) -> None:
        """It is over; another answer to it would be a stray of this kind."""
        for id_ in range(flight.first_id, flight.first_id + len(flight.items)):
            del self._flying[id_]
            self._used.pop(id_, None)
            self._used[id_] = how
        while len(self._used) > MOST_USED:
            del self._used[next(iter(self._used))]

    def why_stray(self, id_: object) -> str:
        """What an answer with this id, which finds no request, is."""
        return self._used.get(id_, NEVER_SENT) if type(id_) is int else NEVER_SENT

    def expired(self, t: float) -> Iterator[Flight]:
        """Land and give those whose deadline has come."""
        while self._deadlines and self._deadlines[0][0] <= t:
            deadline, id_ = heappop(self._deadlines)
            flight = self._flying.get(id_)
            if flight is not None and flight.first_id == id_ and flight.deadline == deadline:
                self.land(flight, LATE)
                yield flight

    @property
    def next_deadline(self) -> float | None:
        """When `expired` is to be called next, at the earliest; None while nothing is under way."""
        while self._deadlines:
            deadline, id_ = self._deadlines[0]
            flight = self._flying.get(id_)
            if flight is not None and flight.first_id == id_ and flight.deadline == deadline:
                return deadline
            heappop(self._deadlines)
        return None

    def take_all(self) -> list[Flight]:
        """The connection is over: all that was under way, in the order of its ids, and nothing is used."""
        flights = list({flight.first_id: flight for flight in self._flying.values()}.values())
        self._flying, self._deadlines, self._used = {}, [], {}
        return sorted(flights, key=lambda flight: flight.first_id)
