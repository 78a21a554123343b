"""A relay that nothing is done to: what passes it is what the node says, over HTTP and WebSocket alike."""

import asyncio
import json
import signal
from collections.abc import Iterator

import httpx
import pytest
from web3 import AsyncWeb3, Web3, WebSocketProvider
from websockets.exceptions import ConnectionClosed, InvalidMessage
from websockets.sync.client import connect

from tests.real.relay_field import WITHIN, Field, listener, playing_field, until
from tests.real.relays import TOPIC, ask

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    with playing_field(tmp_path_factory.mktemp("field")) as field:
        yield field


def call(method, *params, id_=1):
    return {"jsonrpc": "2.0", "id": id_, "method": method, "params": list(params)}


def bodies(field):
    """Requests whose answers do not change while the chain grows."""
    log = field.emit_log()
    number, hash_ = log["blockNumber"], log["blockHash"]
    logs = {"fromBlock": "0x0", "toBlock": number}
    singles = [
        call("eth_chainId"),
        call("eth_getBlockByNumber", number, True),
        call("eth_getBlockByHash", hash_, False),
        call("eth_getBlockByNumber", "0x999999", False, id_=2**53),
        call("eth_getLogs", logs, id_="logs"),
        call("eth_getTransactionReceipt", log["transactionHash"]),
        call("eth_getBalance", field.contract, number),
        call("eth_call", {}, "0x999999"),
        *(call("nope", id_=None), {"id": 1}, "text", 7),
    ]
    batch = [call("eth_getBlockByNumber", hex(n), True, id_=f"b{n}") for n in range(2)]
    batches = [batch, [*batch, *singles[:4], {"id": 9}], []]
    odd = b' \n{"id":  1.0,"jsonrpc":"2.0",\t"method":"eth_chainId","params":[]} '
    return [*(json.dumps(each).encode() for each in (*singles, *batches)), odd, b"", b"{", b"\xff\xfe"]


def test_calls_and_batches_pass_byte_for_byte(field):
    headers = {"content-type": "application/json"}
    for body in bodies(field):
        direct, relayed = (
            field.client.post(url, content=body, headers=headers) for url in (field.node.url, field.relay.url)
        )
        assert relayed.content == direct.content
        assert relayed.status_code == direct.status_code
        assert {**relayed.headers, "date": ""} == {**direct.headers, "date": ""}


def test_calls_and_batches_pass_byte_for_byte_over_websocket(field):
    with (
        connect(field.node.ws_url, proxy=None) as direct,
        connect(field.relay.ws_url, proxy=None) as relayed,
    ):
        for body in bodies(field):
            text = body.decode(errors="replace")
            for socket in (direct, relayed):
                socket.send(text)
            assert relayed.recv(timeout=WITHIN) == direct.recv(timeout=WITHIN)


def test_a_large_answer_passes(field):
    """As large as a node's answers get in a test: a megabyte of the same log."""
    body = json.dumps([call("eth_getLogs", {"fromBlock": "0x0", "toBlock": "0x3"}, id_="x" * 1_000)] * 900)
    headers = {"content-type": "application/json"}
    field.wait_for_head(3)
    direct, relayed = (
        field.client.post(url, content=body, headers=headers) for url in (field.node.url, field.relay.url)
    )
    assert relayed.content == direct.content
    assert len(direct.content) > 900_000


def test_heads_and_logs_flow_and_agree_with_those_of_the_node(field):
    with listener(field.relay.ws_url) as relayed, listener(field.node.ws_url) as direct:
        for each in (relayed, direct):
            each.subscribe("heads", "newHeads")
            each.subscribe("logs", "logs", {"address": field.contract, "topics": [TOPIC]})
            each.subscribe("no logs", "logs", {"topics": ["0x" + "43".rjust(64, "0")]})
        emitted = [field.emit_log() for _ in range(2)]
        for each in (relayed, direct):
            each.listen("logs", 2)
            each.listen("heads", 3)
        shared = min(len(relayed.seen["heads"]), len(direct.seen["heads"]))
        assert shared >= 3
        assert heads_of(relayed)[-1] - heads_of(relayed)[0] == len(heads_of(relayed)) - 1
        assert by_number(relayed, direct) == by_number(direct, relayed)
        assert relayed.seen["logs"] == direct.seen["logs"]
        assert [log["transactionHash"] for log in relayed.seen["logs"]] == [
            log["transactionHash"] for log in emitted
        ]
        assert relayed.seen["no logs"] == []


def heads_of(client):
    return [int(head["number"], 16) for head in client.seen["heads"]]


def by_number(client, other):
    """The heads that both have seen."""
    return {
        head["number"]: head for head in client.seen["heads"] if int(head["number"], 16) in heads_of(other)
    }


def test_unsubscribing_ends_the_events(field):
    with listener(field.relay.ws_url) as client:
        client.subscribe("heads", "newHeads")
        client.listen("heads", 1)
        (subscription,) = client.names
        assert client.call("eth_unsubscribe", subscription)["result"] is True
        count = len(client.seen["heads"])
        client.listen_for(2.2)
        assert len(client.seen["heads"]) == count


def test_each_client_has_a_socket_of_its_own_at_the_node(field):
    with listener(field.relay.ws_url) as first, listener(field.relay.ws_url) as second:
        first.subscribe("heads", "newHeads")
        assert second.call("eth_unsubscribe", next(iter(first.names))).get("result") is not True
        first.listen("heads", 1)
        second.listen_for(1.2)
        assert second.seen == {}


