"""What web3.py makes of faults: the client that most programs use."""

from __future__ import annotations

import pytest
import requests
from web3 import HTTPProvider, Web3
from web3.exceptions import (
    BadResponseFormat,
    BlockNotFound,
    ContractLogicError,
    TransactionNotFound,
    Web3RPCError,
)

pytestmark = pytest.mark.real

A, B = "provider_a", "provider_b"
ADDRESS = "0x" + "11" * 20


@pytest.fixture
def pair(field):
    """A provider, and another one of the same lab without faults."""
    clients = []
    for name in (A, B):
        provider = HTTPProvider(
            field.urls[name], exception_retry_configuration=None, request_kwargs={"timeout": 20}
        )
        clients.append(Web3(provider))
    yield clients
    for client in clients:
        client.provider._request_session_manager.session_cache.clear()


def test_without_faults_they_agree(pair):
    struck, other = pair
    assert struck.eth.chain_id == other.eth.chain_id == 999
    assert struck.eth.get_block(5)["hash"] == other.eth.get_block(5)["hash"]


def test_a_revert_is_a_contract_logic_error(field, pair):
    field.inject(A, "revert")
    with pytest.raises(ContractLogicError, match="reverted by a fault"):
        pair[0].eth.call({"to": ADDRESS})
    assert pair[0].eth.chain_id == 999
    field.heal(A)
    assert len(pair[0].eth.call({"to": ADDRESS})) == 32


@pytest.mark.parametrize(("kind", "code"), [("rate_limit_in_body", -32005), ("rpc_error", -32603)])
def test_an_error_object_is_an_rpc_error(field, pair, kind, code):
    field.inject(A, kind)
    with pytest.raises(Web3RPCError) as raised:
        _ = pair[0].eth.gas_price
    assert raised.value.rpc_response["error"]["code"] == code


def test_a_status_is_an_http_error(field, pair):
    field.inject(A, "http_429", retry_after_s=3)
    with pytest.raises(requests.HTTPError) as raised:
        _ = pair[0].eth.gas_price
    assert (raised.value.response.status_code, raised.value.response.headers["retry-after"]) == (429, "3")


@pytest.mark.parametrize("kind", ["truncated_json", "garbage", "html_200", "empty_body"])
def test_what_is_no_json_is_no_answer(field, pair, kind):
    field.inject(A, kind)
    with pytest.raises((ValueError, BadResponseFormat)):
        _ = pair[0].eth.gas_price


def test_a_hang_is_a_timeout(field):
    field.inject(A, "hang")
    hasty = Web3(
        HTTPProvider(field.urls[A], exception_retry_configuration=None, request_kwargs={"timeout": 0.3})
    )
    with pytest.raises(requests.ReadTimeout):
        _ = hasty.eth.block_number


def test_a_killed_provider_is_a_connection_error(field, pair):
    assert pair[0].eth.chain_id == 999
    field.inject(A, "kill")
    with pytest.raises(requests.ConnectionError):
        _ = pair[0].eth.chain_id
    field.heal(A)
    assert pair[0].eth.chain_id == 999


def test_state_is_behind_missing_or_another(field, pair):
    struck, other = pair
    field.inject(A, "lag", blocks=100)
    assert struck.eth.get_block("latest")["number"] <= other.eth.block_number - 100
    with pytest.raises(BlockNotFound):
        struck.eth.get_block(other.eth.block_number)
    field.heal(A)
    field.inject(A, "missing_logs")
    head = other.eth.block_number
    assert struck.eth.get_logs({"fromBlock": head, "toBlock": head}) == []
    assert len(other.eth.get_logs({"fromBlock": head, "toBlock": head})) == 4
    field.heal(A)
    field.inject(A, "wrong_chain", chain_id=5)
    assert struck.eth.chain_id == 5
    assert struck.eth.get_block(0)["hash"] != other.eth.get_block(0)["hash"]
    field.heal(A)
    field.inject(A, "null_near_tip", blocks=500)
    newest = other.eth.get_block("latest")["transactions"][0]
    with pytest.raises(TransactionNotFound):
        struck.eth.get_transaction(newest)
    assert other.eth.get_transaction(newest)["hash"] == newest


def test_a_batch_that_lacks_answers(field, pair):
    def ask():
        with pair[0].batch_requests() as batch:
            for block in range(6):
                batch.add(pair[0].eth.get_block(block))
            return batch.execute()

    assert [block["number"] for block in ask()] == list(range(6))
    field.inject(A, "batch_reorder")
    assert [block["number"] for block in ask()] == list(range(6))
    field.heal(A)
    field.inject(A, "rate_limit_in_batch")
    with pytest.raises(Web3RPCError, match="rate limited"):
        ask()
