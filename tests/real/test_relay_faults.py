"""Faults before a real node: each is seen by clients that are not ours, and gone once it is healed.

Rule: what a fault does is compared with what the node itself says at that moment, past the relay; after
healing both say the same again.
"""

import json
import time
from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.real.anvil import running_anvils
from tests.real.relay_field import WITHIN, Field, listener, playing_field, until
from tests.real.relays import ask, running_relays

pytestmark = pytest.mark.real
DELAY = 1.5


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    with playing_field(tmp_path_factory.mktemp("field")) as field:
        yield field


@pytest.fixture(autouse=True)
def _healed(field):
    """Each test leaves a relay that says what the node says."""
    yield
    proxies = field.relays.admin.get("/proxies").json()
    assert [proxy["toxics"] for proxy in proxies.values()] == [[]]
    assert agrees(field)


def agrees(field):
    """The same block, logs and batch at the relay and at the node, byte for byte."""
    number = hex(field.head_at_node())
    logs = {"address": field.contract, "fromBlock": "0x0", "toBlock": number}
    batch = [call("eth_getBlockByNumber", number, True), call("eth_getLogs", logs, id_=2)]
    relayed, direct = (field.client.post(url, json=batch) for url in (field.relay.url, field.node.url))
    return relayed.content == direct.content and len(relayed.json()) == 2


def call(method, *params, id_=1):
    return {"jsonrpc": "2.0", "id": id_, "method": method, "params": list(params)}


def hits(field, kind):
    return field.relays.counters(field.relay)["faults"][kind]


def head_at_relay(field):
    return int(field.at_relay("eth_blockNumber"), 16)


def test_kill_refuses_and_cuts_while_the_node_lives_on(field):
    with listener(field.relay.ws_url) as client, httpx.Client(trust_env=False) as kept_alive:
        client.subscribe("heads", "newHeads")
        kept_alive.post(field.relay.url, json=call("eth_chainId")).raise_for_status()
        with field.relays.faulty(field.relay, "kill"):
            with pytest.raises(ConnectionClosed) as ended:
                client.listen("heads", 99)
            assert ended.value.rcvd is None
            for session in (kept_alive, field.client):
                with pytest.raises((httpx.ConnectError, httpx.ReadError, httpx.RemoteProtocolError)):
                    session.post(field.relay.url, json=call("eth_chainId"))
            with pytest.raises(httpx.ConnectError):
                httpx.post(field.relay.url, json=call("eth_chainId"), trust_env=False)
            with pytest.raises(ConnectionRefusedError), connect(field.relay.ws_url, proxy=None):
                pass
            assert field.at_node("eth_chainId") == "0x7a69"
    with listener(field.relay.ws_url) as client:
        client.subscribe("heads", "newHeads")
        client.listen("heads", 1)


def test_kill_by_reset_is_seen_by_the_relay(field):
    before = field.relays.counters(field.relay)
    with field.relays.faulty(field.relay, "kill", mode="reset"):
        for _ in range(3):
            with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError, httpx.ConnectError)):
                httpx.post(field.relay.url, json=call("eth_chainId"), trust_env=False)
        assert field.relays.counters(field.relay)["connections"] >= before["connections"] + 3


def test_rpc_latency_delays_calls_over_http_and_websocket(field):
    with listener(field.relay.ws_url) as client:
        with field.relays.faulty(field.relay, "rpc_latency", latency_ms=DELAY * 1_000):
            for ask in (
                lambda: field.at_relay("eth_chainId"),
                lambda: field.client.post(field.relay.url, json=[call("eth_chainId"), call("eth_gasPrice")]),
                lambda: client.call("eth_chainId"),
            ):
                begun = time.monotonic()
                ask()
                assert DELAY <= time.monotonic() - begun <= DELAY + 5
            assert hits(field, "rpc_latency") == 3
        until(lambda: took(lambda: (field.at_relay("eth_chainId"), client.call("eth_chainId"))) < DELAY)


