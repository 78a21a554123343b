"""The measured behaviours of a real Toxiproxy, measured again on the lab: one test for each fact.

Timings must be within 15 % or 10 ms of the recorded ones, whichever is more. All scenarios run beside each
other once; one whose facts do not hold is measured up to three times more, by itself.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from tests.lab.toxiproxy import facts_connections, facts_delays, facts_endings, facts_programs
from tests.lab.toxiproxy.checks import CHECKS, EXCUSED, agrees
from tests.lab.toxiproxy.lab import lab_process
from tests.lab.toxiproxy.world import World, close_all

pytestmark = pytest.mark.real

FACTS: dict[str, dict[str, Any]] = {
    fact["id"]: fact["measured"]
    for fact in json.loads((Path(__file__).parent / "wire" / "behaviour.json").read_text("utf-8"))
}
Scenario = Callable[[World], Awaitable[dict[str, dict[str, Any]]]]
MODULES = (facts_connections, facts_delays, facts_endings, facts_programs)
TOGETHER: list[Scenario] = [
    scenario
    for module in MODULES
    for name in ("SCENARIOS", "MORE_SCENARIOS", "LAST_SCENARIOS")
    for scenario in getattr(module, name, ())
]
ALONE: list[Scenario] = [scenario for module in MODULES for scenario in module.ALONE]
FACTS_OF: dict[Scenario, set[str]] = {}
"""Which facts a scenario measures, as it turns out."""

AT_ONCE = 6
RETRIES = 3


def check(fact: str, measured: dict[str, Any]) -> None:
    """AssertionError when what was measured is not what was recorded."""
    CHECKS.get(fact, agrees)(FACTS[fact], measured)


def failures(measured: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Fact -> why it does not hold."""
    found = {}
    for fact, values in measured.items():
        try:
            check(fact, values)
        except AssertionError as error:
            found[fact] = f"{error}: {values}, recorded {FACTS[fact]}"
    return found


async def measure(scenario: Scenario, port: int) -> dict[str, dict[str, Any]]:
    """One scenario, with upstreams of its own."""
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=url, timeout=None) as client, trio.open_nursery() as upstreams:
        found = await scenario(World(client, upstreams))
        upstreams.cancel_scope.cancel()
    FACTS_OF[scenario] = set(found)
    return found


async def measure_together(port: int) -> dict[str, dict[str, Any]]:
    """All that do not disturb each other."""
    measured: dict[str, dict[str, Any]] = {}
    limit = trio.CapacityLimiter(AT_ONCE)

    async def run(scenario: Scenario) -> None:
        async with limit:
            measured.update(await measure(scenario, port))

    async with trio.open_nursery() as nursery:
        for scenario in TOGETHER:
            nursery.start_soon(run, scenario)
    return measured


async def measure_all() -> dict[str, str]:
    """Every fact that was measured -> why it does not hold, or nothing."""
    with lab_process() as port:
        measured = await measure_together(port)
        for scenario in ALONE:
            measured |= await measure(scenario, port)
        troubles = failures(measured)
        for scenario in [*TOGETHER, *ALONE]:
            await measure_again(scenario, port, troubles)
        await close_all()
    return dict.fromkeys(measured, "") | troubles


async def measure_again(scenario: Scenario, port: int, troubles: dict[str, str]) -> None:
    """Give the facts of a scenario another chance, with nothing beside it; what holds is no trouble."""
    for _ in range(RETRIES if troubles.keys() & FACTS_OF[scenario] else 0):
        found = await measure(scenario, port)
        still = failures(found)
        for fact in found:
            if fact not in still:
                troubles.pop(fact, None)
        if not troubles.keys() & found.keys():
            return


@pytest.fixture(scope="module")
def results() -> dict[str, str]:
    return trio.run(measure_all)


@pytest.mark.parametrize("fact", FACTS)
def test_fact(fact, results):
    assert fact in results, "no scenario measures it"
    assert results[fact] == ""


def test_every_excused_fact_is_documented_and_has_a_check_of_its_own():
    text = (Path(__file__).parents[3] / "docs" / "toxiproxy.md").read_text("utf-8")
    for fact, reason in EXCUSED.items():
        assert f"| {fact} | {reason} |" in text
        assert fact in CHECKS
