"""The methods of a simulated Ethereum node: a table from name to function.

Rule: a method is a function of a view of the chain and its parameters, and of nothing else; faults
change the view or the bytes, never a method. eth_call answers every address: `balanceOf` of the lab's
tokens agrees with their Transfer logs, any other call returns a hash of what was called, and the
address REVERTING reverts with code 3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from battlectl.lab.chain import chain as c
from battlectl.lab.chain import documents as d
from battlectl.lab.chain import transfers as t
from battlectl.lab.chain.chain import View
from battlectl.lab.rpc import envelope
from battlectl.lab.rpc import params as p
from battlectl.lab.rpc.envelope import INVALID_PARAMS, REVERTED, UNKNOWN_METHOD, RpcError
from battlectl.lab.rpc.log_filter import find_logs

BALANCE_OF = "0x70a08231"
REVERT_REASON = "the lab reverts this address"
FEE_HISTORY_LIMIT = 1_024
PERCENTILES_LIMIT = 100
TIP = 1_000_000_000

Params = list[Any]


@dataclass(frozen=True, slots=True)
class Method:
    """`call` takes a view and the parameters, of which there may be `at_most` so many."""

    call: Callable[[View, Params], Any]
    at_most: int


def answer(view: View, body: bytes) -> bytes | None:
    """The answer to one body, single or batch; None when nothing in it wants one."""
    return envelope.answer(body, lambda method, params: call_method(view, method, params))


def call_method(view: View, name: str, params: Any) -> Any:
    """The result of one call, or RpcError."""
    method = METHODS.get(name)
    if method is None:
        raise RpcError(UNKNOWN_METHOD, f"the method {name} does not exist/is not available")
    if isinstance(params, dict):
        raise RpcError(INVALID_PARAMS, "non-array args")
    arguments = params or []
    if len(arguments) > method.at_most:
        raise RpcError(INVALID_PARAMS, f"too many arguments, want at most {method.at_most}")
    return method.call(view, arguments)


def get_block_by_number(view: View, params: Params) -> d.Document | None:
    """Null beyond the head, except for `pending`: the next block, without hash, nonce and miner."""
    tag = p.argument(params, 0)
    number = p.block_number(view, tag, 0)
    full = p.boolean(p.argument(params, 1, False), 1)
    return d.block_document(view, number, full) if view.has(number) or tag == "pending" else None


def get_block_by_hash(view: View, params: Params) -> d.Document | None:
    """Null for a hash that is not on the chain, or not yet."""
    number = c.find_block(view, p.hash32(p.argument(params, 0), 0))
    full = p.boolean(p.argument(params, 1, False), 1)
    return None if number is None else d.block_document(view, number, full)


def get_balance(view: View, params: Params) -> str:
    """In wei; 0 for an address that is not one of the lab's accounts."""
    address = p.address(p.argument(params, 0), 0)
    return hex(t.balance_after(p.state_number(view, params, 1), address))


def get_transaction_count(view: View, params: Params) -> str:
    """The nonce after the block asked for; 0 for an address that is not one of the lab's accounts."""
    address = p.address(p.argument(params, 0), 0)
    return hex(t.nonce_after(p.state_number(view, params, 1), address))


def get_code(view: View, params: Params) -> str:
    """The same few bytes for the tokens and for REVERTING, which never run; `0x` for all others."""
    address = p.address(p.argument(params, 0), 0)
    p.state_number(view, params, 1)
    return "0x60006000fd" if address in t.TOKENS or address == t.REVERTING else "0x"


def get_transaction_by_hash(view: View, params: Params) -> d.Document | None:
    """Null for a transaction that is not on the chain, or not yet."""
    place = c.find_transaction(view, p.hash32(p.argument(params, 0), 0))
    return None if place is None else d.transaction_document(view.chain, t.transfer_at(*place))


def get_transaction_receipt(view: View, params: Params) -> d.Document | None:
    """Null for a transaction that is not on the chain, or not yet."""
    place = c.find_transaction(view, p.hash32(p.argument(params, 0), 0))
    return None if place is None else d.receipt_document(view.chain, *place)


def gas_price(view: View, params: Params) -> str:
    """The base fee of the head and a tip of 1 gwei, in wei."""
    return hex(c.base_fee(view.chain, view.head) + TIP)


