"""Providers that lag, lie, fork, or are another chain: what the probes see, and what clients get."""

import json

import pytest
import trio

from battlectl.lab.chain.chain import block_hash, fork_chain
from battlectl.lab.gateway import probing
from battlectl.lab.gateway.probing import run_background
from battlectl.lab.net.http_server import json_response
from battlectl.lab.net.wire import Response
from tests.lab.gateway.parts import (
    ask,
    call,
    error_body,
    events,
    header,
    new_chain,
    probe_all,
    result_of,
    served_by,
    simulated,
)


async def share(gateway, method, *params, count=6):
    """Who served, in order of name."""
    return sorted({served_by(await ask(gateway, call(method, *params))) for _ in range(count)})


async def test_a_lagging_provider_is_not_asked_for_reads_and_is_again_once_it_has_caught_up():
    async with simulated() as (gateway, nodes, _):
        nodes[1].behind = 5
        await probe_all(gateway)
        assert await share(gateway, "eth_gasPrice") == ["mock_a", "mock_c"]
        assert await share(gateway, "eth_sendRawTransaction", "0x00") == ["mock_a", "mock_b", "mock_c"]
        nodes[1].behind = 2
        await probe_all(gateway)
        assert await share(gateway, "eth_gasPrice") == ["mock_a", "mock_b", "mock_c"]
    changes = [(event["provider"], event["what"], event["is_so"]) for event in events(gateway, "standing")]
    assert changes == [("mock_b", "lagging", True), ("mock_b", "lagging", False)]


async def test_a_lagging_provider_is_better_than_none():
    async with simulated(2) as (gateway, nodes, _):
        nodes[1].behind = 5
        await probe_all(gateway)
        nodes[0].response = Response(500)
        assert await share(gateway, "eth_gasPrice") == ["mock_b"]


async def test_two_frozen_providers_do_not_outvote_the_one_that_goes_on():
    async with simulated() as (gateway, nodes, _):
        await probe_all(gateway)
        head = nodes[0].view().head
        nodes[1].head = nodes[2].head = head
        started = gateway.clock()
        for passed in range(1, 9):
            gateway.clock = lambda passed=passed: started + passed
            nodes[0].head = head + passed
            await probe_all(gateway)
        assert await share(gateway, "eth_blockNumber") == ["mock_a"]


async def test_a_head_that_jumps_is_not_believed():
    async with simulated() as (gateway, nodes, _):
        await probe_all(gateway)
        true = nodes[0].view().head
        nodes[0].head = true + 10_000
        heads = {(await result_of(gateway, "eth_blockNumber"))["result"] for _ in range(6)}
        assert heads == {hex(true)}
        await probe_all(gateway)
        assert await share(gateway, "eth_blockNumber") == ["mock_b", "mock_c"]
        assert gateway.providers[0].breakers["http"].state == "closed"


async def test_a_small_jump_is_not_believed_either_and_leaves_nothing_behind():
    async with simulated() as (gateway, nodes, _):
        await probe_all(gateway)
        true = nodes[0].view().head
        nodes[0].head = true + 10
        await probe_all(gateway)
        assert await share(gateway, "eth_getBlockByNumber", "latest", False) == ["mock_b", "mock_c"]
        assert gateway.shown_head == true
        nodes[0].head = None
        await probe_all(gateway)
        blocks = [await result_of(gateway, "eth_getBlockByNumber", "latest", False) for _ in range(6)]
    assert {block["result"]["number"] for block in blocks} == {hex(true)}
    assert {event["provider"] for event in events(gateway, "standing")} == {"mock_a"}


async def test_a_leap_of_the_whole_chain_is_believed_at_once():
    """What is further than expected at one provider is no lie once another one says so as well."""
    async with simulated() as (gateway, nodes, _):
        await probe_all(gateway)
        head = nodes[0].view().head + 500
        for node in nodes:
            node.head = head
        first, *others = [await ask(gateway, call("eth_blockNumber")) for _ in range(4)]
    assert {json.loads(reply.body)["result"] for reply in (first, *others)} == {hex(head)}
    assert [header(reply, b"x-lab-attempts") for reply in (first, *others)] == [b"2", b"1", b"1", b"1"]


