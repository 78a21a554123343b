"""When a provider is asked about a fault: before it, all through it, and after it was healed.

Rule: looking never holds up a fault or its healing: each question has a deadline, and one that is cut short
by it says how long it had waited.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import trio

from battlectl.chaos.driver import Order
from battlectl.chaos.probe import Answer
from battlectl.observe import outcome
from battlectl.plan.injection import Injection
from battlectl.run.campaign_record import CampaignRecord, method_for

FIRST_LOOKS = (0.0, 0.25, 0.5, 1.0)
"""Seconds after an injection at which its provider is asked; then each `LOOK_EVERY`, or less often in a long
fault, and at the end."""
LOOK_EVERY = 1.0
MOST_EVERY = 4.0
"""Seconds after which a server may close a connection that is kept: no fault did that."""
MANY_LOOKS = 200
"""Beyond which, in one fault, looks are further apart: a report must hold them all."""
LAST_LOOK = 0.3
"""Seconds before the end of a fault."""
ASK_WELL_EVERY = 0.25


async def look_before(record: CampaignRecord, injection: Injection, provider: str, deadline: float) -> None:
    """Open the connection that is kept into the fault, see that it is kept, and ask on a new one."""
    method = method_for(injection.toxic, injection.attributes)
    for number, line in enumerate((injection.name, injection.name, "")):
        is_over = trio.current_time() >= deadline or (number == 1 and not record.is_kept(provider, line))
        if not is_over:
            await record.ask(provider, line, method, deadline)


async def look_on(record: CampaignRecord, injection: Injection, provider: str) -> None:
    """Ask on new and kept connections from now to the end of the fault, at which this returns."""
    began, until = trio.current_time(), record.start + injection.until
    times = [began + offset for offset in look_offsets(until - began)]
    async with trio.open_nursery() as nursery:
        for line in ("", injection.name):
            nursery.start_soon(_ask_at, record, injection, provider, line, times)
    await trio.sleep_until(until)


def look_offsets(length: float) -> list[float]:
    """When to look, in seconds from the injection of a fault that lasts so long; last near its end."""
    every = min(max(LOOK_EVERY, length / MANY_LOOKS), MOST_EVERY)
    offsets, last = list(FIRST_LOOKS), max(0.0, length - LAST_LOOK)
    while offsets[-1] < length:
        offsets.append(offsets[-1] + every)
    return [*(offset for offset in offsets if offset < last), last]


async def _ask_at(
    record: CampaignRecord, injection: Injection, provider: str, line: str, times: Sequence[float]
) -> None:
    """A kept connection that did not answer is gone afterwards, or was before: it is asked no more."""
    until = record.start + injection.until
    method = method_for(injection.toxic, injection.attributes)
    for due, following in zip(times, [*times[1:], until], strict=True):
        if following <= trio.current_time() and due != times[-1]:
            continue  # The answer before took longer than this.
        await trio.sleep_until(min(due, until))
        if trio.current_time() >= until or (line and not record.is_kept(provider, line)):
            return
        await record.ask(provider, line, method, until)


async def look_until_well(record: CampaignRecord, order: Order, deadline: float | None) -> Answer | None:
    """The last answer: the first that is ok, or any while another fault is in force at the provider.

    Without a deadline it is the first: of a provider that was not well before, nothing is waited for.
    """
    method = method_for(order.toxic, order.attributes)
    patience = math.inf if deadline is None else deadline
    while True:
        answer = await record.ask(order.provider, "", method, patience)
        if answer is None or answer.outcome == outcome.OK or record.is_broken(order.provider):
            return answer
        if deadline is None or trio.current_time() + ASK_WELL_EVERY >= deadline:
            return answer
        await trio.sleep(ASK_WELL_EVERY)
