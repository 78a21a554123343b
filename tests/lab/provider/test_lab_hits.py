"""What a fault's `hits` and a provider's counters say: what was really changed, and what is open now."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import count

import pytest
import trio
from websockets.exceptions import ConnectionClosed

from battlectl.lab.faults.effect import Effect
from battlectl.lab.faults.kind import read_parameters
from battlectl.lab.faults.scope import Fault, make_fault
from battlectl.lab.faults.table import KINDS
from tests.lab.provider.served import Served, call, request, served, texts, until

pytestmark = pytest.mark.real

CHAIN_ID = request("eth_chainId")
NEWEST = request("eth_getBlockByNumber", hex(1_000), False)
ALL_LOGS = request("eth_getLogs", {"fromBlock": hex(1_000), "toBlock": hex(1_000)})
A_DAY = 86_400.0


async def put(there: Served, kind: str, **attributes) -> Fault:
    """In force as the admin API puts it."""
    fault = make_fault(kind, KINDS[kind], read_parameters(KINDS[kind], attributes), there.newest)
    await there.provider.add_fault(fault)
    return fault


SPARED_THEN_CHANGED = [
    ("missing_logs", {}, CHAIN_ID, ALL_LOGS),
    ("missing_logs", {"receipts": True, "share": 0.0}, ALL_LOGS, None),
    ("null_near_tip", {}, request("eth_getBlockByNumber", "0x1", False), NEWEST),
    ("reset", {"after_bytes": 1_000}, CHAIN_ID, None),
    ("rate_limit_in_batch", {"items": [2]}, [CHAIN_ID] * 2, [CHAIN_ID] * 3),
    ("batch_reorder", {}, [CHAIN_ID], [CHAIN_ID, request("net_version", id_=2)]),
    ("wrong_content_type", {"content_type": "application/json"}, CHAIN_ID, None),
    ("wrong_id", {}, {"jsonrpc": "2.0", "method": "eth_chainId"}, CHAIN_ID),
    ("garbage", {}, {"jsonrpc": "2.0", "method": "eth_chainId"}, CHAIN_ID),
    ("stale_head", {}, CHAIN_ID, None),
    ("lag", {}, None, request("eth_blockNumber")),
    ("hang", {"probability": 0.0}, CHAIN_ID, None),
    ("rpc_noop", {}, None, CHAIN_ID),
]


@pytest.mark.parametrize(("kind", "attributes", "spared", "changed"), SPARED_THEN_CHANGED)
async def test_an_answer_that_comes_out_as_it_went_in_is_no_hit(kind, attributes, spared, changed):
    async with served(block_time=A_DAY) as there:
        fault = await put(there, kind, **attributes)

        def talk(client):
            seen = []
            for body in (spared, changed):
                if body is not None:
                    client.post("/", json=body)
                seen.append((fault.hits, there.provider.counters.faulted_messages))
            return seen

        hits = 0 if changed is None else 1
        assert await there.in_client(talk) == [(0, 0), (hits, hits)]


async def test_a_batch_counts_once_however_many_of_its_calls_are_changed():
    async with served() as there:
        fault = await put(there, "rpc_error")
        other = await put(there, "wrong_content_type")
        await there.in_client(lambda client: client.post("/", json=[CHAIN_ID] * 5))
        assert (fault.hits, other.hits, there.provider.counters.faulted_messages) == (1, 1, 1)


async def test_a_websocket_s_answers_count_as_those_over_http():
    async with served(block_time=A_DAY) as there:
        logs, lag = await put(there, "missing_logs"), await put(there, "lag")

        def talk(client):
            call(client, "eth_chainId")
            before = (logs.hits, lag.hits)
            query = {"fromBlock": "0x10", "toBlock": "0x10"}
            assert call(client, "eth_getLogs", query)["result"] == []
            return before, (logs.hits, lag.hits)

        assert await there.in_socket(talk) == ((0, 1), (1, 2))


async def test_an_idle_connection_is_a_hit_when_it_is_reset_and_not_before():
    async with served() as there:
        fault = await put(there, "reset", after_bytes=None, idle_ms=400)
        await there.in_client(lambda client: client.post("/", json=CHAIN_ID))  # leaves by itself
        await until(lambda: not there.provider.connections)
        assert (fault.hits, fault.drawn) == (0, {})

        def stay(client):
            client.post("/", json=CHAIN_ID)
            trio.from_thread.run(until, lambda: not there.provider.connections)

        await there.in_client(stay)
        assert (fault.hits, fault.drawn, fault.struck) == (1, {}, set())


async def test_a_websocket_that_left_in_time_was_not_closed_by_the_fault():
    async with served() as there:
        fault = await put(there, "ws_close", connections="new", after_ms=300)
        await there.in_socket(lambda client: call(client, "eth_chainId"))
        await until(lambda: not there.provider.connections)
        assert fault.hits == 0

        def stay(client):
            with pytest.raises(ConnectionClosed):
                client.recv(timeout=10)

        await there.in_socket(stay)
        assert fault.hits == 1


async def test_refused_connections_are_counted_and_not_remembered():
    async with served() as there:
        fault = await put(there, "kill", mode="reset")
        for _ in range(5):
            async with await trio.open_tcp_stream("127.0.0.1", there.port) as stream:
                with pytest.raises(trio.BrokenResourceError):
                    await stream.receive_some()
        assert (fault.hits, there.provider.counters.refused_by_fault) == (5, 5)
        assert (fault.drawn, fault.struck) == ({}, set())


async def test_what_a_flap_refuses_is_counted_where_that_was_asked_for():
    async with served() as there:
        fault = await put(there, "flap", mode="reset", down_ms=60_000)
        for _ in range(3):
            async with await trio.open_tcp_stream("127.0.0.1", there.port) as stream:
                with pytest.raises(trio.BrokenResourceError):
                    await stream.receive_some()
        assert (fault.hits, there.provider.counters.refused_by_fault) == (3, 3)


async def test_a_connection_that_comes_in_while_the_port_closes_is_reset():
    async with served() as there:  # whose port stays open: what the kernel had taken already
        fault = await put(there, "flap", down_ms=60_000)
        async with await trio.open_tcp_stream("127.0.0.1", there.port) as stream:
            with pytest.raises(trio.BrokenResourceError):
                await stream.receive_some()
        assert (fault.hits, there.provider.counters.refused_by_fault) == (0, 1)


async def test_events_that_pass_are_no_hits():
    async with served(block_time=0.1) as there:
        spared = [await put(there, "sub_lost", connections="existing"), await put(there, "missing_logs")]
        skip = await put(there, "ws_skip", every=3)

        def talk(client):
            assert "result" in call(client, "eth_subscribe", "newHeads")
            numbers = [int(text["params"]["result"]["number"], 16) for text in texts(client, 4)]
            return numbers[-1] - numbers[0] + 1 - len(numbers)

        missing = await there.in_socket(talk)
        assert missing >= 1
        assert missing <= skip.hits <= missing + 1
        assert [fault.hits for fault in spared] == [0, 0]


async def test_subscriptions_are_counted_when_made_and_while_open():
    async with served(block_time=A_DAY) as there:
        counters = there.provider.counters

        def talk(client):
            ids = [call(client, "eth_subscribe", "newHeads")["result"] for _ in range(3)]
            call(client, "eth_subscribe", "nonsense")
            seen = [(counters.subscriptions, counters.open_subscriptions)]
            for id_ in (ids[0], ids[0], "0x00"):
                call(client, "eth_unsubscribe", id_)
            client.send(json.dumps([request("eth_unsubscribe", ids[1]), request("eth_subscribe", "logs")]))
            texts(client, 1)
            return [*seen, (counters.subscriptions, counters.open_subscriptions)]

        assert await there.in_socket(talk) == [(3, 3), (4, 2)]
        await until(lambda: not there.provider.connections)
        assert (counters.subscriptions, counters.open_subscriptions) == (4, 0)


async def test_what_a_fault_kept_back_is_not_told_to_who_has_unsubscribed():
    async with served(block_time=0.1) as there:
        fault = await put(there, "ws_reorder")

        def talk(client):
            ids = [call(client, "eth_subscribe", "newHeads")["result"] for _ in range(2)]
            trio.from_thread.run(until, lambda: fault.hits == 1 and len(fault.effect._kept) == 2)
            client.send(json.dumps(request("eth_unsubscribe", ids[0], id_="end")))
            while (text := json.loads(client.recv(timeout=10))).get("id") != "end":
                pass
            trio.from_thread.run(there.provider.remove_fault, fault)
            told = {text["params"]["subscription"] for text in texts(client, 4)}
            return text["result"], told == {ids[1]}

        assert await there.in_socket(talk) == (True, True)


class Fickle(Effect):
    def __init__(self):
        super().__init__()
        self._behind = count(1)

    def view(self, view):
        return replace(view, head=view.head - next(self._behind))


async def test_a_batch_over_websocket_is_answered_from_one_view():
    async with served(block_time=A_DAY) as there:
        await there.inject(Fickle)

        def talk(client):
            client.send(json.dumps([request("eth_blockNumber", id_=id_) for id_ in range(5)]))
            return {reply["result"] for reply in texts(client, 1)[0]}

        assert await there.in_socket(talk) == {hex(999)}


async def test_a_refused_request_over_websocket_does_not_lend_its_fault_to_a_later_one():
    async with served() as there:
        fault = await put(there, "empty_body")

        def talk(client):
            client.send(json.dumps({"id": 5, "method": 1}))  # no request, but its id can be read
            first = client.recv(timeout=10)
            trio.from_thread.run(there.provider.remove_fault, fault)
            client.send("{")
            return first, json.loads(client.recv(timeout=10))["error"]["code"]

        assert await there.in_socket(talk) == ("", -32700)
        assert fault.hits == 1
