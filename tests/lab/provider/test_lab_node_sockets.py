"""Subscriptions of a simulated node, as the `websockets` package sees them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import trio

from battlectl.lab.chain.chain import block_hash, transaction_hash
from battlectl.lab.chain.documents import logs_of_block
from battlectl.lab.chain.transfers import TOKENS
from battlectl.lab.faults.effect import Effect
from battlectl.lab.provider import sessions
from tests.lab.provider.served import call, request, served, texts, until

pytestmark = pytest.mark.real


def events(client, count):
    """The results of the next so many notifications."""
    said = texts(client, count)
    assert all(set(text) == {"jsonrpc", "method", "params"} for text in said)
    assert all(text["method"] == "eth_subscription" for text in said)
    return [text["params"]["result"] for text in said]


def until_silence(client):
    """The results of all notifications until none has come for a while."""
    results = []
    while True:
        try:
            results.append(json.loads(client.recv(timeout=0.7))["params"]["result"])
        except TimeoutError:
            return results


def number_of(header):
    return int(header["number"], 16)


async def test_heads_come_in_order_linked_and_to_the_end_of_the_subscription():
    async with served(block_time=0.1) as there:

        def talk(client):
            id_ = call(client, "eth_subscribe", "newHeads")["result"]
            assert id_.startswith("0x")
            assert len(id_) == 34
            first = json.loads(client.recv(timeout=10))
            assert first["params"]["subscription"] == id_
            headers = [first["params"]["result"], *events(client, 9)]
            client.send(json.dumps(request("eth_unsubscribe", id_, id_="bye")))
            while "id" not in (text := json.loads(client.recv(timeout=10))):
                headers.append(text["params"]["result"])
            assert text == {"jsonrpc": "2.0", "id": "bye", "result": True}
            with pytest.raises(TimeoutError):
                client.recv(timeout=0.4)
            assert call(client, "eth_unsubscribe", id_)["result"] is False
            return headers

        headers = await there.in_socket(talk)
        chain = there.shared.chain
        numbers = [number_of(header) for header in headers]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert [header["hash"] for header in headers] == [block_hash(chain, number) for number in numbers]
        assert "transactions" not in headers[0]
        counters = there.provider.counters
        assert (counters.subscriptions, counters.events) == (1, len(headers))


async def test_logs_pass_the_filter_and_are_complete():
    async with served(block_time=0.1) as there:

        def talk(client):
            call(client, "eth_subscribe", "logs", {"address": [TOKENS[0]]})
            return events(client, 12)

        logs = await there.in_socket(talk)
        assert {log["address"] for log in logs} == {TOKENS[0]}
        numbers = sorted({int(log["blockNumber"], 16) for log in logs})
        chain = there.shared.chain
        expected = [log for n in numbers for log in logs_of_block(chain, n) if log["address"] == TOKENS[0]]
        assert logs == expected[: len(logs)]


async def test_pending_transactions_are_mined_in_the_next_block():
    async with served(block_time=0.1) as there:

        def talk(client, *params):
            call(client, "eth_subscribe", "newPendingTransactions", *params)
            return events(client, 8)

        hashes = await there.in_socket(talk)
        whole = await there.in_socket(lambda client: talk(client, True))
        await until(lambda: there.shared.view().head > int(whole[-1]["nonce"], 16))
        head = there.shared.view().head
        mined = {
            transaction_hash(there.shared.chain, n, i) for n in range(head - 200, head + 3) for i in range(4)
        }
        assert set(hashes) <= mined
        assert {transaction["hash"] for transaction in whole} <= mined
        assert {transaction["blockHash"] for transaction in whole} == {None}


async def test_a_reorg_of_the_lab_is_announced():
    async with served(block_time=60) as there:
        before, head = there.shared.chain, there.shared.view().head

        def talk(client):
            heads = call(client, "eth_subscribe", "newHeads")["result"]
            call(client, "eth_subscribe", "logs", {})
            assert trio.from_thread.run_sync(there.shared.reorg, 3) == range(head - 2, head + 1)
            said = [text["params"] for text in texts(client, 3 + 12 + 12)]
            return (
                [one["result"] for one in said if one["subscription"] == heads],
                [one["result"] for one in said if one["subscription"] != heads],
            )

        headers, logs = await there.in_socket(talk)
        after = there.shared.chain
        span = range(head - 2, head + 1)
        assert [header["hash"] for header in headers] == [block_hash(after, n) for n in span]
        assert headers[0]["parentHash"] == block_hash(before, head - 3)
        old = [log for n in span for log in logs_of_block(before, n)]
        assert logs[:12] == [log | {"removed": True} for log in reversed(old)]
        assert logs[12:] == [log for n in span for log in logs_of_block(after, n)]

        def find(client):
            hashes = [block_hash(chain, head) for chain in (before, after)]
            return [call(client, "eth_getBlockByHash", hash_, False)["result"] for hash_ in hashes]

        gone, there_now = await there.in_socket(find)
        assert gone is None
        assert number_of(there_now) == head


async def test_a_fault_that_changes_the_view_is_followed_at_once_and_its_healing_too():
    class Stale(Effect):
        async def start(self, place):
            self.head = await place.head()

        def view(self, view):
            return replace(view, head=min(view.head, self.head))

    async with served(block_time=0.2) as there:

        def talk(client):
            call(client, "eth_subscribe", "newHeads")
            seen = [number_of(header) for header in events(client, 2)]
            fault = trio.from_thread.run(there.inject, Stale)
            seen += [number_of(header) for header in until_silence(client)]
            assert seen[-1] == fault.effect.head
            assert int(call(client, "eth_blockNumber")["result"], 16) == fault.effect.head
            trio.from_thread.run(there.provider.remove_fault, fault)
            return seen + [number_of(header) for header in events(client, 4)]

        numbers = await there.in_socket(talk)
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


async def test_errors_of_subscriptions():
    async with served() as there:

        def over_websocket(client):
            bad = [
                ("eth_subscribe", ["newBlocks"]),
                ("eth_subscribe", ["logs", {"address": "0x1"}]),
                ("eth_subscribe", []),
                ("eth_unsubscribe", []),
                ("eth_unsubscribe", [4]),
            ]
            return [call(client, method, *params)["error"]["code"] for method, params in bad]

        assert await there.in_socket(over_websocket) == [-32602] * 5

        def over_http(client):
            methods = ("eth_subscribe", "eth_unsubscribe")
            return [client.post("/", json=request(m, "newHeads")).json()["error"] for m in methods]

        refused = {"code": -32601, "message": "notifications not supported"}
        assert await there.in_client(over_http) == [refused, refused]
        assert there.provider.counters.subscriptions == 0


async def test_ids_are_unique_in_a_lab_and_the_same_for_the_same_seed():
    async def ids(seed):
        async with served(seed=seed) as there:

            def talk(client):
                batch = [request("eth_subscribe", "newHeads", id_=n) for n in range(3)]
                client.send(json.dumps(batch))
                while not isinstance(reply := json.loads(client.recv(timeout=10)), list):
                    pass
                return [one["result"] for one in reply]

            return await there.in_socket(talk)

    first = await ids(1)
    assert len(set(first)) == 3
    assert first == await ids(1)
    assert not set(first) & set(await ids(2))


async def test_a_connection_has_so_many_subscriptions_and_no_more(monkeypatch):
    monkeypatch.setattr(sessions, "MOST_SUBSCRIPTIONS", 2)
    async with served() as there:

        def talk(client):
            replies = []
            for number in range(3):
                client.send(
                    json.dumps(request("eth_subscribe", "logs", {"address": "0x" + "11" * 20}, id_=number))
                )
                replies.append(json.loads(client.recv(timeout=10)))
            return replies

        replies = await there.in_socket(talk)
        assert ["result" in reply for reply in replies] == [True, True, False]
        assert replies[2]["error"]["code"] == -32000


async def test_the_latency_of_a_node_delays_replies_and_nothing_comes_before_its_subscription():
    async with served(block_time=0.1, latency=0.35) as there:

        def talk(client):
            client.send(json.dumps(request("eth_subscribe", "newHeads")))
            return texts(client, 4)

        reply, *said = await there.in_socket(talk)
        assert reply["id"] == 1
        assert {text["params"]["subscription"] for text in said} == {reply["result"]}
        numbers = [number_of(text["params"]["result"]) for text in said]
        assert numbers == list(range(numbers[0], numbers[0] + 3))


async def test_subscriptions_end_with_their_connection():
    async with served(block_time=0.1) as there:

        def talk(client):
            call(client, "eth_subscribe", "newHeads")
            events(client, 2)

        await there.in_socket(talk)
        await until(lambda: not there.provider.connections)
        assert there.provider.counters.open_websockets == 0
        assert not there.shared._watchers