@pytest.mark.parametrize("method", ["eth_blockNumber", "eth_getBlockByNumber"])
async def test_an_answer_without_a_head_is_none(method):
    params = [] if method == "eth_blockNumber" else ["latest", False]
    async with simulated() as (gateway, nodes, _):
        nodes[0].refuse[method] = json_response(200, b'{"jsonrpc":"2.0","id":7,"result":null}')
        assert await share(gateway, method, *params) == ["mock_b", "mock_c"]


async def test_ids_used_twice_in_a_batch_harm_nobody():
    """Of two answers with one id, the gas price could be taken for the head."""
    items = [{"jsonrpc": "2.0", "id": 1, "method": method} for method in ("eth_blockNumber", "eth_gasPrice")]
    async with simulated() as (gateway, nodes, _):
        for body in (items, items[::-1]):
            replies = json.loads((await ask(gateway, json.dumps(body).encode())).body)
            assert all("result" in reply for reply in replies)
        assert (await result_of(gateway, "eth_blockNumber"))["result"] == hex(nodes[0].view().head)


async def test_after_an_outage_a_moment_s_delay_is_no_chain_that_was_set_back(monkeypatch):
    monkeypatch.setattr(probing, "SHOWN_SECONDS", 0.2)
    async with simulated() as (gateway, nodes, _):
        await result_of(gateway, "eth_blockNumber")
        shown = gateway.shown_head
        for node in nodes:
            node.response = Response(500)
        for _ in range(3):
            await probe_all(gateway)
            await trio.sleep(0.15)
        for node in nodes:
            node.response, node.behind = None, 1
        await probe_all(gateway)
        assert (await result_of(gateway, "eth_blockNumber"))["result"] == hex(shown)
    assert not events(gateway, "standing")


async def test_only_who_was_behind_is_asked_again():
    async with simulated(attempt_s=0.3) as (gateway, nodes, _):
        await result_of(gateway, "eth_blockNumber")
        nodes[0].behind = 1
        nodes[1].delay = nodes[2].delay = 60
        reply = await ask(gateway, call("eth_blockNumber"))
        assert json.loads(reply.body)["result"] == hex(gateway.shown_head)
        asked = {node.name: node.seen.count("eth_blockNumber") for node in nodes[1:]}
    assert all(count <= 2 for count in asked.values()), asked


async def test_a_provider_on_another_fork_is_not_asked_until_it_is_back():
    async with simulated() as (gateway, nodes, _):
        await probe_all(gateway)
        chain = nodes[0].chain
        nodes[2].chain = fork_chain(chain, nodes[0].view().head - 3, salt=1)
        await probe_all(gateway)
        assert await share(gateway, "eth_gasPrice") == ["mock_a", "mock_b"]
        hashes = {
            (await result_of(gateway, "eth_getBlockByNumber", "latest", False))["result"]["hash"]
            for _ in "xxxx"
        }
        assert hashes == {block_hash(chain, nodes[0].view().head)}
        nodes[2].chain = chain
        await probe_all(gateway)
        assert await share(gateway, "eth_gasPrice") == ["mock_a", "mock_b", "mock_c"]


async def test_a_reorg_that_all_follow_bans_nobody():
    async with simulated() as (gateway, nodes, _):
        await probe_all(gateway)
        forked = fork_chain(nodes[0].chain, nodes[0].view().head - 3, salt=1)
        for node in nodes:
            node.chain = forked
            await probe_all(gateway)
        assert await share(gateway, "eth_gasPrice") == ["mock_a", "mock_b", "mock_c"]
        shown = await result_of(gateway, "eth_getBlockByNumber", "latest", False)
        assert shown["result"]["hash"] == block_hash(forked, nodes[0].view().head)


