"""Scenarios with `chaos`, read by the whole of `parse_scenario`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from battlectl.errors import BadFile
from battlectl.plan.build import Plan, build_plan
from battlectl.plan.chaos import Misplanned, plan_chaos
from battlectl.plan.chaos_bounds import check_breakers
from battlectl.scenario.model import promises
from battlectl.scenario.parse import ParsedScenario, parse_scenario

PROVIDERS = ("provider_a", "provider_b", "provider_c")
NEWLINE = "\n"
PHASES = "{warmup: 5s, steady: 10s, battle: 30s, recovery: 15s}"


def chaotic_text(
    chaos: str = "[]", objectives: Sequence[str] = (), phases: str = PHASES, more: str = "", load: str = ""
) -> str:
    """A whole file; the lines of `chaos` begin on line 6 when it is a block."""
    written = "".join(f"\n  - {objective}" for objective in objectives) or " []"
    separator = "\n" if chaos.lstrip().startswith("-") else " "
    workload = load or "{reads: {rate: 10/s, calls: [eth_blockNumber]}}"
    return (
        f"version: 1\nname: chaos\nphases: {phases}\nload: {workload}\n"
        f"chaos:{separator}{chaos.strip(NEWLINE).rstrip()}\nobjectives:{written}\n{more}\n"
    )


def parsed(
    *args: Any, sets: Sequence[str] = (), environ: Mapping[str, str] | None = None, **kwargs: Any
) -> ParsedScenario:
    """The scenario of such a file."""
    text = chaotic_text(*args, **kwargs)
    return parse_scenario(text, "f.yml", environ or {}, sets, lambda name: "")


def complaints(*args: Any, providers: Sequence[str] = PROVIDERS, **kwargs: Any) -> list[str]:
    """Every problem of the file and of its plan, as it is printed."""
    try:
        planned(*args, providers=providers, **kwargs)
    except BadFile as error:
        return str(error).splitlines()
    return []


def planned(*args: Any, providers: Sequence[str] = PROVIDERS, seed: int | None = None, **kwargs: Any) -> Plan:
    """The plan of such a file."""
    read = parsed(*args, **kwargs)
    scenario = read.scenario
    try:
        unknown = tuple(check_breakers(promises(scenario), providers))
        if unknown:
            raise Misplanned(unknown)
        injections = plan_chaos(
            scenario.chaos,
            scenario.phases,
            providers,
            scenario.seed if seed is None else seed,
            scenario.safety.max_providers_down,
        )
    except Misplanned as error:
        raise read.refusal(error.mistakes) from None
    return build_plan(scenario, {}, injections)
