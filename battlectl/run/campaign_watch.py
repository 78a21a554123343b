"""What goes on beside the faults of a campaign: its lease is renewed, and the providers' counters are read.

Rule: neither ever holds up a fault or its healing; what a driver does not say in time is a gap in the record.
"""

from __future__ import annotations

import trio

from battlectl.chaos.driver import Driver, DriverError
from battlectl.run.campaign_record import CampaignRecord

RENEW_EVERY = 1.0
RENEW_WITHIN = 2.0
COUNT_EVERY = 0.1
"""Seconds between looks: what is told by them is known to about twice as long."""
COUNT_WITHIN = 1.0
MOST_COUNTS = 40_000
"""Beyond which, over a whole run, counts are taken less often."""


async def keep_lease(driver: Driver, record: CampaignRecord) -> None:
    """Renew it until cancelled; each loss is told once."""
    was_lost = False
    while True:
        await trio.sleep(RENEW_EVERY)
        reason: str | None = f"the lease was not renewed within {RENEW_WITHIN:g}s"
        with trio.move_on_after(RENEW_WITHIN):
            try:
                reason = await driver.renew()
            except DriverError as error:
                reason = f"the lease could not be renewed: {error}"
        if reason is not None and not was_lost:
            record.add_loss(reason)
        was_lost = reason is not None


async def keep_counting(driver: Driver, record: CampaignRecord, duration: float) -> None:
    """Count until cancelled; `duration` is that of the run, in seconds."""
    due = trio.current_time()
    while True:
        providers = await count_once(driver, record)
        every = max(COUNT_EVERY, duration * providers / MOST_COUNTS)
        due = max(due + every, trio.current_time())
        await trio.sleep_until(due)


async def count_once(driver: Driver, record: CampaignRecord) -> int:
    """How many providers were counted; a count that is not to be had is a gap that the analysis sees."""
    with trio.move_on_after(COUNT_WITHIN):
        try:
            counts = await driver.count()
        except DriverError:
            return 0
        record.add_counts(counts)
        return len(counts)
    return 0