async def test_a_provider_of_another_chain_is_never_asked_not_even_alone():
    async with simulated() as (gateway, nodes, _):
        await probe_all(gateway)
        nodes[1].chain = new_chain(seed=2)
        await probe_all(gateway)
        assert await share(gateway, "eth_gasPrice") == ["mock_a", "mock_c"]
        nodes[0].response = nodes[2].response = Response(500)
        reply = await result_of(gateway, "eth_gasPrice")
        assert reply["error"]["code"] == -32000
        assert [attempt["provider"] for attempt in reply["error"]["data"]["attempts"]] == ["mock_a", "mock_c"]
        only = await result_of(gateway, "eth_gasPrice", path="/rpc/provider/mock_b/battlechain")
        assert only["error"]["code"] == -32000
        nodes[1].chain = nodes[0].chain
        await probe_all(gateway)
        assert await share(gateway, "eth_gasPrice") == ["mock_b"]


async def test_once_the_chain_is_known_a_majority_cannot_change_it():
    async with simulated() as (gateway, nodes, _):
        await probe_all(gateway)
        nodes[1].chain = nodes[2].chain = new_chain(seed=2)
        await probe_all(gateway)
        assert await share(gateway, "eth_gasPrice") == ["mock_a"]


@pytest.mark.parametrize("method", ["eth_blockNumber", "eth_getBlockByNumber"])
async def test_a_head_never_goes_back_for_a_client(method):
    """Between two probes, one provider is five blocks behind, and another has no breaker to show for it."""
    params = [] if method == "eth_blockNumber" else ["latest", False]
    async with simulated() as (gateway, nodes, _):
        nodes[1].behind = 1
        heads, attempts = [], set()
        for _ in range(9):
            reply = await ask(gateway, call(method, *params))
            heads.append(reply.body)
            attempts.add(header(reply, b"x-lab-attempts"))
        assert len(set(heads)) == 1
        assert attempts == {b"1", b"2"}
        assert gateway.providers[1].breakers["http"].failures == 0


async def test_a_block_that_was_shown_is_not_null_afterwards():
    async with simulated() as (gateway, nodes, _):
        head = (await result_of(gateway, "eth_blockNumber"))["result"]
        nodes[1].behind = nodes[2].behind = 1
        blocks = [(await result_of(gateway, "eth_getBlockByNumber", head, False))["result"] for _ in range(6)]
        assert [block["number"] for block in blocks] == [head] * 6


async def test_a_block_is_asked_for_where_it_is_known_to_be():
    async with simulated(strategy="round-robin") as (gateway, nodes, _):
        nodes[1].behind = 1
        await probe_all(gateway)
        head = hex(nodes[0].view().head)
        logs = [
            await ask(gateway, call("eth_getLogs", {"fromBlock": head, "toBlock": head})) for _ in range(6)
        ]
        assert {served_by(reply) for reply in logs} == {"mock_a", "mock_c"}
        assert len({reply.body for reply in logs}) == 1


async def test_with_everyone_behind_the_number_stays_and_the_block_is_refused():
    async with simulated() as (gateway, nodes, _):
        head = (await result_of(gateway, "eth_blockNumber"))["result"]
        for node in nodes:
            node.behind = 1
        number = await ask(gateway, call("eth_blockNumber"))
        block = await result_of(gateway, "eth_getBlockByNumber", "latest", False)
        assert (await result_of(gateway, "eth_blockNumber"))["result"] == head
        assert served_by(number) is None
        assert block["error"]["code"] == -32000
        assert "was shown" in block["error"]["data"]["attempts"][0]["reason"]


async def test_everyone_a_moment_behind_is_waited_for():
    async with simulated() as (gateway, nodes, nursery):
        await result_of(gateway, "eth_blockNumber")
        for node in nodes:
            node.behind = 1

        async def catch_up():
            await trio.sleep(0.06)
            for node in nodes:
                node.behind = 0

        nursery.start_soon(catch_up)
        block = await result_of(gateway, "eth_getBlockByNumber", "latest", False)
        assert block["result"]["number"] == hex(gateway.shown_head)