def call(view: View, params: Params) -> str:
    """32 bytes: a balance from a token, else a hash of what was called; RpcError 3 from REVERTING."""
    to, data = _call_target(params)
    number = p.state_number(view, params, 1)
    if to in t.TOKENS and data.startswith(BALANCE_OF) and len(data) == 74:
        return f"0x{t.tokens_after(number, to, '0x' + data[-40:]):064x}"
    return "0x" + sha256(f"{view.chain.seed}/call/{to}/{data}".encode()).hexdigest()


def estimate_gas(view: View, params: Params) -> str:
    """21000 gas and 16 for each byte of data; RpcError 3 for REVERTING, as for eth_call."""
    _, data = _call_target(params)
    p.state_number(view, params, 1)
    return hex(21_000 + 16 * (len(data) // 2 - 1))


def fee_history(view: View, params: Params) -> d.Document:
    """Up to `blockCount` blocks ending at the newest, and one base fee more: that of the block after them."""
    count = _block_count(p.argument(params, 0))
    newest = min(p.block_number(view, p.argument(params, 1), 1), view.head)
    oldest = max(0, newest - count + 1)
    numbers = range(oldest, newest + 1)
    history: d.Document = {
        "oldestBlock": hex(oldest),
        "baseFeePerGas": [hex(c.base_fee(view.chain, number)) for number in range(oldest, newest + 2)],
        "gasUsedRatio": [len(t.transfers_in(number)) * t.GAS_USED / d.GAS_LIMIT for number in numbers],
    }
    percentiles = _percentiles(p.argument(params, 2, []))
    if percentiles:
        history["reward"] = [[hex(TIP) for _ in percentiles] for _ in numbers]
    return history


def _percentiles(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > PERCENTILES_LIMIT:
        raise p.bad(2, f"a list of at most {PERCENTILES_LIMIT} percentiles is wanted")
    return value


def _call_target(params: Params) -> tuple[str, str]:
    """(to, data) of a call object; a call of REVERTING ends here."""
    request = p.mapping(p.argument(params, 0), 0)
    to = p.address(request["to"], 0) if request.get("to") is not None else d.ZERO_ADDRESS
    data = p.data(request.get("data") or request.get("input") or "0x", 0)
    if to == t.REVERTING:
        raise RpcError(REVERTED, f"execution reverted: {REVERT_REASON}", _error_string(REVERT_REASON))
    return to, data


def _error_string(reason: str) -> str:
    """`Error(string)` in ABI encoding, which is how Solidity says why it reverted."""
    text = reason.encode()
    return f"0x08c379a0{32:064x}{len(text):064x}{text.hex().ljust(-(-len(text) // 32) * 64, '0')}"


def _block_count(value: Any) -> int:
    # Clients send the count as a plain number as often as in hex, and nodes take both.
    count = value if isinstance(value, int) and not isinstance(value, bool) else p.quantity(value, 0)
    if not 1 <= count <= FEE_HISTORY_LIMIT:
        raise p.bad(0, f"a block count is 1 to {FEE_HISTORY_LIMIT}")
    return count


METHODS: dict[str, Method] = {
    "eth_accounts": Method(lambda view, params: [], 0),
    "eth_blockNumber": Method(lambda view, params: hex(view.head), 0),
    "eth_call": Method(call, 4),
    "eth_chainId": Method(lambda view, params: hex(view.chain.chain_id), 0),
    "eth_estimateGas": Method(estimate_gas, 3),
    "eth_feeHistory": Method(fee_history, 3),
    "eth_gasPrice": Method(gas_price, 0),
    "eth_getBalance": Method(get_balance, 2),
    "eth_getBlockByHash": Method(get_block_by_hash, 2),
    "eth_getBlockByNumber": Method(get_block_by_number, 2),
    "eth_getCode": Method(get_code, 2),
    "eth_getLogs": Method(find_logs, 1),
    "eth_getTransactionByHash": Method(get_transaction_by_hash, 1),
    "eth_getTransactionCount": Method(get_transaction_count, 2),
    "eth_getTransactionReceipt": Method(get_transaction_receipt, 1),
    "eth_syncing": Method(lambda view, params: False, 0),
    "net_listening": Method(lambda view, params: True, 0),
    "net_version": Method(lambda view, params: str(view.chain.chain_id), 0),
    "web3_clientVersion": Method(lambda view, params: "battlectl-lab/1 (simulated)", 0),
}
