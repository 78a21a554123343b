"""The faults and the routes of a scenario at a target, planned or refused.

Rule: a fault that this target cannot have, or a route that it cannot take, is a mistake in the scenario file,
told at its place and before anything is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from battlectl.commands.allowance import refuse_public
from battlectl.commands.routes import check_routes
from battlectl.plan.chaos import Misplanned, plan_chaos
from battlectl.plan.chaos_bounds import check_breakers
from battlectl.plan.injection import Injection
from battlectl.scenario.model import RequestWorkload, Scenario, promises
from battlectl.scenario.parse import ParsedScenario
from battlectl.scenario.places import Mistake
from battlectl.scenario.routes import WsRoute
from battlectl.scenario.target import Target
from battlectl.scenario.warmup import KEY, place_of, warmup_faults
from battlectl.targets import ADAPTERS


def provider_ids(target: Target) -> Sequence[str]:
    """The ids of the providers behind a target, in the order of its config file."""
    if target.kind == "lab":
        from battlectl.lab.spec import provider_ids as ids_of_lab

        return ids_of_lab(target.lab.providers)
    return [provider.id for provider in target.providers]


def injections_of(parsed: ParsedScenario, target: Target, target_name: str) -> tuple[Injection, ...]:
    """The injections in order of time; `BadFile` with all that the target cannot have or take."""
    refuse_public(target, target_name)
    scenario, ids = parsed.scenario, provider_ids(target)
    mistakes = [
        *_check_sockets(scenario, target, target_name),
        *check_routes(scenario, target, ids),
        *check_breakers(promises(scenario), ids),
    ]
    late = warmup_faults(scenario.warmup_latencies, scenario.phases)
    key = "chaos" if scenario.chaos or not late else KEY
    if (scenario.chaos or late) and target.kind != "lab" and target.chaos is None:
        way_out = "add `chaos: {driver: ...}` to its config file"
        message = f"the target {target_name} has no way to be broken: {way_out}"
        raise parsed.refusal([*mistakes, Mistake((key,), message, True)])
    try:
        injections = plan_chaos(
            (*scenario.chaos, *late), scenario.phases, ids, scenario.seed, scenario.safety.max_providers_down
        )
    except Misplanned as error:
        raise parsed.refusal([*mistakes, *_placed(error, scenario)]) from None
    mistakes += (Mistake((key,), why, True) for why in _refusals(target, injections))
    if mistakes:
        raise parsed.refusal(mistakes)
    return injections


def _placed(error: Misplanned, scenario: Scenario) -> Iterator[Mistake]:
    """At the places of the file, where latencies stand beside the faults that are written out."""
    written, latencies = len(scenario.chaos), scenario.warmup_latencies
    for mistake in error.mistakes:
        yield replace(mistake, path=place_of(mistake.path, written, latencies))


def _refusals(target: Target, injections: tuple[Injection, ...]) -> Iterator[str]:
    """What the driver can never do; read only where there is something to do."""
    if target.chaos is not None and injections:
        from battlectl.chaos.beforehand import refusals
        from battlectl.run.campaign_ready import orders_of

        yield from refusals(target.chaos, (order for _, order in orders_of(injections)))


def _check_sockets(scenario: Scenario, target: Target, target_name: str) -> Iterator[Mistake]:
    """Workloads over WebSockets at a target that names no address for them."""
    if target.kind != "lab" and ADAPTERS[target.kind].ws_url(target) is None:
        for name, workload in scenario.load.items():
            if isinstance(workload.route, WsRoute):
                key = "ws" if isinstance(workload, RequestWorkload) else "subscribe"
                message = f"the target {target_name} has no `ws_url`: add it to its config file"
                yield Mistake(("load", name, key), message, True)
