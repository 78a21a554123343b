"""What a client of the gateway's WebSocket may count on, seen by clients that are not ours."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import msgspec
import pytest
import trio
from web3 import AsyncWeb3, WebSocketProvider
from web3.utils.subscriptions import LogsSubscription, NewHeadsSubscription
from websockets.exceptions import InvalidStatus

from battlectl.lab.chain.transfers import TOKENS
from battlectl.lab.gateway.state import configure
from battlectl.lab.gateway.ws import outbox, session
from tests.lab.gateway_ws.upstreams import Lab, clients, lab, until

pytestmark = pytest.mark.real


TAKEN = [
    *("/", "/ws/rpc/battlechain", "/ws/rpc/999", "/rpc/battlechain", "/ws/rpc/round-robin/battlechain"),
    *("/ws/rpc/latency-weighted/battlechain", "/ws/rpc/load-balanced/999", "/ws/rpc/battlechain/mock_c"),
    *("/ws/rpc/provider/mock_a/battlechain", "/ws/rpc/profile/public/fastest/battlechain"),
]
REFUSED = ["/ws", "/ws/rpc/", "/nothing", "/ws/rpc/a/b/c/d", "/ws/rpc/priority/battlechain"]


async def test_addresses():
    async with lab() as lab_, clients() as those:
        for path in TAKEN:
            client = await those.open(lab_.ws_url + path)
            reply = await those.do(client.call("eth_getBlockByNumber", "0x10", False))
            assert reply["result"]["hash"] == lab_.canonical(16), path
        for path in REFUSED:
            with pytest.raises(InvalidStatus) as refused:
                await those.open(lab_.ws_url + path)
            assert refused.value.response.status_code == 403, path


async def test_strategies_of_2025_10():
    async with lab(revision="2025-10") as lab_, clients() as those:
        for strategy in ("cheapest", "priority", "round-robin", "fastest"):
            client = await those.open(f"{lab_.ws_url}/ws/rpc/{strategy}/battlechain")
            reply = await those.do(client.call("eth_blockNumber", lasso_meta="notify"))
            assert "result" in reply
            await until(lambda client=client: len(client.frames) == 2)
            assert client.frames[1]["params"]["strategy"] == strategy.replace("-", "_")


async def test_a_pinned_socket_asks_its_provider_and_no_other():
    async with lab(probe_s=3600) as lab_, clients() as those:
        client = await those.open(f"{lab_.ws_url}/ws/rpc/provider/mock_b/battlechain")
        for _ in range(6):
            await those.do(client.call("eth_gasPrice"))
        assert [each.calls.count("eth_gasPrice") for each in lab_.upstreams.values()] == [0, 6, 0]


async def test_calls_fail_over_on_a_websocket_as_over_http():
    async with lab() as lab_, clients() as those:
        client = await those.open(f"{lab_.ws_url}/ws/rpc/battlechain")
        lab_.upstreams["mock_a"].kill()
        replies = [await those.do(client.call("eth_gasPrice")) for _ in range(9)]
        assert all("result" in reply for reply in replies)


async def test_calls_travel_over_upstream_websockets_when_asked_to():
    async with lab(probe_s=3600) as lab_, clients() as those:
        client = await those.open(f"{lab_.ws_url}/ws/rpc/battlechain?transport=ws")
        answers = await those.do(gather(client, 30))
        assert [reply["result"] for reply in answers] == [lab_.canonical(i) for i in range(30)]
        attempts = lab_.gateway.truth.attempts
        assert sum(attempts[name, "ws", "eth_getBlockByNumber"] for name in lab_.upstreams) == 30
        assert sum(attempts[name, "http", "eth_getBlockByNumber"] for name in lab_.upstreams) == 0
        reply = await those.do(client.call("eth_call", {"to": "0x" + "dead" * 10}, "latest"))
        assert reply["error"]["code"] == 3


async def gather(client: Any, count: int) -> list[Any]:
    """Many calls at once; of each the hash of the block asked for, under its own id."""
    replies = await asyncio.gather(
        *(client.call("eth_getBlockByNumber", hex(number), False) for number in range(count))
    )
    return [reply | {"result": reply["result"]["hash"]} for reply in replies]


async def test_what_is_no_call_is_refused_and_the_socket_lives():
    async with lab() as lab_, clients() as those:
        client = await those.open(f"{lab_.ws_url}/ws/rpc/battlechain")
        for text in ("{bad", "[]", "7", '{"id":1}', '{"jsonrpc":"2.0","id":4,"method":5}', "[{}]"):
            await those.do(client.send(text))
        await those.do(client.send('{"jsonrpc":"2.0","method":"eth_gasPrice","params":[]}'))
        await those.do(client.send('{"jsonrpc":"2.0","method":"eth_subscribe","params":["newHeads"]}'))
        assert "result" in await those.do(client.call("eth_gasPrice"))
        codes = [(frame["id"], frame["error"]["code"]) for frame in client.frames[:-1]]
        assert sorted(codes, key=str) == sorted(
            [(None, -32700), *[(None, -32600)] * 3, (1, -32600), (4, -32600)], key=str
        )
        assert not lab_.hub._running, "a subscription that nobody could know is none"


NO_SUBSCRIPTIONS: list[list[Any]] = [
    *([], ["newPendingTransactions"], ["syncing"], ["nothing"], [None], ["logs", {"address": "0x12"}]),
    *(["logs", {"topics": ["0x12"]}], ["logs", {"topics": [[]] * 5}], ["logs", 7], ["newHeads", 7]),
]


async def test_other_subscriptions_are_refused():
    async with lab() as lab_, clients() as those:
        client = await those.open(f"{lab_.ws_url}/ws/rpc/battlechain")
        for params in NO_SUBSCRIPTIONS:
            reply = await those.do(client.call("eth_subscribe", *params))
            assert reply["error"]["code"] == -32602, params


async def test_at_most_128_subscriptions_on_a_connection():
    async with lab() as lab_, clients() as those:
        client = await those.open(f"{lab_.ws_url}/ws/rpc/battlechain")
        replies = [await those.do(client.call("eth_subscribe", "newHeads")) for _ in range(129)]
        assert len({reply["result"] for reply in replies[:128]}) == 128
        assert replies[128]["error"]["code"] == -32005
        assert (await those.do(client.call("eth_unsubscribe", replies[0]["result"])))["result"] is True
        assert "result" in await those.do(client.call("eth_subscribe", "newHeads"))


async def test_nobody_can_be_subscribed_when_no_provider_answers(monkeypatch):
    monkeypatch.setattr("battlectl.lab.gateway.ws.hub.ANCHOR_SECONDS", 0.5)
    async with lab() as lab_, clients() as those:
        for upstream in lab_.upstreams.values():
            upstream.kill()
        client = await those.open(f"{lab_.ws_url}/ws/rpc/battlechain")
        reply = await those.do(client.call("eth_subscribe", "newHeads"))
        assert reply["error"]["code"] == -32000
        await until(lambda: not lab_.hub._running)


async def test_a_client_that_reads_nothing_is_given_up_and_harms_nobody(monkeypatch):
    monkeypatch.setattr(outbox.Outbox.__init__, "__defaults__", (200,))
    async with lab(block_time=0.05) as lab_, clients() as those:
        other = await those.open(f"{lab_.ws_url}/ws/rpc/battlechain")
        heads = await those.do(other.subscribe("newHeads"))
        stream = await upgraded(lab_)
        ask = b'{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}'
        for _ in range(100):
            await stream.send_all(masked(ask))
        await until(lambda: len(listeners(lab_)) > 1)
        await until(lambda: len(listeners(lab_)) == 1)
        seen = len(heads)
        await until(lambda: len(heads) > seen + 3)
        await stream.aclose()


def listeners(lab_: Lab) -> list[Any]:
    running = lab_.hub._running.get((None, None))
    return running.listeners if running else []


async def test_a_client_that_answers_no_ping_is_closed_after_two(monkeypatch):
    monkeypatch.setattr(session, "PING_SECONDS", 0.3)
    async with lab() as lab_:
        stream = await upgraded(lab_)
        received = bytearray()
        with trio.fail_after(20):
            while data := await stream.receive_some():
                received += data
        assert received == b"\x89\x00\x89\x00" + b"\x88\x09\x03\xe9no pong"
        await stream.aclose()


async def test_a_client_that_answers_pings_stays(monkeypatch):
    monkeypatch.setattr(session, "PING_SECONDS", 0.1)
    async with lab() as lab_, clients() as those:
        client = await those.open(f"{lab_.ws_url}/ws/rpc/battlechain")
        await trio.sleep(1.5)
        assert "result" in await those.do(client.call("eth_gasPrice"))


async def upgraded(lab_: Lab) -> trio.SocketStream:
    """A client so plain that it neither reads nor pongs unless told to."""
    host, port = lab_.url.removeprefix("http://").split(":")
    stream = await trio.open_tcp_stream(host, int(port))
    key = base64.b64encode(b"0123456789abcdef").decode()
    await stream.send_all(
        f"GET /ws/rpc/battlechain HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        head += await stream.receive_some(1)
    assert head.startswith(b"HTTP/1.1 101 ")
    return stream


def masked(text: bytes) -> bytes:
    """A client's text frame of less than 126 bytes, with a mask of zeros."""
    return bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text