async def test_a_chain_that_was_set_back_is_followed_after_a_while(monkeypatch):
    monkeypatch.setattr(probing, "SHOWN_SECONDS", 0.0)
    async with simulated() as (gateway, nodes, _):
        await probe_all(gateway)
        await result_of(gateway, "eth_blockNumber")
        for node in nodes:
            node.behind = 20
        await trio.sleep(0.01)
        await probe_all(gateway)
        block = await result_of(gateway, "eth_getBlockByNumber", "latest", False)
        assert block["result"]["number"] == hex(nodes[0].view().head)


async def test_probes_open_a_breaker_but_never_close_one():
    async with simulated() as (gateway, nodes, _):
        nodes[0].response = Response(500)
        for _ in range(3):
            await probe_all(gateway)
        assert gateway.providers[0].breakers["http"].state == "open"
        nodes[0].response = None
        await trio.sleep(1.05)
        await probe_all(gateway)
        assert gateway.providers[0].breaker("http", gateway.clock(), gateway.truth).state == "half_open"
        assert [served_by(await ask(gateway)) for _ in range(2)] == ["mock_a", "mock_a"]
        assert gateway.providers[0].breakers["http"].state == "closed"
        assert gateway.truth.probes["mock_a", "failed"] == 3
        assert gateway.truth.probes["mock_a", "well"] == 1


async def test_a_client_is_no_trial_for_a_provider_that_fails_its_probes():
    async with simulated(strategy="priority") as (gateway, nodes, _):
        nodes[0].response = Response(500)
        for _ in range(3):
            await probe_all(gateway)
        await trio.sleep(1.05)
        assert header(await ask(gateway), b"x-lab-attempts") == b"1"
        assert served_by(await ask(gateway)) == "mock_b"


async def test_a_probe_that_is_refused_for_its_rate_is_no_illness():
    async with simulated() as (gateway, nodes, _):
        nodes[0].response = json_response(200, error_body(-32005).replace(b"7", b'"probe"'))
        for _ in range(5):
            await probe_all(gateway)
        assert gateway.providers[0].breakers["http"].state == "closed"
        assert await share(gateway, "eth_gasPrice") == ["mock_b", "mock_c"]


async def test_a_slow_provider_holds_up_no_probe_of_the_others():
    async with simulated(probe_s=0.2) as (gateway, nodes, nursery):
        nodes[0].delay = 0.5
        nursery.start_soon(run_background, gateway)
        with trio.fail_after(20):
            while gateway.truth.probes["mock_b", "well"] < 4:  # noqa: ASYNC110 (probes tell nobody)
                await trio.sleep(0.02)
        nodes[1].behind = 9
        with trio.fail_after(20):
            while not gateway.providers[1].is_lagging:  # noqa: ASYNC110
                await trio.sleep(0.02)
            while not gateway.truth.probes["mock_a", "well"]:  # noqa: ASYNC110
                await trio.sleep(0.02)
        assert gateway.truth.probes["mock_a", "well"] < gateway.truth.probes["mock_c", "well"]


async def test_slow_is_not_behind():
    """A provider whose probes take eight blocks' time has the head of when it was asked."""
    async with simulated(probe_s=0.3, block_time=0.1) as (gateway, nodes, nursery):
        nodes[0].delay = 0.27
        nursery.start_soon(run_background, gateway)
        with trio.fail_after(20):
            while gateway.truth.probes["mock_a", "well"] < 3:  # noqa: ASYNC110
                await trio.sleep(0.02)
    assert events(gateway, "standing") == []


async def test_probes_are_the_methods_that_the_documentation_lists():
    async with simulated() as (gateway, nodes, _):
        for _ in range(3):
            await probe_all(gateway)
        assert set(nodes[0].seen) == {"eth_blockNumber", "eth_getBlockByNumber"}
        assert not gateway.truth.attempts
        assert gateway.requests == 0
