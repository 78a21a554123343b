"""What a simulated node answers, method by method and error by error."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battlectl.lab.chain.chain import Chain, View, block_hash, transaction_hash
from battlectl.lab.chain.documents import TRANSFER_TOPIC
from battlectl.lab.chain.transfers import ACCOUNTS, AMOUNT, INITIAL_WEI, REVERTING, TOKENS
from battlectl.lab.rpc import methods as node_rpc
from battlectl.lab.rpc.methods import BALANCE_OF, METHODS

VIEW = View(Chain(seed=1, genesis_time=1_000_000.0, block_time=1.0), head=1000)
BLOCK_900 = block_hash(VIEW.chain, 900)
UNKNOWN_HASH = "0x" + "12" * 32
STRANGER = "0x" + "11" * 20


def send(body):
    raw = node_rpc.answer(VIEW, body if isinstance(body, bytes) else json.dumps(body).encode())
    return None if raw is None else json.loads(raw)


def request(method, *params, id_=1):
    return {"jsonrpc": "2.0", "id": id_, "method": method, "params": list(params)}


def result(method, *params):
    reply = send(request(method, *params))
    assert set(reply) == {"jsonrpc", "id", "result"}, reply
    return reply["result"]


def error(method, *params):
    return send(request(method, *params))["error"]


@pytest.mark.parametrize(
    ("method", "params", "expected"),
    [
        ("eth_chainId", [], "0x3e7"),
        ("net_version", [], "999"),
        ("eth_blockNumber", [], "0x3e8"),
        ("eth_syncing", [], False),
        ("net_listening", [], True),
        ("eth_accounts", [], []),
        ("eth_getBalance", [STRANGER, "latest"], "0x0"),
        ("eth_getBalance", [ACCOUNTS[0], "earliest"], hex(INITIAL_WEI)),
        ("eth_getTransactionCount", [ACCOUNTS[0], "latest"], "0x1f4"),
        ("eth_getTransactionCount", [ACCOUNTS[0].replace("acc", "ACC"), "latest"], "0x1f4"),
        ("eth_getTransactionCount", [ACCOUNTS[0], "pending"], "0x1f5"),
        ("eth_getTransactionCount", [ACCOUNTS[0], {"blockNumber": "0x0"}], "0x0"),
        ("eth_getTransactionCount", [ACCOUNTS[0], {"blockHash": BLOCK_900}], "0x1c2"),
        ("eth_getCode", [STRANGER], "0x"),
        ("eth_getBlockByNumber", ["0x3e9", False], None),
        ("eth_getBlockByHash", [UNKNOWN_HASH, False], None),
        ("eth_getTransactionByHash", [UNKNOWN_HASH], None),
        ("eth_getTransactionReceipt", [UNKNOWN_HASH], None),
        ("eth_estimateGas", [{"to": STRANGER}], "0x5208"),
        ("eth_getLogs", [{"fromBlock": "0x3e9", "toBlock": "0x400"}], []),
    ],
)
def test_results(method, params, expected):
    assert result(method, *params) == expected


@pytest.mark.parametrize(
    ("tag", "number"),
    [("latest", 1000), ("pending", 1001), ("safe", 992), ("finalized", 984), ("earliest", 0), ("0x10", 16)],
)
def test_block_tags(tag, number):
    assert result("eth_getBlockByNumber", tag, False)["number"] == hex(number)


def test_a_block_is_the_same_by_number_and_by_hash():
    by_number = result("eth_getBlockByNumber", hex(900), True)
    assert by_number == result("eth_getBlockByHash", BLOCK_900, True)
    hashes = result("eth_getBlockByHash", BLOCK_900)["transactions"]
    assert [found["hash"] for found in by_number["transactions"]] == hashes


def test_a_transaction_its_receipt_and_its_log_tell_one_story():
    hash_ = transaction_hash(VIEW.chain, 900, 2)
    transaction, receipt = (
        result("eth_getTransactionByHash", hash_),
        result("eth_getTransactionReceipt", hash_),
    )
    (log,) = receipt["logs"]
    assert transaction["blockHash"] == receipt["blockHash"] == log["blockHash"] == BLOCK_900
    assert transaction["hash"] == receipt["transactionHash"] == log["transactionHash"] == hash_
    assert transaction["to"] == receipt["to"] == log["address"]
    assert log in result("eth_getLogs", {"blockHash": BLOCK_900})


def test_logs_filter_by_range_address_and_topics():
    span = {"fromBlock": hex(900), "toBlock": hex(903)}
    sender = "0x" + ACCOUNTS[3][2:].rjust(64, "0")
    assert len(result("eth_getLogs", span)) == 16
    assert len(result("eth_getLogs", {**span, "address": TOKENS[0]})) == 8
    assert len(result("eth_getLogs", {**span, "address": list(TOKENS)})) == 16
    assert len(result("eth_getLogs", {**span, "address": STRANGER})) == 0
    assert len(result("eth_getLogs", {**span, "topics": [TRANSFER_TOPIC]})) == 16
    assert len(result("eth_getLogs", {**span, "topics": [None, sender]})) == 2
    assert len(result("eth_getLogs", {**span, "topics": [[TRANSFER_TOPIC, UNKNOWN_HASH], [sender]]})) == 2
    assert len(result("eth_getLogs", {**span, "topics": [UNKNOWN_HASH]})) == 0
    assert len(result("eth_getLogs", {**span, "topics": [None, None, None, None]})) == 0


def test_balance_of_agrees_with_the_logs():
    def held(account, tag):
        data = BALANCE_OF + account[2:].rjust(64, "0")
        return int(result("eth_call", {"to": TOKENS[0], "data": data}, tag), 16)

    def sent_in_block_899(topics):
        query = {"fromBlock": hex(899), "toBlock": hex(899), "address": TOKENS[0], "topics": topics}
        return len(result("eth_getLogs", query))

    topic = "0x" + ACCOUNTS[0][2:].rjust(64, "0")
    gained = sent_in_block_899([None, None, topic]) - sent_in_block_899([None, topic])
    assert gained
    assert held(ACCOUNTS[0], hex(899)) - held(ACCOUNTS[0], hex(898)) == gained * AMOUNT


def test_other_calls_are_deterministic_and_differ_by_their_data():
    one, again = (result("eth_call", {"to": STRANGER, "data": "0x01"}, "latest") for _ in range(2))
    assert one == again != result("eth_call", {"to": STRANGER, "data": "0x02"}, "latest")
    assert len(one) == 66


def test_the_documented_address_reverts_with_code_3():
    revert = error("eth_call", {"to": REVERTING}, "latest")
    assert revert["code"] == 3
    assert revert["message"].startswith("execution reverted")
    assert revert["data"].startswith("0x08c379a0")
    assert error("eth_estimateGas", {"to": REVERTING})["code"] == 3


def test_fee_history_has_one_base_fee_more_than_blocks():
    history = result("eth_feeHistory", "0x4", "latest", [25, 75])
    assert history["oldestBlock"] == hex(997)
    assert [len(history[key]) for key in ("baseFeePerGas", "gasUsedRatio", "reward")] == [5, 4, 4]
    assert history["reward"][0] == ["0x3b9aca00", "0x3b9aca00"]
    assert "reward" not in result("eth_feeHistory", 4, "latest")


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("eth_nope", [], -32601),
        ("eth_blockNumber", ["0x1"], -32602),
        ("eth_getBalance", [], -32602),
        ("eth_getBalance", ["0x1", "latest"], -32602),
        ("eth_getBalance", [7, "latest"], -32602),
        ("eth_getBalance", [STRANGER, "newest"], -32602),
        ("eth_getBalance", [STRANGER, "0x01"], -32602),
        ("eth_getBalance", [STRANGER, 5], -32602),
        ("eth_getBalance", [STRANGER, "0x3e9"], -32000),
        ("eth_getBalance", [STRANGER, {"blockHash": UNKNOWN_HASH}], -32000),
        ("eth_getBalance", [STRANGER, {}], -32602),
        ("eth_getBlockByNumber", ["latest", "yes"], -32602),
        ("eth_getBlockByHash", ["0x12", False], -32602),
        ("eth_call", ["0x"], -32602),
        ("eth_call", [{"to": STRANGER, "data": "0x1"}], -32602),
        ("eth_getLogs", [{"fromBlock": "0x2", "toBlock": "0x1"}], -32602),
        ("eth_getLogs", [{"fromBlock": "0x0", "toBlock": "0x3e8"}], -32602),
        ("eth_getLogs", [{"blockHash": BLOCK_900, "fromBlock": "0x1"}], -32602),
        ("eth_getLogs", [{"blockHash": UNKNOWN_HASH}], -32000),
        ("eth_getLogs", [{"topics": [7]}], -32602),
        ("eth_getLogs", [{"address": 7}], -32602),
        ("eth_feeHistory", [0, "latest"], -32602),
        ("eth_feeHistory", [True, "latest"], -32602),
        ("eth_feeHistory", [4, "latest", 50], -32602),
    ],
)
def test_errors(method, params, code):
    assert error(method, *params)["code"] == code


@pytest.mark.parametrize(
    ("body", "code", "id_"),
    [
        (b"", -32700, None),
        (b"{", -32700, None),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId"', -32700, None),
        (b'"\xff"', -32700, None),
        (b"[" * 100_000, -32700, None),
        (b"7", -32600, None),
        (b"[]", -32600, None),
        ([1] * 1001, -32600, None),
        ({"id": 5, "method": "eth_chainId"}, -32600, 5),
        ({"jsonrpc": "1.0", "id": 5, "method": "eth_chainId"}, -32600, 5),
        ({"jsonrpc": "2.0", "id": 5, "method": 7}, -32600, 5),
        ({"jsonrpc": "2.0", "id": 5, "method": "eth_chainId", "params": 7}, -32600, 5),
        ({"jsonrpc": "2.0", "id": {}, "method": "eth_chainId"}, -32600, None),
        ({"jsonrpc": "2.0", "id": True, "method": "eth_chainId"}, -32600, None),
        ({"jsonrpc": "2.0", "id": 5, "method": "eth_chainId", "params": {"a": 1}}, -32602, 5),
    ],
)
def test_bad_envelopes(body, code, id_):
    reply = send(body)
    assert (reply["error"]["code"], reply["id"]) == (code, id_)


@pytest.mark.parametrize("id_", ["a", 0, -1, 1.5, 2**70, None, "é"])
def test_the_id_comes_back_as_it_was(id_):
    assert send(request("eth_chainId", id_=id_)) == {"jsonrpc": "2.0", "id": id_, "result": "0x3e7"}


def test_a_batch_answers_each_item_but_notifications():
    note = {"jsonrpc": "2.0", "method": "eth_chainId"}
    replies = send([request("eth_chainId", id_="a"), note, 7, request("eth_nope", id_="b")])
    assert [reply["id"] for reply in replies] == ["a", None, "b"]
    assert [reply.get("error", {}).get("code") for reply in replies] == [None, -32600, -32601]
    assert send(note) is None
    assert send([note, note]) is None


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["latest", "0x1", STRANGER]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["to", "data", "topics", "address", "blockHash", "toBlock"]), inner)
    ),
    max_leaves=8,
)


@given(st.sampled_from(sorted(METHODS)), st.lists(JSON, max_size=4))
def test_any_parameters_get_a_reply_with_the_id(method, params):
    reply = send(request(method, *params, id_="x"))
    assert reply["id"] == "x"
    assert ("result" in reply) != ("error" in reply)


@given(JSON | st.binary(max_size=40))
def test_any_body_is_answered_or_a_notification(body):
    reply = send(body)
    assert reply is None or isinstance(reply, dict | list)