async def test_web3_subscribes_to_heads_and_logs():
    async with lab() as lab_:
        found = await trio.to_thread.run_sync(asyncio.run, follow(f"{lab_.ws_url}/ws/rpc/battlechain"))
        numbers = [head["number"] for head in found["heads"]]
        assert numbers == list(range(numbers[0], numbers[0] + 5))
        assert ["0x" + head["hash"].hex() for head in found["heads"]] == [lab_.canonical(n) for n in numbers]
        assert {log["address"].lower() for log in found["logs"]} == {TOKENS[0]}
        assert found["chain_id"] == 999
        assert found["balance"] > 0


async def follow(url: str) -> dict[str, Any]:
    """What web3.py sees of five blocks."""
    found: dict[str, Any] = {"heads": [], "logs": []}
    async with AsyncWeb3(WebSocketProvider(url)) as w3:

        async def on_head(context: Any) -> None:
            found["heads"].append(context.result)
            if len(found["heads"]) >= 5:
                await context.subscription.unsubscribe()

        async def on_log(context: Any) -> None:
            found["logs"].append(context.result)
            if len(found["logs"]) >= 4:
                await context.subscription.unsubscribe()

        address = w3.to_checksum_address(TOKENS[0])
        await w3.subscription_manager.subscribe(
            [NewHeadsSubscription(handler=on_head), LogsSubscription(address=address, handler=on_log)]
        )
        found["chain_id"] = await w3.eth.chain_id
        found["balance"] = await w3.eth.get_balance(w3.to_checksum_address("0xacc" + "0" * 37))
        async with asyncio.timeout(20):
            await w3.subscription_manager.handle_subscriptions()
    return found


