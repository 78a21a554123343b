"""What a driver can never do, as far as its configuration tells: nobody is asked.

Rule: the driver itself is asked again before any load, and what is refused here is refused there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from battlectl.chaos import haproxy, http, process
from battlectl.chaos.driver import Impossible, Order

Check = Callable[[Any, Order], None]

CHECKS: Mapping[str, Check] = {
    "haproxy": lambda config, order: haproxy.check_order(order),
    "http": lambda config, order: http.check_order(config.faults, order),
    "process": lambda config, order: process.check_order(config.processes, order),
}
"""Of Toxiproxy only its server knows what it can do."""


def refusals(config: Any, orders: Iterable[Order]) -> Iterator[str]:
    """Why these cannot be, each reason once."""
    check = CHECKS.get(config.driver)
    told = set()
    for order in orders if check is not None else ():
        try:
            assert check is not None, "there are orders"
            check(config, order)
        except Impossible as error:
            if str(error) not in told:
                told.add(str(error))
                yield str(error)
