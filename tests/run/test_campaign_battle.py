"""A campaign beside a battle: it begins with the load, and heals after it, whatever ended it."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from battlectl.chaos.scripted import AS_TOLD, ScriptedDriver, Turn
from battlectl.observe.faults import Campaign
from battlectl.plan.build import build_plan
from battlectl.run.battle import LEAD, Forces, fight
from battlectl.run.campaign import HEAL_WITHIN, CampaignRun, Weapons
from battlectl.run.stop import Stop
from battlectl.transport.base import Head
from battlectl.transport.scripted import ScriptedClient, reply_ok
from tests.battle import scenario_of
from tests.run.campaigns import ScriptedProber, Written, injection


class Bang(Exception):
    """A bug of ours."""


def battle(*, latency=0.01, on_line=None, stop_at=None, until=8.0, turn=AS_TOLD):
    """(campaign, driver, seconds from the start to the end, what was raised)"""
    plan = build_plan(
        scenario_of(
            phases={"steady": "10s"},
            load={"reads": {"rate": "10/s", "calls": ["eth_blockNumber"], "timeout": "2s"}},
        ),
        {},
    )
    driver = ScriptedDriver(script=lambda action, n, subject: turn if action == "heal" else AS_TOLD)
    written = Written(driver)
    campaign = CampaignRun(
        [injection("kill-a", 3, until)], 10, Weapons(driver, ScriptedProber(driver), written)
    )
    stop, times = Stop(), {}

    async def keep(line):
        await trio.lowlevel.checkpoint()
        if on_line is not None:
            on_line(line)

    async def chaos(start):
        times["start"] = start
        await campaign.serve(start)
        raise AssertionError("a campaign ends when it is cancelled")

    def open_client(_workload, _resent):
        return ScriptedClient(lambda exchange, _: (latency, reply_ok(exchange)))

    async def main() -> tuple[Campaign, BaseException | None]:
        raised = None
        async with trio.open_nursery() as nursery:
            if stop_at is not None:
                nursery.start_soon(stop_later, stop, stop_at)
            try:
                await fight(plan, Forces(open_client, keep, chaos=chaos), "test", stop, Head(None))
            except BaseExceptionGroup as group:
                raised = group
            times["end"] = trio.current_time()
            nursery.cancel_scope.cancel()
        return campaign.campaign(), raised

    seen, raised = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    return seen, driver, times["end"] - times["start"], raised


async def stop_later(stop, at):
    await trio.sleep(LEAD + at)
    stop.request("interrupted", "the test asked")


def healed_at(campaign):
    return [deed.t for deed in campaign.deeds if (deed.action, deed.stage) == ("heal", "done")]


def test_it_begins_with_the_load_and_its_times_are_those_of_the_load():
    campaign, driver, seconds, raised = battle()
    assert raised is None
    assert [deed.t for deed in campaign.deeds] == [3.0, 3.0, 8.0, 8.0]
    assert driver.faults == {}
    assert 10 <= seconds < 11


def test_stopped_it_heals_after_the_drain_and_before_the_end():
    campaign, driver, seconds, _ = battle(stop_at=5.0, latency=1.5)
    [moment] = healed_at(campaign)
    assert 6.0 <= moment <= seconds < 8
    assert driver.faults == {}
    assert campaign.leftovers == ()


def test_a_bug_elsewhere_ends_the_battle_with_everything_healed():
    def bang(line):
        if line.t > 4:
            raise Bang

    campaign, driver, seconds, raised = battle(on_line=bang)
    assert raised is not None
    assert raised.subgroup(Bang) is not None
    assert driver.faults == {}
    assert healed_at(campaign) == [pytest.approx(seconds, abs=0.1)]


def test_a_fault_that_cannot_be_healed_holds_up_the_end_for_so_long_and_no_longer():
    campaign, driver, seconds, _ = battle(stop_at=5.0, turn=Turn(seconds=float("inf")))
    assert list(driver.faults) == [("provider_a", "kill-a")]
    assert len(campaign.leftovers) == 1
    assert HEAL_WITHIN - 2 < seconds - 5 < HEAL_WITHIN + 1