async def test_a_replaced_chain_document_moves_subscriptions_to_the_new_providers():
    async with lab() as lab_, clients() as those:
        client = await those.open(f"{lab_.ws_url}/ws/rpc/battlechain")
        heads = await those.do(client.subscribe("newHeads"))
        await until(lambda: heads and lab_.followed())
        dropped = lab_.followed()
        assert dropped is not None
        await retire(lab_, dropped.name)
        await until(lambda: lab_.followed() and lab_.followed() is not dropped)
        seen = len(heads)
        await until(lambda: len(heads) > seen + 3)
        numbers = [int(head["number"], 16) for head in heads]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert [e["reason"] for e in lab_.events("replacement")] == ["retired"]


async def retire(lab_: Lab, name: str) -> None:
    """Drop one provider from the configuration."""
    old = lab_.gateway.settings
    kept = tuple(provider for provider in old.providers if provider.id != name)
    await configure(lab_.gateway, msgspec.structs.replace(old, providers=kept))


async def test_a_client_tied_to_a_provider_that_is_removed_is_closed():
    async with lab() as lab_, clients() as those:
        client = await those.open(f"{lab_.ws_url}/ws/rpc/provider/mock_b/battlechain")
        heads = await those.do(client.subscribe("newHeads"))
        await those.do(client.subscribe("logs", {}))
        await until(lambda: heads)
        await retire(lab_, "mock_b")
        await until(lambda: client.closed)
        assert client.closed == (1013, "the provider asked for is not there any more")
        assert not lab_.hub._running
