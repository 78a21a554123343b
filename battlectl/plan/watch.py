"""What is asked of the target beside the load."""

from __future__ import annotations

from dataclasses import dataclass

from battlectl.plan.route import Route, plan_route
from battlectl.scenario.watch import Watch


@dataclass(frozen=True, slots=True)
class PlannedWatch:
    """`rate` rounds of questions a second; without `notice` what the target's config says of it holds.

    `route` is where they go.
    """

    rate: float
    notice: float | None
    route: Route


def plan_watch(watch: Watch | None) -> PlannedWatch | None:
    """The watch of a scenario, if it has one."""
    return None if watch is None else PlannedWatch(watch.rate, watch.notice, plan_route(watch.http))
