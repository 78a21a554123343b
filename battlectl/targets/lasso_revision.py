"""Which of Lasso's two revisions answers: asked once, before any load.

Rule: the version that /api/health names decides, below 0.2 it is 2025-10. A config that names a revision is
held to it where the version is told, because addresses and metadata mean different things in the two.
"""

from __future__ import annotations

import re
from typing import Any

from battlectl.errors import NotReady, UserError
from battlectl.plan.build import Plan
from battlectl.plan.route import Route
from battlectl.scenario.target import Target
from battlectl.targets.adapter import Unaddressable
from battlectl.targets.control import CallError, Control
from battlectl.targets.lasso_address import Revision, lasso_address

HEALTH = "/api/health"
FIRST_CURRENT = (0, 2)


def read_revision(health: Any) -> tuple[str, Revision] | None:
    """The version as the health page tells it, and its revision; None where it tells none."""
    version = health.get("version") if isinstance(health, dict) else None
    numbers = re.match(r"([0-9]{1,6})\.([0-9]{1,6})", version) if isinstance(version, str) else None
    if numbers is None:
        return None
    told = (int(numbers[1]), int(numbers[2]))
    return str(version), "current" if told >= FIRST_CURRENT else "2025-10"


async def confirm_revision(target: Target, control: Control, plan: Plan) -> str:
    """A note on who answers; raises NotReady for another revision than the config's, UserError for words that
    this one cannot do."""
    root = (target.url or "").partition("?")[0].rstrip("/")
    try:
        told = read_revision(await control.fetch(f"{root}{HEALTH}"))
    except CallError as error:
        told, why = None, str(error)
    else:
        why = f"{HEALTH} names no version"
    if told is None:
        return f"which revision of Lasso answers is not known: {why}"
    version, revision = told
    if target.revision is not None and target.revision != revision:
        said = f"the target is Lasso {version}, which is revision {revision}"
        raise NotReady(f"{said}, and its config says {target.revision}: change one of the two")
    _check_words(plan, target, revision, version)
    return f"the target says that it is Lasso {version}: revision {revision}"


def _check_words(plan: Plan, target: Target, revision: Revision, version: str) -> None:
    routes = {workload.name: workload.route for workload in plan.workloads}
    for name, route in (routes | {streams.name: streams.route for streams in plan.streams}).items():
        try:
            lasso_address("/", target.chain or "", _filled(route, target), revision)
        except Unaddressable as error:
            raise UserError(f"load.{name}: {error.word}: the target is Lasso {version}, {error}") from None


def _filled(route: Route, target: Target) -> Route:
    return Route(
        strategy=route.strategy,
        provider=route.provider,
        transport=route.transport,
        profile=route.profile or target.profile,
    )
