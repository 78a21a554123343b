"""Clients that leave while a real node takes its time, which a hung one does for ever.

Rule: whoever waits for an answer is looked at once a second, without reading from it; a request costs nothing
more for that. Who has left takes the request to the node with it, so that neither sockets nor memory pile up.
(A simulated node answers in time, and what a fault holds listens for itself.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import trio

from battlectl.lab.provider.connection import Connection

LOOK_SECONDS = 1.0


async def end_departed(connections: Mapping[int, Connection], watching: trio.CancelScope) -> None:
    """End the connections of clients that have left, until `watching` is cancelled."""
    with watching:
        while True:
            await trio.sleep(LOOK_SECONDS)
            for connection in connections.values():
                if _waits_for_answer(connection) and connection.stream.has_left():
                    connection.scope.cancel()


def _waits_for_answer(connection: Connection) -> bool:
    is_working = connection.idle_since is None and connection.scope.deadline == math.inf
    return is_working and connection.socket is None
