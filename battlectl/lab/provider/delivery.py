"""The bytes of an answer on their way out: slowly, cut short, or as they are.

Rule: the n-th slow byte is due at the beginning plus n divided by the rate, so a rate does not drift. When
every fault that had a say in the delivery is healed, the rest leaves at once and the connection is kept.
"""

from __future__ import annotations

from collections.abc import Sequence

import trio

from battlectl.lab.faults.effect import Delivery, Effect
from battlectl.lab.proxies.behind import ClientStream

PORTION_SECONDS = 0.05


async def deliver(stream: ClientStream, delivery: Delivery, effects: Sequence[Effect]) -> bool:
    """Send an answer; whether the connection can carry another."""
    cut = len(delivery.data) if delivery.cut_after is None else delivery.cut_after
    data = delivery.data[:cut]
    if delivery.bytes_per_s is None:
        await stream.send_all(data)
    elif not await _send_slowly(stream, data, delivery.slow_from, delivery.bytes_per_s, effects):
        await stream.send_all(delivery.data[cut:])
        return True
    if delivery.ending == "reset":
        stream.reset()
    return delivery.ending == "keep"


async def _send_slowly(
    stream: ClientStream, data: bytes, slow_from: int, bytes_per_s: float, effects: Sequence[Effect]
) -> bool:
    """Send all of the data; False when the faults were healed before its end."""
    await stream.send_all(data[:slow_from])
    begin, sent = trio.current_time(), slow_from
    portion = max(1, int(bytes_per_s * PORTION_SECONDS))
    while sent < len(data):
        due = begin + (sent + portion - slow_from) / bytes_per_s
        if await _are_healed_by(due, effects):
            await stream.send_all(data[sent:])
            return False
        await stream.send_all(data[sent : sent + portion])
        sent += portion
    return True


async def _are_healed_by(due: float, effects: Sequence[Effect]) -> bool:
    with trio.move_on_at(due):
        for effect in effects:
            await effect.healed.wait()
        return True
    return False
