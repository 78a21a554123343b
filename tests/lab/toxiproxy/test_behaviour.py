"""The measured behaviours of a real Toxiproxy, measured again on the lab: one test for each fact.

Timings must be within 15 % or 10 ms of the recorded ones, whichever is more. All scenarios run beside each
other once; one whose facts do not hold is measured up to three times more, by itself. Where the system says
that the lab or the tests had to wait for a processor meanwhile, a failed measurement is void and made again;
a fact that could never be measured without that is skipped, and says so.
"""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from tests.lab.toxiproxy import facts_connections, facts_delays, facts_endings, facts_programs
from tests.lab.toxiproxy.checks import CHECKS, EXCUSED, agrees
from tests.lab.toxiproxy.lab import lab_started
from tests.lab.toxiproxy.world import World, close_all

pytestmark = [pytest.mark.real, pytest.mark.quiet]

FACTS: dict[str, dict[str, Any]] = {
    fact["id"]: fact["measured"]
    for fact in json.loads((Path(__file__).parent / "wire" / "behaviour.json").read_text("utf-8"))
}
Scenario = Callable[[World], Awaitable[dict[str, dict[str, Any]]]]
MODULES = (facts_connections, facts_delays, facts_endings, facts_programs)


def scenarios(*names: str) -> list[Scenario]:
    """Those that the modules have under these names."""
    return [one for module in MODULES for name in names for one in getattr(module, name, ())]


TOGETHER = scenarios("SCENARIOS", "MORE_SCENARIOS", "LAST_SCENARIOS")
BUSY = scenarios("BUSY")
"""Those that keep the machine busy, and measure nothing fine."""
ALONE = scenarios("ALONE")
FACTS_OF: dict[Scenario, set[str]] = {}
"""Which facts a scenario measures, as it turns out."""

AT_ONCE = 6
RETRIES = 3
MOST_ATTEMPTS = 8
VOID_MS, VOID_SHARE = 10, 0.01
TOO_BUSY = "the machine was too busy to measure this: waited for a processor"


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
    """One scenario, with upstreams of its own; nothing when it broke off."""
    url = f"http://127.0.0.1:{port}"
    found: dict[str, dict[str, Any]] = {}
    async with httpx.AsyncClient(base_url=url, timeout=None) as client, trio.open_nursery() as upstreams:
        try:
            found = await scenario(World(client, upstreams))
            FACTS_OF[scenario] = set(found)
        except (AssertionError, trio.TooSlowError):
            traceback.print_exc()
        upstreams.cancel_scope.cancel()
    return found


async def measure_together(chosen: list[Scenario], port: int) -> dict[str, dict[str, Any]]:
    """All that do not disturb each other."""
    measured: dict[str, dict[str, Any]] = {}
    limit = trio.CapacityLimiter(AT_ONCE)

    async def run(scenario: Scenario) -> None:
        async with limit:
            measured.update(await measure(scenario, port))

    async with trio.open_nursery() as nursery:
        for scenario in chosen:
            nursery.start_soon(run, scenario)
    await close_all()
    return measured


async def measure_all() -> dict[str, str]:
    """Every fact that was measured -> why it does not hold, or nothing."""
    with lab_started() as (port, pid):
        measured = await measure_together(TOGETHER, port) | await measure_together(BUSY, port)
        for scenario in ALONE:
            measured |= await measure_together([scenario], port)
        results = dict.fromkeys(measured, "") | failures(measured)
        for scenario in [*TOGETHER, *BUSY, *ALONE]:
            await measure_again(scenario, port, pid, results)
    return results


async def measure_again(scenario: Scenario, port: int, pid: int, results: dict[str, str]) -> None:
    """Give the facts of a scenario more chances, with nothing beside it; what held once, holds."""
    undisturbed = 0
    for attempt in range(MOST_ATTEMPTS):
        known = FACTS_OF.get(scenario, set())
        if undisturbed == RETRIES or (known and not any(results.get(fact, "?") for fact in known)):
            return
        await trio.sleep(attempt * 0.2)
        waited, start = waiting_ms(pid), trio.current_time()
        found = await measure_together([scenario], port)
        waited = waiting_ms(pid) - waited
        undisturbed += waited <= VOID_MS + VOID_SHARE * (trio.current_time() - start) * 1000
        excuse = "" if undisturbed else f"{TOO_BUSY}: {waited:.0f} ms; "
        still = failures(found)
        for fact in found:
            if results.get(fact, "?"):
                results[fact] = excuse + still[fact] if fact in still else ""


def waiting_ms(pid: int) -> float:
    """For how long the lab and this process were ready to run and did not."""
    try:
        texts = [Path(f"/proc/{one}/schedstat").read_text() for one in (pid, os.getpid())]
    except OSError:  # not Linux: nothing is ever void
        return 0.0
    return sum(int(text.split()[1]) / 1e6 for text in texts)


@pytest.fixture(scope="module")
def results() -> dict[str, str]:
    return trio.run(measure_all)


@pytest.mark.parametrize("fact", FACTS)
def test_fact(fact, results):
    assert fact in results, "no scenario measures it"
    if results[fact].startswith(TOO_BUSY) and not os.environ.get("CI"):
        pytest.skip(results[fact])
    assert results[fact] == ""


def test_every_excused_fact_is_documented_and_has_a_check_of_its_own():
    text = (Path(__file__).parents[3] / "docs" / "toxiproxy.md").read_text("utf-8")
    for fact, reason in EXCUSED.items():
        assert f"| {fact} | {reason} |" in text
        assert fact in CHECKS