def test_web3_works_through_a_relay(field):
    web3 = Web3(Web3.HTTPProvider(field.relay.url))
    assert web3.eth.chain_id == 31337
    contract = Web3.to_checksum_address(field.contract)
    sent = web3.eth.send_transaction({"from": web3.eth.accounts[0], "to": contract})
    receipt = web3.eth.wait_for_transaction_receipt(sent, timeout=WITHIN, poll_latency=0.1)
    (log,) = web3.eth.get_logs({"address": contract, "blockHash": receipt["blockHash"]})
    assert log["topics"][0].to_0x_hex() == TOPIC
    assert web3.eth.get_block(receipt["blockNumber"])["hash"] == receipt["blockHash"]


def test_web3_subscribes_through_a_relay(field):
    async def three_heads():
        async with asyncio.timeout(WITHIN), AsyncWeb3(WebSocketProvider(field.relay.ws_url)) as web3:
            await web3.eth.subscribe("newHeads")
            heads = []
            async for message in web3.socket.process_subscriptions():
                heads.append(message["result"])
                if len(heads) == 3:
                    return heads
        return []

    heads = asyncio.run(three_heads())
    assert [head["number"] - heads[0]["number"] for head in heads] == [0, 1, 2]
    for head in heads:
        assert field.at_node("eth_getBlockByNumber", hex(head["number"]), False)["hash"] == (
            head["hash"].to_0x_hex()
        )


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (4001, "enough")])
def test_a_client_may_leave(field, code, reason):
    with connect(field.relay.ws_url, proxy=None) as socket:
        socket.close(code, reason)
        assert socket.close_code == code
    wait_for_websockets(field, 0)


def wait_for_websockets(field, count):
    """Until the relay has so many open."""
    until(lambda: field.relays.counters(field.relay)["open_websockets"] == count)


def test_the_relay_counts_what_passes(field):
    before = field.relays.counters(field.relay)
    field.at_relay("eth_gasPrice")
    field.client.post(field.relay.url, json=[call("eth_gasPrice"), call("eth_syncing")])
    with listener(field.relay.ws_url) as client:
        client.subscribe("heads", "newHeads")
        client.listen("heads", 2)
        # An event is counted when it has left, and the client may be the first to know.
        until(lambda: field.relays.counters(field.relay)["events"] >= before["events"] + 2)
        during = field.relays.counters(field.relay)
    assert during["kind"] == "relay"
    assert during["requests"]["eth_gasPrice"] == before["requests"].get("eth_gasPrice", 0) + 2
    assert during["messages_http"] == before["messages_http"] + 2
    assert during["messages_ws"] == before["messages_ws"] + 1
    assert during["open_websockets"] == before["open_websockets"] + 1
    assert during["subscriptions"] == before["subscriptions"] + 1
    assert during["open_subscriptions"] == before["open_subscriptions"] + 1
    wait_for_websockets(field, before["open_websockets"])


@pytest.mark.parametrize("form", ["{url}", "{url} {ws_url}"])
def test_a_relay_is_made_by_posting_a_proxy_and_ended_by_deleting_it(field, form):
    upstream = form.format(url=field.node.url, ws_url=field.node.ws_url)
    body = {"name": "late", "listen": "127.0.0.1:0", "upstream": upstream}
    made = field.relays.admin.post("/proxies", json=body).raise_for_status().json()
    with listener(f"ws://{made['listen']}") as client:
        client.subscribe("heads", "newHeads")
        client.listen("heads", 1)
        assert ask(field.client, f"http://{made['listen']}", "eth_chainId") == "0x7a69"
        assert field.relays.admin.get("/providers/late").json()["kind"] == "relay"
        field.relays.admin.delete("/proxies/late").raise_for_status()
        with pytest.raises(ConnectionClosed):
            client.listen("heads", 99)
    with pytest.raises(httpx.ConnectError):
        ask(field.client, f"http://{made['listen']}", "eth_chainId")


def test_a_node_that_hangs_is_hung_behind_its_relay_and_goes_on(field):
    with listener(field.relay.ws_url) as client:
        client.subscribe("heads", "newHeads")
        client.listen("heads", 1)
        sockets = field.relays.counters(field.relay)["open_sockets"]
        field.node.process.send_signal(signal.SIGSTOP)
        try:
            for _ in range(3):
                with pytest.raises(httpx.ReadTimeout):
                    httpx.post(field.relay.url, json=call("eth_chainId"), timeout=0.3, trust_env=False)
            client.listen_for(0.2)
            heard = len(client.seen["heads"])
            until(lambda: field.relays.counters(field.relay)["open_sockets"] <= sockets)
        finally:
            field.node.process.send_signal(signal.SIGCONT)
        assert field.at_relay("eth_chainId") == "0x7a69"
        client.listen("heads", heard + 1)


def test_a_node_that_dies_takes_its_clients_with_it(tmp_path):
    with playing_field(tmp_path) as field:
        with listener(field.relay.ws_url) as client:
            client.subscribe("heads", "newHeads")
            client.listen("heads", 1)
            field.node.kill()
            with pytest.raises(ConnectionClosed) as ended:
                client.listen("heads", 99)
            assert ended.value.rcvd is None, "the node sent no close frame, and neither does the relay"
        for _ in range(2):
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                field.client.post(field.relay.url, json=call("eth_chainId"))
        with pytest.raises((ConnectionResetError, InvalidMessage)), connect(field.relay.ws_url, proxy=None):
            pass
