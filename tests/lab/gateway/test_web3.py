"""web3.py as a client of the gateway over HTTP: blocks, logs, filters, batches, errors, through a failure."""

import pytest
import trio
from web3 import Web3
from web3.exceptions import ContractLogicError, MethodUnavailable, Web3RPCError

from battlectl.lab.chain.chain import CHAIN_ID
from battlectl.lab.chain.transfers import REVERTING, TOKENS
from tests.lab.gateway_ws.upstreams import lab

pytestmark = pytest.mark.real

ROUTES = ["/", "/rpc/battlechain", "/rpc/latency-weighted/999"]


async def with_web3(work, route="/", **settings):
    """What `work(web3)` returns, run in a thread."""
    async with lab(block_time=0.5, **settings) as running:
        client = Web3(Web3.HTTPProvider(running.url + route, request_kwargs={"timeout": 20}))
        with trio.fail_after(50):
            try:
                return await trio.to_thread.run_sync(work, client)
            finally:
                client.provider._request_session_manager.session_cache.clear()


@pytest.mark.parametrize("route", ROUTES)
async def test_blocks_are_linked_and_the_head_only_rises(route):
    def work(web3):
        assert web3.is_connected()
        assert web3.eth.chain_id == CHAIN_ID
        heads = [web3.eth.block_number for _ in range(30)]
        assert heads == sorted(heads)
        head = web3.eth.get_block("latest")
        assert head["number"] >= heads[-1]
        parent = web3.eth.get_block(head["parentHash"])
        assert parent["number"] == head["number"] - 1
        assert web3.eth.get_block(head["number"])["hash"] == head["hash"]
        receipt = web3.eth.get_transaction_receipt(head["transactions"][0])
        assert receipt["blockHash"] == head["hash"]

    await with_web3(work, route)


async def test_logs_agree_with_the_receipts_of_their_blocks():
    def work(web3):
        head = web3.eth.block_number
        found = web3.eth.get_logs({"fromBlock": head - 4, "toBlock": head})
        assert found
        for number in range(head - 4, head + 1):
            block = web3.eth.get_block(number)
            receipts = [web3.eth.get_transaction_receipt(hash_) for hash_ in block["transactions"]]
            wanted = [log["logIndex"] for receipt in receipts for log in receipt["logs"]]
            assert [log["logIndex"] for log in found if log["blockNumber"] == number] == wanted

    await with_web3(work)


async def test_a_filter_is_asked_after_where_it_was_made():
    def work(web3):
        filters = [web3.eth.filter("latest") for _ in range(3)]  # one at each provider
        heard = [[] for _ in filters]
        while min(map(len, heard)) < 3:
            for index, found in enumerate(filters):
                heard[index] += found.get_new_entries()
        for hashes in heard:
            numbers = [web3.eth.get_block(hash_)["number"] for hash_ in hashes]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert web3.eth.uninstall_filter(filters[0].filter_id) is True

    await with_web3(work)


async def test_a_batch_comes_back_in_order():
    def work(web3):
        with web3.batch_requests() as batch:
            for number in range(20):
                batch.add(web3.eth.get_block(number))
            assert [block["number"] for block in batch.execute()] == list(range(20))

    await with_web3(work)


async def test_errors_keep_their_meaning():
    def work(web3):
        reverting = Web3.to_checksum_address(REVERTING)
        with pytest.raises(ContractLogicError, match="reverts this address"):
            web3.eth.call({"to": reverting, "data": "0x"})
        with pytest.raises(MethodUnavailable):
            web3.manager.request_blocking("eth_nosuch", [])
        with pytest.raises(Web3RPCError) as raised:
            web3.manager.request_blocking("eth_getBlockByNumber", ["zzz", False])
        assert raised.value.rpc_response["error"]["code"] == -32602

    await with_web3(work)


async def test_a_provider_dies_and_web3_does_not_notice():
    async with lab(block_time=0.5) as running:
        client = Web3(Web3.HTTPProvider(running.url, request_kwargs={"timeout": 20}))
        token = Web3.to_checksum_address(TOKENS[0])

        def work():
            for _ in range(20):
                assert client.eth.get_block("latest")["hash"]
                assert client.eth.call({"to": token, "data": "0x70a08231" + "00" * 32})

        with trio.fail_after(50):
            await trio.to_thread.run_sync(work)
            running.upstreams["mock_a"].kill()
            await trio.to_thread.run_sync(work)
        assert running.gateway.failed_over > 0
        assert running.gateway.exhausted == 0
        client.provider._request_session_manager.session_cache.clear()
