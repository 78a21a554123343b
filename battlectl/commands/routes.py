"""Whether a target can take the routes of a scenario: told at their places, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from battlectl.plan.route import Route, plan_route
from battlectl.scenario.model import Scenario
from battlectl.scenario.places import Mistake
from battlectl.scenario.routes import WsRoute
from battlectl.scenario.target import Target
from battlectl.scenario.wording import nearest
from battlectl.targets import ADAPTERS
from battlectl.targets.adapter import Unaddressable


def check_routes(scenario: Scenario, target: Target, ids: Sequence[str]) -> Iterator[Mistake]:
    """Words that the target's kind cannot do, and providers that its config does not know."""
    for name, workload in scenario.load.items():
        is_socket = isinstance(workload.route, WsRoute)
        path = ("load", name, "ws" if is_socket else "http")
        route = plan_route(workload.route)
        for word, message in _refused(route, target, ids, is_socket):
            yield Mistake((*path, word), message)


def _refused(route: Route, target: Target, ids: Sequence[str], is_socket: bool) -> Iterator[tuple[str, str]]:
    if route.provider is not None and ids and route.provider not in ids:
        yield "provider", f'"{route.provider}" is no provider of this target{nearest(route.provider, ids)}'
    try:
        ADAPTERS[target.kind].address(target, route, "/", is_socket)
    except Unaddressable as error:
        yield error.word, str(error)
