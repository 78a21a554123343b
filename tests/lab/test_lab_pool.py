"""Transactions that were sent to the nodes of a lab."""

from __future__ import annotations

import pytest

from battlectl.lab.rpc.envelope import RpcError
from battlectl.lab.rpc.pool import MOST_BYTES, MOST_WAITING, Pool

RAW, SIGNED = "eth_sendRawTransaction", "eth_sendTransaction"
PAYMENT = {"from": "0x" + "11" * 20, "to": "0x" + "22" * 20, "value": "0x1"}


def test_a_raw_transaction_is_named_by_its_hash_and_known_the_second_time():
    """Keccak-256 of an empty list in RLP, which each block without uncles has."""
    pool = Pool()
    assert pool.call(RAW, ["0xc0"]) == "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"
    with pytest.raises(RpcError) as caught:
        pool.call(RAW, ["0xc0"])
    assert (caught.value.code, caught.value.message) == (-32000, "already known")
    assert pool.call(RAW, ["0x01c0"]) != pool.call(RAW, ["0x02c0"])


def test_what_the_node_signs_is_another_transaction_each_time():
    pool = Pool()
    assert len({pool.call(SIGNED, [PAYMENT]) for _ in range(3)}) == 3


@pytest.mark.parametrize(
    ("method", "params"),
    [
        (RAW, []),
        (RAW, ["0x"]),
        (RAW, ["00"]),
        (RAW, ["0x00"]),
        (RAW, ["0x02"]),
        (RAW, ["0x80"]),
        (RAW, [f"0x{'c0' * (MOST_BYTES + 1)}"]),
        (RAW, ["0x00", "0x01"]),
        (SIGNED, []),
        (SIGNED, ["0x00"]),
        (SIGNED, [{"to": "0x" + "22" * 20}]),
    ],
)
def test_what_is_no_transaction_is_refused(method, params):
    with pytest.raises(RpcError) as caught:
        Pool().call(method, params)
    assert caught.value.code == -32602


def test_a_full_pool_drops_the_oldest(monkeypatch):
    monkeypatch.setattr("battlectl.lab.rpc.pool.MOST_WAITING", 2)
    pool = Pool()
    assert MOST_WAITING > 2
    first = pool.call(RAW, ["0x01c0"])
    for raw in ("0x02c0", "0x03c0"):
        pool.call(RAW, [raw])
    assert pool.call(RAW, ["0x01c0"]) == first
