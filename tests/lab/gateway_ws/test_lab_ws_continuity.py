"""Subscribers through whatever happens to providers: no block missing, none twice, in order."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from battlectl.lab.chain.chain import fork_chain
from battlectl.lab.chain.transfers import TOKENS
from battlectl.lab.rpc.log_filter import find_logs
from tests.lab.gateway_ws.upstreams import Clients, Lab, clients, lab, until

pytestmark = pytest.mark.real


def numbers(heads: list[dict[str, Any]]) -> list[int]:
    return [int(head["number"], 16) for head in heads]


def assert_continuous(lab_: Lab, heads: list[dict[str, Any]], first_at_most: int) -> None:
    """Every block of the chain from the first on, once, in order, each linked to the one before."""
    seen = numbers(heads)
    assert seen[0] <= first_at_most
    assert seen == list(range(seen[0], seen[0] + len(seen)))
    assert [head["hash"] for head in heads] == [lab_.canonical(number) for number in seen]
    assert [head["parentHash"] for head in heads[1:]] == [head["hash"] for head in heads[:-1]]


async def test_ten_subscribers_through_twenty_kills_miss_nothing():
    async with lab() as lab_, clients() as those:
        subscribers = [await those.open(f"{lab_.ws_url}/ws/rpc/battlechain") for _ in range(10)]
        begun = lab_.head
        streams = [await those.do(each.subscribe("newHeads")) for each in subscribers]
        latest_begin = lab_.head
        for _ in range(20):
            await until(lab_.followed)
            victim = lab_.followed()
            assert victim is not None
            port = victim.kill()
            await trio.sleep(0.35)
            await victim.open(lab_.nursery, port)
        target = lab_.head
        await until(lambda: all(heads and numbers(heads)[-1] >= target for heads in streams))
        for heads in streams:
            assert_continuous(lab_, heads.copy(), latest_begin + 1)
        assert target - begun >= 40
        assert len(lab_.events("replacement")) >= 20
        assert len({event["from"] for event in lab_.events("replacement")}) == 3


async def subscribed(lab_: Lab, those: Clients, *params: Any, path: str = "/ws/rpc/battlechain") -> list[Any]:
    subscriber = await those.open(lab_.ws_url + path)
    return await those.do(subscriber.subscribe(*params))


async def heard(lab_: Lab, heads: list[dict[str, Any]], more: int) -> None:
    """Wait until the client has heard a block that is `more` above the head of now."""
    target = lab_.head + more
    await until(lambda: heads and numbers(heads)[-1] >= target)


async def test_a_provider_that_stops_sending_is_noticed_and_replaced():
    async with lab() as lab_, clients() as those:
        heads = await subscribed(lab_, those, "newHeads")
        await until(lambda: lab_.followed() and heads)
        silent = lab_.followed()
        assert silent is not None
        silent.is_mute = True
        await until(lambda: any(e["from"] == silent.name for e in lab_.events("replacement")))
        # With blocks this short it may be two looks that are enough, where time alone is not yet.
        assert lab_.events("replacement")[-1]["reason"] in ("stalled", "lagging")
        await heard(lab_, heads, 3)
        assert_continuous(lab_, heads, numbers(heads)[0])


async def test_a_half_open_provider_is_noticed_and_replaced():
    async with lab() as lab_, clients() as those:
        heads = await subscribed(lab_, those, "newHeads")
        await until(lambda: lab_.followed() and heads)
        gone = lab_.followed()
        assert gone is not None
        gone.is_deaf = True
        await until(lambda: any(e["from"] == gone.name for e in lab_.events("replacement")))
        await heard(lab_, heads, 3)
        assert_continuous(lab_, heads, numbers(heads)[0])


async def test_a_provider_that_rejects_subscriptions_is_passed_over():
    async with lab() as lab_, clients() as those:
        for name in ("mock_a", "mock_b"):
            lab_.upstreams[name].rejects = True
        heads = await subscribed(lab_, those, "newHeads")
        await until(lambda: lab_.followed() is lab_.upstreams["mock_c"])
        await heard(lab_, heads, 3)
        assert_continuous(lab_, heads, numbers(heads)[0])


async def test_events_lost_doubled_and_swapped_reach_clients_once_and_in_order():
    held: list[dict[str, Any]] = []

    def mangle(event: dict[str, Any]) -> list[dict[str, Any]]:
        """Of each five: the second is lost, the third doubled, the fourth comes after the fifth."""
        match int(event["params"]["result"]["number"], 16) % 5:
            case 1:
                return []
            case 2:
                return [event, event]
            case 3:
                held.append(event)
                return []
            case 4:
                return [event, *(held.pop() for _ in held.copy())]
        return [event]

    async with lab() as lab_, clients() as those:
        for upstream in lab_.upstreams.values():
            upstream.change = mangle
        heads = await subscribed(lab_, those, "newHeads")
        await heard(lab_, heads, 15)
        assert_continuous(lab_, heads, numbers(heads)[0])
        assert not lab_.events("replacement"), "such a provider is mended, not banned"


async def test_a_provider_that_lags_leaves_no_gap_when_it_takes_over_and_is_replaced():
    async with lab() as lab_, clients() as those:
        heads = await subscribed(lab_, those, "newHeads")
        await until(lambda: lab_.followed() and heads)
        first = lab_.followed()
        assert first is not None
        for upstream in lab_.upstreams.values():
            upstream.lag = 0 if upstream is first else 8
        port = first.kill()
        await until(lambda: lab_.followed() and lab_.followed() is not first)
        await trio.sleep(1)
        await first.open(lab_.nursery, port)
        await heard(lab_, heads, 5)
        assert_continuous(lab_, heads, numbers(heads)[0])
        await until(lambda: any(e["reason"] == "lagging" for e in lab_.events("replacement")))


async def test_when_all_are_gone_clients_stay_and_are_caught_up():
    async with lab() as lab_, clients() as those:
        heads = await subscribed(lab_, those, "newHeads")
        await until(lambda: heads)
        ports = {upstream: upstream.kill() for upstream in lab_.upstreams.values()}
        seen = len(heads)
        await trio.sleep(2)
        assert len(heads) <= seen + 1
        for upstream, port in ports.items():
            await upstream.open(lab_.nursery, port)
        await heard(lab_, heads, 2)
        assert_continuous(lab_, heads, numbers(heads)[0])
        assert any(event["blocks"] > 5 for event in lab_.events("stream") if "blocks" in event)
        assert all(not each.closed for each in those.opened)


async def test_a_reorg_of_the_lab_is_followed_from_the_fork():
    async with lab() as lab_, clients() as those:
        heads = await subscribed(lab_, those, "newHeads")
        await until(lambda: len(heads) >= 5)
        lab_.shared.reorg(3)
        await heard(lab_, heads, 3)
        await trio.sleep(1)
        lab_.shared.reorg(2)
        await heard(lab_, heads, 3)
        assert_walk_ends_on_chain(lab_, heads, reorgs=2)


def assert_walk_ends_on_chain(lab_: Lab, heads: list[dict[str, Any]], reorgs: int) -> None:
    """As a client reads it: each head hangs on one that it holds, what is above that is dropped."""
    branch: list[dict[str, Any]] = []
    drops = 0
    for head in heads:
        kept = next((i for i, old in enumerate(branch) if old["hash"] == head["parentHash"]), -1)
        assert kept >= 0 or not branch, "hangs on nothing"
        drops += kept + 1 < len(branch)
        branch = [*branch[: kept + 1], head]
    assert drops == reorgs
    assert [head["hash"] for head in branch] == [lab_.canonical(number) for number in numbers(branch)]
    assert len({head["hash"] for head in heads}) == len(heads), "none twice"


async def test_a_provider_on_a_fork_of_its_own_is_not_believed():
    async with lab() as lab_, clients() as those:
        heads = await subscribed(lab_, those, "newHeads")
        await until(lambda: lab_.followed() and len(heads) >= 2)
        forked = lab_.followed()
        assert forked is not None
        forked.chain = fork_chain(lab_.shared.chain, lab_.head - 4, 99)
        lab_.shared.look_again()
        await until(lambda: any(e["reason"] == "forked" for e in lab_.events("replacement")))
        await heard(lab_, heads, 3)
        assert_continuous(lab_, heads, numbers(heads)[0])


def indices(logs: list[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(int(log["blockNumber"], 16), int(log["logIndex"], 16)) for log in logs]


async def test_logs_are_complete_through_kills_and_providers_that_leave_some_out():
    async with lab() as lab_, clients() as those:
        logs = await subscribed(lab_, those, "logs", {"address": TOKENS[1]})
        every = await subscribed(lab_, those, "logs", {})
        for round_ in range(6):
            await until(lambda: lab_.followed())
            victim = lab_.followed()
            assert victim is not None
            lab_.upstreams["mock_b"].loses_logs = round_ % 2 == 0
            port = victim.kill()
            await trio.sleep(0.5)
            await victim.open(lab_.nursery, port)
        target = lab_.head
        await until(lambda: every and logs and min(indices(every)[-1], indices(logs)[-1]) >= (target, 2))
        first = indices(every)[0][0]
        expected = [(number, index) for number in range(first, indices(every)[-1][0]) for index in range(4)]
        assert indices(every)[: len(expected)] == expected
        view = lab_.shared.view()
        for got, wanted in ((every, {}), (logs, {"address": TOKENS[1]})):
            for number in range(indices(got)[0][0], indices(got)[-1][0]):
                asked = find_logs(view, [{"blockHash": lab_.canonical(number)} | wanted])
                assert [log for log in got if int(log["blockNumber"], 16) == number] == asked


async def test_logs_of_a_dropped_branch_are_taken_back_and_those_of_the_new_one_shown():
    async with lab() as lab_, clients() as those:
        logs = await subscribed(lab_, those, "logs", {})
        await until(lambda: len({number for number, _ in indices(logs)}) >= 5)
        lab_.shared.reorg(3)
        target = lab_.head + 2
        await until(lambda: indices(logs)[-1] == (target, 3))
        held: list[tuple[str, str]] = []
        for log in logs:
            place = (log["blockHash"], log["logIndex"])
            if log["removed"]:
                assert held.pop() == place, "the last one shown is the first to be taken back"
            else:
                assert place not in held
                held.append(place)
        taken_back = {number for number, _ in indices([log for log in logs if log["removed"]])}
        assert len(taken_back) == 3
        first = indices(logs)[0][0]
        canonical = [(lab_.canonical(n), hex(i)) for n in range(first, target + 1) for i in range(4)]
        assert held[: len(canonical)] == canonical


async def test_a_pinned_subscription_stays_with_its_provider():
    async with lab() as lab_, clients() as those:
        heads = await subscribed(lab_, those, "newHeads", path="/ws/rpc/provider/mock_b/battlechain")
        await until(lambda: len(heads) >= 2)
        assert [each.subscribed for each in lab_.upstreams.values()] == [0, 1, 0]
        port = lab_.upstreams["mock_b"].kill()
        await trio.sleep(1)
        assert [each.subscribed for each in lab_.upstreams.values()] == [0, 1, 0]
        await lab_.upstreams["mock_b"].open(lab_.nursery, port)
        await heard(lab_, heads, 3)
        assert_continuous(lab_, heads, numbers(heads)[0])


async def test_many_subscriptions_share_one_upstream_and_end_with_the_last():
    async with lab() as lab_, clients() as those:
        subscribers = [await those.open(f"{lab_.ws_url}/ws/rpc/battlechain") for _ in range(3)]
        for each in subscribers:
            for _ in range(5):
                await those.do(each.subscribe("newHeads"))
        await until(lambda: all(heads for each in subscribers for heads in each.heard.values()))
        assert sum(each.subscribed for each in lab_.upstreams.values()) == 1
        for each in subscribers[1:]:
            await those.do(each.close())
        for id_ in list(subscribers[0].heard):
            assert (await those.do(subscribers[0].call("eth_unsubscribe", id_)))["result"] is True
        await until(lambda: not lab_.hub._running)
        await until(lambda: all(link.is_idle for link in lab_.hub.links._open.values()))
