"""A campaign beside a battle: it begins with the load, and heals after it, whatever ended it."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from battlectl.chaos.scripted import AS_TOLD, HANG, ScriptedDriver, fail
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


def battle(*, latency=0.01, on_line=None, stop_at=None, until=8.0, script=None):
    """(campaign, driver, seconds from the start to the end, what was raised)"""
    plan = build_plan(
        scenario_of(
            phases={"steady": "10s"},
            load={"reads": {"rate": "10/s", "calls": ["eth_blockNumber"], "timeout": "2s"}},
        ),
        {},
    )
    driver = ScriptedDriver(script=script or (lambda action, n, subject: AS_TOLD))
    written = Written(driver)
    stop, times = Stop(), {}
    weapons = Weapons(driver, ScriptedProber(driver), written)
    campaign = CampaignRun([injection("kill-a", 3, until)], 10, weapons, stop.arrivals)

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


def test_stopped_it_heals_at_once_beside_the_drain_and_counts_until_that_is_over():
    campaign, driver, seconds, _ = battle(stop_at=5.0, latency=1.5)
    assert healed_at(campaign) == [pytest.approx(5.0, abs=0.1)]
    assert driver.faults == {}
    assert campaign.leftovers == ()
    assert 6.0 <= seconds < 7
    assert campaign.counts[-1].t == pytest.approx(seconds, abs=0.1)
    assert len({count.t for count in campaign.counts if 5.2 < count.t < 6.3}) >= 3


def test_what_could_not_be_healed_before_the_stop_is_tried_again_at_once():
    """The admin API is away until the stop, when the heal at the fault's own end has long been given up."""

    def script(action, n, subject):
        return fail("away") if action == "heal" and trio.current_time() < 9.8 else AS_TOLD

    campaign, driver, seconds, _ = battle(stop_at=9.9, until=3.5, script=script, latency=0.5)
    assert driver.faults == {}
    assert campaign.leftovers == ()
    assert [deed.stage for deed in campaign.deeds if deed.action == "heal"] == [
        "begin",
        "failed",
        "begin",
        "done",
    ]
    assert seconds < 10.6


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
    hung = lambda action, n, subject: HANG if action == "heal" else AS_TOLD  # noqa: E731
    campaign, driver, seconds, _ = battle(stop_at=5.0, script=hung)
    assert list(driver.faults) == [("provider_a", "kill-a")]
    assert len(campaign.leftovers) == 1
    assert HEAL_WITHIN - 2 < seconds - 5 < HEAL_WITHIN + 1
