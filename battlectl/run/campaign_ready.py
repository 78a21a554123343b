"""Before any load: that the driver can do all of it, that nothing is broken yet, that the providers answer.

Rule: nothing is changed here. What can never be done is Impossible, what does not answer is a DriverError,
and what somebody left behind is StaleFaults: a run over it would measure somebody else's fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf

import trio

from battlectl.chaos.driver import Driver, DriverError, Impossible, InForce, Order
from battlectl.plan.injection import Injection
from battlectl.run.campaign_look import look_before
from battlectl.run.campaign_record import PROBE_METHOD, CampaignRecord

CHECK_WITHIN = 15.0
LEAD = 1.0
"""Seconds before an injection at which its kept connection is opened."""


class StaleFaults(Exception):
    """Something is broken already; `faults` say what and where."""

    def __init__(self, faults: Sequence[InForce]) -> None:
        super().__init__("; ".join(f"{fault.provider}: {fault.what}" for fault in faults))
        self.faults = tuple(faults)


def order_of(injection: Injection, provider: str) -> Order:
    """One injection at one of its providers."""
    return Order(injection.name, injection.kind, injection.toxic, provider, injection.attributes)


def orders_of(injections: Sequence[Injection]) -> Iterator[tuple[Injection, Order]]:
    """Every injection at each of its providers."""
    for injection in injections:
        for provider in injection.providers:
            yield injection, order_of(injection, provider)


def check_overlaps(driver: Driver, injections: Sequence[Injection]) -> None:
    """Impossible where two faults would need the same thing at the same time."""
    orders = list(orders_of(injections))
    for number, (one, order) in enumerate(orders):
        for other, second in orders[number + 1 :]:
            is_apart = one.until <= other.at or other.until <= one.at
            if is_apart or not (resource := driver.resource(order)) or resource != driver.resource(second):
                continue
            raise Impossible(
                f"{one.name} at {order.provider} and {other.name} at {second.provider} overlap, and with the "
                f"driver {driver.name} only one can be in force there: let one end before the other begins"
            )


async def make_ready(driver: Driver, injections: Sequence[Injection], record: CampaignRecord) -> None:
    """See the rule; at most `CHECK_WITHIN` seconds and a look at each provider."""
    check_overlaps(driver, injections)
    stale: tuple[InForce, ...] | None = None
    with trio.move_on_after(CHECK_WITHIN):
        await driver.check([order for _, order in orders_of(injections)])
        stale = await driver.in_force()
    if stale is None:
        raise DriverError(f"the driver {driver.name} did not answer within {CHECK_WITHIN:g}s")
    if stale:
        raise StaleFaults(stale)
    async with trio.open_nursery() as nursery:
        for provider in dict.fromkeys(order.provider for _, order in orders_of(injections)):
            nursery.start_soon(record.ask, provider, "", PROBE_METHOD)
        for injection, order in orders_of(injections):
            if injection.at < LEAD:
                nursery.start_soon(look_before, record, injection, order.provider, inf)