def took(ask):
    begun = time.monotonic()
    ask()
    return time.monotonic() - begun


def test_rpc_latency_of_one_method_leaves_the_others(field):
    with field.relays.faulty(
        field.relay, "rpc_latency", latency_ms=DELAY * 1_000, methods=["eth_getBalance"]
    ):
        field.at_relay("eth_chainId")
        assert hits(field, "rpc_latency") == 0
        assert took(lambda: field.at_relay("eth_getBalance", field.contract, "latest")) >= DELAY
        assert hits(field, "rpc_latency") == 1


def test_a_stale_head_stands_still_over_http_and_websocket(field):
    with listener(field.relay.ws_url) as client:
        client.subscribe("heads", "newHeads")
        client.subscribe("logs", "logs", {"address": field.contract})
        client.listen("heads", 1)
        with field.relays.faulty(field.relay, "stale_head"):
            frozen = head_at_relay(field)
            log = field.emit_log()
            above = log["blockNumber"]
            field.wait_for_head(frozen + 2)
            assert int(above, 16) > frozen
            check_frozen(field, frozen, log)
            client.listen_for(1.5)
            assert client.call("eth_blockNumber")["result"] == hex(frozen)
            assert max(int(head["number"], 16) for head in client.seen["heads"]) <= frozen
            assert client.seen["logs"] == []
        assert head_at_relay(field) > frozen
        heard = len(client.seen["heads"])
        field.emit_log()
        client.listen("logs", 1)
        assert int(client.listen("heads", heard + 1)[-1]["number"], 16) > frozen


def check_frozen(field, frozen, log):
    """Nothing above the frozen head is to be had, by number, tag, hash or filter; all below it is there."""
    above, everything = log["blockNumber"], {"address": field.contract, "fromBlock": "0x0"}
    assert head_at_relay(field) == frozen
    for tag in ("latest", "pending"):
        assert int(field.at_relay("eth_getBlockByNumber", tag, False)["number"], 16) <= frozen + 1
    assert field.at_relay("eth_getBlockByNumber", "latest", False) == (
        field.at_node("eth_getBlockByNumber", hex(frozen), False)
    )
    assert field.at_relay("eth_getBlockByNumber", above, False) is None
    assert field.at_relay("eth_getTransactionReceipt", log["transactionHash"]) is None
    for query in ({**everything, "toBlock": "latest"}, everything):
        shown = field.at_relay("eth_getLogs", query)
        assert shown == field.at_node("eth_getLogs", {**everything, "toBlock": hex(frozen)})
    assert log in field.at_node("eth_getLogs", {**everything, "toBlock": "latest"})


def test_a_lagging_head_follows_at_its_distance(field):
    field.wait_for_head(4)
    with listener(field.relay.ws_url) as client, field.relays.faulty(field.relay, "lag", blocks=3):
        client.subscribe("heads", "newHeads")
        first, second = client.listen("heads", 2)[:2]
        assert int(second["number"], 16) == int(first["number"], 16) + 1
        assert field.head_at_node() - int(second["number"], 16) >= 2
        assert field.head_at_node() - head_at_relay(field) in (2, 3)


def test_ws_stall_answers_pings_and_calls_and_sends_no_events(field):
    with listener(field.relay.ws_url) as client:
        client.subscribe("heads", "newHeads")
        client.listen("heads", 1)
        with field.relays.faulty(field.relay, "ws_stall"):
            client.listen_for(0.3)  # what was on its way
            heard = len(client.seen["heads"])
            field.wait_for_head(field.head_at_node() + 3)
            client.listen_for(0.2)
            assert len(client.seen["heads"]) == heard
            assert int(client.call("eth_blockNumber")["result"], 16) >= field.head_at_node() - 1
            pong = client.socket.ping()
            client.listen_for(0.2)
            assert pong.wait(WITHIN)
            assert hits(field, "ws_stall") >= 1
        missed = field.head_at_node()
        assert int(client.listen("heads", heard + 1)[-1]["number"], 16) >= missed


