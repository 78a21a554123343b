"""Defects of ids: whose answer it is."""

from __future__ import annotations

import itertools

from battlectl.lab.gateway.defects.defect import Defect
from battlectl.lab.gateway.defects.wrapping import Document, change_replies
from battlectl.lab.gateway.questions import Question
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.gateway.ws.outbox import Outbox
from battlectl.lab.net.ws_server import WebSocket

DOUBLED = 10  # replies, of which one is sent twice
MOST_EXACT = 2**53


class Doubling(Outbox):
    """Sends a reply twice now and then."""

    def __init__(self, socket: WebSocket, turns: itertools.count[int]) -> None:
        super().__init__(socket)
        self._turns = turns

    def put(self, text: bytes) -> None:
        """Once, or twice."""
        super().put(text)
        if next(self._turns) % DOUBLED == 0:
            super().put(text)


def _send_twice(gateway: Gateway) -> None:
    turns = itertools.count(1)
    gateway.seams.outbox = lambda socket: Doubling(socket, turns)


def _count_ids(question: Question, reply: Document) -> Document:
    """A string that is a number comes back as that number, one that is none as 0."""
    id_ = reply.get("id")
    if not isinstance(id_, str):
        return reply
    return {**reply, "id": int(id_) if id_.isdecimal() and int(id_) < MOST_EXACT else 0}


DEFECTS = (
    Defect(
        name="string-ids-become-numbers",
        area="ids",
        summary='the reply to id "7" has id 7, and that to an id that is no number has id 0',
        when="whenever a client's id is a string",
        finding="replies",
        plant=lambda gateway: change_replies(gateway, _count_ids),
    ),
    Defect(
        name="replies-sent-twice",
        area="ids",
        summary="a reply over WebSocket comes twice, and the second may be taken for another's",
        when="one reply in ten, to calls over WebSocket",
        finding="replies",
        plant=_send_twice,
    ),
)
