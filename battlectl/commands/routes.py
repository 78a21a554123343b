"""Whether a target can take the routes of a scenario: told at their places, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from battlectl.plan.route import Route, plan_route
from battlectl.scenario.model import RequestWorkload, Scenario
from battlectl.scenario.places import Mistake, Path
from battlectl.scenario.routes import WsRoute
from battlectl.scenario.streams import SubscribeWorkload
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
        yield from _check_other(workload, target, ids, ("load", name, "equal_to"))
    if scenario.watch is not None:
        for word, message in _refused(plan_route(scenario.watch.http), target, ids, False):
            yield Mistake(("watch", "http", word), message)


def _check_other(
    workload: RequestWorkload | SubscribeWorkload, target: Target, ids: Sequence[str], path: Path
) -> Iterator[Mistake]:
    """The other place that a workload's calls go to."""
    other = workload.equal_to if isinstance(workload, RequestWorkload) else None
    if other is None:
        return
    for word, message in _refused(plan_route(other), target, ids, False):
        yield Mistake((*path, word), message)
    if other.node is not None and other.node not in ids:
        message = f'"{other.node}" is no provider of this target{nearest(other.node, ids)}'
        yield Mistake((*path, "node"), message)
    elif other.node is not None and target.kind != "lab" and not _has_url(target, other.node):
        yield Mistake((*path, "node"), f"give {other.node} a `url` in the config file: where is it asked?")


def _has_url(target: Target, id_: str) -> bool:
    return any(provider.id == id_ and provider.url for provider in target.providers)


def _refused(route: Route, target: Target, ids: Sequence[str], is_socket: bool) -> Iterator[tuple[str, str]]:
    if route.provider is not None and ids and route.provider not in ids:
        yield "provider", f'"{route.provider}" is no provider of this target{nearest(route.provider, ids)}'
    try:
        ADAPTERS[target.kind].address(target, route, "/", is_socket)
    except Unaddressable as error:
        yield error.word, str(error)
