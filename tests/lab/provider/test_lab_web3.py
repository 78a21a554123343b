"""web3.py as the client of one provider: blocks, logs, filters, batches, errors, subscriptions."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
import trio
from web3 import AsyncWeb3, HTTPProvider, Web3, WebSocketProvider
from web3.exceptions import BlockNotFound, ContractLogicError, TransactionNotFound, Web3RPCError
from web3.utils.subscriptions import LogsSubscription, NewHeadsSubscription

from battlectl.lab.chain.chain import block_hash
from battlectl.lab.chain.documents import TRANSFER_TOPIC
from battlectl.lab.chain.transfers import ACCOUNTS, AMOUNT, INITIAL_WEI, REVERTING, TOKENS
from tests.lab.provider.served import in_thread, served, until

pytestmark = pytest.mark.real

TOKEN = Web3.to_checksum_address(TOKENS[0])
ABI = [
    {
        "type": "function",
        "name": "balanceOf",
        "stateMutability": "view",
        "inputs": [{"name": "owner", "type": "address"}],
        "outputs": [{"name": "", "type": "uint256"}],
    },
    {
        "type": "event",
        "name": "Transfer",
        "anonymous": False,
        "inputs": [
            {"name": "from", "type": "address", "indexed": True},
            {"name": "to", "type": "address", "indexed": True},
            {"name": "value", "type": "uint256", "indexed": False},
        ],
    },
]


async def with_web3(there, use):
    """What `use` returns, with web3.py over HTTP, in a thread."""

    def run():
        provider = HTTPProvider(there.url, exception_retry_configuration=None)
        try:
            return use(Web3(provider))
        finally:
            for session in provider._request_session_manager.session_cache._data.values():
                session.close()

    return await in_thread(run)


async def test_blocks_transactions_receipts_and_balances():
    async with served(block_time=60) as there:

        def use(w3):
            assert w3.is_connected()
            assert w3.eth.chain_id == 999
            head = w3.eth.block_number
            block = w3.eth.get_block("latest", full_transactions=True)
            assert block.number == head
            assert w3.eth.get_block(block.parentHash).number == head - 1
            transaction = w3.eth.get_transaction(block.transactions[2].hash)
            receipt = w3.eth.get_transaction_receipt(transaction.hash)
            assert receipt.status == 1
            assert receipt.blockHash == block.hash
            assert w3.eth.get_balance(Web3.to_checksum_address(ACCOUNTS[0]), 0) == INITIAL_WEI
            assert w3.eth.get_transaction_count(transaction["from"]) == transaction.nonce + 1
            assert w3.eth.gas_price > w3.eth.get_block("latest").baseFeePerGas
            history = w3.eth.fee_history(3, "latest", [50])
            assert len(history.baseFeePerGas) == 4
            return block.hash.to_0x_hex()

        hash_ = await with_web3(there, use)
        assert hash_ == block_hash(there.shared.chain, there.shared.view().head)


async def test_logs_are_decoded_and_agree_with_balances():
    async with served(block_time=60) as there:

        def use(w3):
            token = w3.eth.contract(TOKEN, abi=ABI)
            head = w3.eth.block_number
            transfers = token.events.Transfer.get_logs(from_block=head - 9, to_block=head)
            assert len(transfers) == 20
            assert {entry.args.value for entry in transfers} == {AMOUNT}
            raw = w3.eth.get_logs({"fromBlock": head, "toBlock": head, "topics": [TRANSFER_TOPIC]})
            assert [entry.logIndex for entry in raw] == [0, 1, 2, 3]
            owner = transfers[-1].args["to"]
            moved = [entry for entry in transfers if owner in (entry.args["from"], entry.args["to"])]
            change = sum(AMOUNT if entry.args["to"] == owner else -AMOUNT for entry in moved)
            balance = token.functions.balanceOf(owner)
            assert balance.call() - balance.call(block_identifier=head - 10) == change

        await with_web3(there, use)


async def test_errors_are_mapped():
    async with served() as there:

        def use(w3):
            with pytest.raises(ContractLogicError, match="the lab reverts this address"):
                w3.eth.call({"to": Web3.to_checksum_address(REVERTING)})
            with pytest.raises(BlockNotFound):
                w3.eth.get_block(10**9)
            with pytest.raises(TransactionNotFound):
                w3.eth.get_transaction("0x" + "12" * 32)
            with pytest.raises(Web3RPCError) as error:
                w3.eth.get_logs({"fromBlock": 0, "toBlock": 10**9})
            assert error.value.rpc_response["error"]["code"] == -32602
            reply = w3.provider.make_request("eth_nothing", [])
            assert reply["error"]["code"] == -32601

        await with_web3(there, use)


async def test_filters_and_batches():
    async with served(block_time=0.2) as there:

        def use(w3):
            blocks, logs = w3.eth.filter("latest"), w3.eth.filter({"address": TOKEN})
            begin = w3.eth.block_number
            trio.from_thread.run(until, lambda: there.shared.view().head >= begin + 3)
            hashes = blocks.get_new_entries()
            assert len(hashes) >= 3
            assert [w3.eth.get_block(hash_).number for hash_ in hashes[:3]] == [
                begin + 1,
                begin + 2,
                begin + 3,
            ]
            entries = logs.get_new_entries()
            assert len(entries) >= 6
            assert {entry.address for entry in entries} == {TOKEN}
            assert w3.eth.uninstall_filter(blocks.filter_id)
            with w3.batch_requests() as batch:
                batch.add(w3.eth.get_block(5))
                batch.add(w3.eth.get_block(6))
                five, six = batch.execute()
            assert six.parentHash == five.hash

        await with_web3(there, use)


async def test_subscriptions_over_a_websocket():
    async with served(block_time=0.2) as there:

        async def follow():
            heads, logs = [], []

            async def on_head(context):
                heads.append(context.result)

            async def on_log(context):
                logs.append(context.result)
                if len(heads) >= 4:
                    await context.subscription.unsubscribe()
                    await w3.subscription_manager.unsubscribe_all()

            async with AsyncWeb3(WebSocketProvider(there.ws_url)) as w3:
                assert await w3.eth.chain_id == 999
                await w3.subscription_manager.subscribe(
                    [
                        NewHeadsSubscription(handler=on_head),
                        LogsSubscription(address=TOKEN, topics=[TRANSFER_TOPIC], handler=on_log),
                    ]
                )
                await asyncio.wait_for(w3.subscription_manager.handle_subscriptions(), 20)
                assert await w3.eth.block_number >= heads[-1]["number"]
            return heads, logs

        heads, logs = await in_thread(lambda: asyncio.run(follow()))
        numbers = [head["number"] for head in heads]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert all(b["parentHash"] == a["hash"] for a, b in pairwise(heads))
        assert {log["address"] for log in logs} == {TOKEN}