def test_truncated_json_is_no_json_over_http_and_websocket(field):
    with listener(field.relay.ws_url) as client:
        with field.relays.faulty(field.relay, "truncated_json"):
            for body in (call("eth_chainId"), [call("eth_chainId"), call("eth_gasPrice")]):
                direct = field.client.post(field.node.url, json=body)
                relayed = field.client.post(field.relay.url, json=body)
                assert (relayed.status_code, relayed.headers["content-type"]) == (200, "application/json")
                assert direct.content.startswith(relayed.content)
                with pytest.raises(json.JSONDecodeError):
                    relayed.json()
            with pytest.raises(json.JSONDecodeError):
                client.call("eth_chainId")
        assert client.call("eth_chainId")["result"] == "0x7a69"


def test_missing_logs_are_missing_in_lists_and_subscriptions_and_blocks_are_there(field):
    first = field.emit_log()
    with listener(field.relay.ws_url) as client:
        client.subscribe("logs", "logs", {"address": field.contract})
        client.subscribe("heads", "newHeads")
        with field.relays.faulty(field.relay, "missing_logs"):
            log = field.emit_log()
            query = {
                "address": field.contract,
                "fromBlock": first["blockNumber"],
                "toBlock": log["blockNumber"],
            }
            assert field.at_node("eth_getLogs", query) == [first, log]
            assert field.at_relay("eth_getLogs", query) == []
            assert client.call("eth_getLogs", query)["result"] == []
            block = field.at_relay("eth_getBlockByHash", log["blockHash"], True)
            assert block == field.at_node("eth_getBlockByHash", log["blockHash"], True)
            client.listen("heads", len(client.seen["heads"]) + 1)
            assert client.seen["logs"] == []
        assert field.at_relay("eth_getLogs", query) == [first, log]
        last = field.emit_log()
        assert client.listen("logs", 1) == [last]


def test_an_error_of_one_method_spares_the_rest_of_a_batch(field):
    with field.relays.faulty(
        field.relay, "method_error", methods=["eth_getBalance"], code=-32603, message="no balance"
    ):
        batch = [call("eth_chainId", id_="a"), call("eth_getBalance", field.contract, "latest", id_="b")]
        replies = {reply["id"]: reply for reply in field.client.post(field.relay.url, json=batch).json()}
        assert replies["a"]["result"] == "0x7a69"
        assert replies["b"]["error"]["code"] == -32603


@pytest.mark.parametrize("kind", ["reorg", "wrong_chain", "head_jump"])
def test_what_only_a_simulated_node_can_do_is_refused(field, kind):
    refused = field.relays.add(field.relay, kind)
    assert refused.status_code == 400
    assert "node" in refused.json()["error"]
    assert kind in refused.json()["error"]


def test_a_fault_that_must_know_the_head_needs_a_node_that_answers(tmp_path):
    with running_anvils(1, tmp_path) as (node,), running_relays([node]) as relays:
        node.kill()
        refused = relays.add(relays.relays[0], "stale_head")
        assert refused.status_code == 503
        assert "does not answer" in refused.json()["error"]
        assert relays.counters(relays.relays[0])["faults"] == {}
        assert relays.add(relays.relays[0], "rpc_latency").status_code == 200


def test_one_relay_falls_ill_alone(field):
    """Two relays before the same node."""
    with running_relays([field.node, field.node]) as relays:
        ill, well = relays.relays
        with relays.faulty(ill, "http_5xx", status=502):
            assert field.client.post(ill.url, json=call("eth_chainId")).status_code == 502
            assert ask(field.client, well.url, "eth_chainId") == "0x7a69"
        assert ask(field.client, ill.url, "eth_chainId") == "0x7a69"
