"""What subscriptions and filters announce, as functions of the views that are shown one after another."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battlectl.lab.chain.chain import Chain, View, block_hash, fork_chain, transaction_hash
from battlectl.lab.chain.documents import logs_of_block
from battlectl.lab.chain.transfers import TOKENS
from battlectl.lab.provider.filters import MOST_FILTERS, Filters
from battlectl.lab.provider.node import ids_of
from battlectl.lab.provider.subscriptions import (
    MOST_CHAINS,
    NEW_HASHES,
    NEW_HEADS,
    Announcements,
    pending_topic,
    read_topic,
)
from battlectl.lab.rpc.envelope import RpcError

CHAIN = Chain(seed=1, genesis_time=1_000_000.0, block_time=1.0)
BEGIN = View(CHAIN, 100)


def drain(announcements, view):
    return list(iter(lambda: announcements.next(view), None))


MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("head"), st.integers(-6, 8)),
        st.tuples(st.just("reorg"), st.integers(1, 10)),
    ),
    max_size=12,
)


@given(MOVES)
def test_whoever_follows_the_heads_has_every_block_of_the_branch_in_the_end(moves):
    announcements, view, known = Announcements(NEW_HEADS, BEGIN), BEGIN, {100: block_hash(CHAIN, 100)}
    for salt, (kind, by) in enumerate(moves):
        if kind == "head":
            view = replace(view, head=view.head + by)
        else:
            view = View(fork_chain(view.chain, view.head - by + 1, salt), view.head)
        for header in drain(announcements, view):
            number = int(header["number"], 16)
            known = {n: hash_ for n, hash_ in known.items() if n < number} | {number: header["hash"]}
            if number - 1 in known:
                assert header["parentHash"] == known[number - 1]
    final = replace(view, head=max(view.head, max(known)) + 1)
    for header in drain(announcements, final):
        known[int(header["number"], 16)] = header["hash"]
    assert max(known) == final.head
    assert all(hash_ == block_hash(final.chain, n) for n, hash_ in known.items() if n > 100)
    assert set(known) >= set(range(101, final.head + 1))


def test_each_block_comes_once_and_nothing_comes_twice():
    announcements = Announcements(NEW_HASHES, BEGIN)
    assert drain(announcements, BEGIN) == []
    assert drain(announcements, View(CHAIN, 103)) == [block_hash(CHAIN, n) for n in (101, 102, 103)]
    assert drain(announcements, View(CHAIN, 103)) == []


def test_a_head_that_goes_back_is_silent_until_it_has_caught_up():
    announcements = Announcements(NEW_HASHES, BEGIN)
    assert drain(announcements, View(CHAIN, 90)) == []
    assert drain(announcements, View(CHAIN, 100)) == []
    assert drain(announcements, View(CHAIN, 101)) == [block_hash(CHAIN, 101)]


def test_a_stale_head_below_a_fork_is_silent_until_it_is_on_the_new_branch():
    announcements, fork = Announcements(NEW_HASHES, BEGIN), fork_chain(CHAIN, 96, 1)
    assert drain(announcements, View(fork, 94)) == []
    assert drain(announcements, View(fork, 97)) == [block_hash(fork, 96), block_hash(fork, 97)]


def test_a_reorg_takes_logs_back_from_the_newest_down_and_brings_the_new_ones():
    announcements, fork = Announcements(read_topic(["logs", {}]), BEGIN), fork_chain(CHAIN, 99, 1)
    said = drain(announcements, View(fork, 100))
    old = [*reversed(logs_of_block(CHAIN, 99) + logs_of_block(CHAIN, 100))]
    new = logs_of_block(fork, 99) + logs_of_block(fork, 100)
    assert said == [log | {"removed": True} for log in old] + new
    assert not any(log["removed"] for log in new)


def test_logs_pass_a_filter():
    announcements = Announcements(read_topic(["logs", {"address": TOKENS[1]}]), BEGIN)
    said = drain(announcements, View(CHAIN, 102))
    assert said
    assert {log["address"] for log in said} == {TOKENS[1]}


def test_another_chain_begins_at_its_head_and_the_way_back_leaves_nothing_out():
    announcements, other = Announcements(NEW_HASHES, BEGIN), replace(CHAIN, seed=2, chain_id=5)
    assert drain(announcements, View(other, 102)) == [block_hash(other, 102)]
    assert drain(announcements, View(other, 103)) == [block_hash(other, 103)]
    assert drain(announcements, View(CHAIN, 104)) == [block_hash(CHAIN, n) for n in (101, 102, 103, 104)]
    assert drain(announcements, View(other, 105)) == [block_hash(other, n) for n in (104, 105)]
    assert drain(announcements, View(CHAIN, 103)) == []
    assert drain(announcements, View(CHAIN, 105)) == [block_hash(CHAIN, 105)]


def test_a_reorg_that_happened_meanwhile_is_told_on_the_way_back_from_another_chain():
    announcements, other = Announcements(NEW_HASHES, BEGIN), replace(CHAIN, seed=2)
    fork = fork_chain(CHAIN, 99, 1)
    assert drain(announcements, View(other, 101)) == [block_hash(other, 101)]
    assert drain(announcements, View(fork, 102)) == [block_hash(fork, n) for n in range(99, 103)]


def test_a_subscription_that_meets_new_chains_all_the_time_remembers_some():
    announcements = Announcements(NEW_HASHES, BEGIN)
    for seed in range(2, 100):
        chain = replace(CHAIN, seed=seed)
        assert drain(announcements, View(chain, 100)) == [block_hash(chain, 100)]
    assert len(announcements._left) <= MOST_CHAINS + 1
    assert drain(announcements, View(replace(CHAIN, seed=98), 101)) == [
        block_hash(replace(CHAIN, seed=98), 101)
    ]


def test_pending_transactions_are_those_of_the_next_block():
    hashes = drain(Announcements(pending_topic(False), BEGIN), View(CHAIN, 101))
    assert hashes == [transaction_hash(CHAIN, 102, index) for index in range(4)]
    whole = drain(Announcements(pending_topic(True), BEGIN), View(CHAIN, 101))
    assert [transaction["hash"] for transaction in whole] == hashes


def test_a_view_that_changes_in_the_middle_of_a_step_is_followed_after_it():
    announcements, fork = Announcements(NEW_HASHES, BEGIN), fork_chain(CHAIN, 101, 1)
    assert announcements.next(View(CHAIN, 103)) == block_hash(CHAIN, 101)
    rest = drain(announcements, View(fork, 103))
    assert rest == [
        *(block_hash(CHAIN, n) for n in (102, 103)),
        *(block_hash(fork, n) for n in (101, 102, 103)),
    ]


@pytest.mark.parametrize(
    "params",
    [
        [],
        ["newBlocks"],
        [7],
        ["logs", 7],
        ["logs", {"address": "0x12"}],
        ["logs", {"topics": ["0x1"]}],
        ["newPendingTransactions", "yes"],
    ],
)
def test_what_is_no_subscription_is_32602(params):
    with pytest.raises(RpcError) as error:
        read_topic(params)
    assert error.value.code == -32602


def test_filters_tell_what_is_new_since_they_were_asked():
    filters = Filters(ids_of("x"))
    blocks = filters.call("eth_newBlockFilter", BEGIN, [])
    logs = filters.call("eth_newFilter", BEGIN, [{"fromBlock": "0x60", "toBlock": "0x61"}])
    pending = filters.call("eth_newPendingTransactionFilter", BEGIN, [])
    assert len({blocks, logs, pending}) == 3
    assert all(len(id_) == 34 for id_ in (blocks, logs, pending))
    later = View(CHAIN, 102)
    assert filters.call("eth_getFilterChanges", later, [blocks]) == [block_hash(CHAIN, n) for n in (101, 102)]
    assert filters.call("eth_getFilterChanges", later, [blocks]) == []
    assert filters.call("eth_getFilterChanges", later, [logs]) == [
        *logs_of_block(CHAIN, 101),
        *logs_of_block(CHAIN, 102),
    ]
    assert len(filters.call("eth_getFilterChanges", later, [pending])) == 8
    assert filters.call("eth_getFilterLogs", later, [logs]) == [
        *logs_of_block(CHAIN, 96),
        *logs_of_block(CHAIN, 97),
    ]
    assert filters.call("eth_uninstallFilter", later, [logs]) is True
    assert filters.call("eth_uninstallFilter", later, [logs]) is False


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("eth_getFilterChanges", ["0x1"], -32000),
        ("eth_getFilterLogs", ["0x1"], -32000),
        ("eth_getFilterChanges", [], -32602),
        ("eth_getFilterChanges", [5], -32602),
        ("eth_newFilter", ["latest"], -32602),
        ("eth_newFilter", [{}, {}], -32602),
        ("eth_newFilter", [{"address": "0x1"}], -32602),
    ],
)
def test_bad_filters_are_errors(method, params, code):
    with pytest.raises(RpcError) as error:
        Filters(ids_of("x")).call(method, BEGIN, params)
    assert error.value.code == code


def test_the_filter_that_was_not_asked_longest_makes_room():
    filters = Filters(ids_of("x"))
    ids = [filters.call("eth_newBlockFilter", BEGIN, []) for _ in range(MOST_FILTERS)]
    filters.call("eth_getFilterChanges", BEGIN, [ids[0]])
    filters.call("eth_newBlockFilter", BEGIN, [])
    assert filters.call("eth_uninstallFilter", BEGIN, [ids[0]]) is True
    assert filters.call("eth_uninstallFilter", BEGIN, [ids[1]]) is False
