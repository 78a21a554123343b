"""The chain forks: links hold on every branch, what left the branch is not found, and all agree on both."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from battlectl.lab.chain import chain as c
from battlectl.lab.chain import documents as d
from battlectl.lab.chain.chain import Chain, View, common_height, fork_chain
from battlectl.lab.chain.transfers import transfer_at
from battlectl.lab.rpc.methods import call_method

ROOT = Chain(seed=1, genesis_time=1_000_000.0, block_time=1.0)
HEAD = 60
FORKS = st.lists(st.tuples(st.integers(1, HEAD + 5), st.integers(0, 3)), max_size=6)


def forked(forks, chain=ROOT):
    for start, salt in forks:
        chain = fork_chain(chain, start, salt)
    return chain


def hashes(chain):
    return [c.block_hash(chain, number) for number in range(HEAD + 1)]


@given(FORKS)
def test_each_block_names_its_parent_whatever_forked(forks):
    view = View(forked(forks), HEAD)
    blocks = [d.block_document(view, number, False) for number in range(HEAD + 1)]
    assert [block["parentHash"] for block in blocks[1:]] == [block["hash"] for block in blocks[:-1]]
    assert blocks[0]["hash"] == c.block_hash(ROOT, 0)


@given(FORKS, st.integers(1, HEAD), st.integers(10, 20))
def test_a_fork_replaces_what_is_above_its_start_and_nothing_else(forks, start, salt):
    before = forked(forks)
    after = fork_chain(before, start, salt)
    pairs = list(zip(hashes(before), hashes(after), strict=True))
    assert all(one == other for one, other in pairs[:start])
    assert all(one != other for one, other in pairs[start:])
    assert common_height(before, after) == common_height(after, before) == start - 1


@given(FORKS, FORKS)
def test_the_common_height_is_where_the_hashes_part(ours, theirs):
    one, other = forked(ours), forked(theirs)
    equal = [a == b for a, b in zip(hashes(one), hashes(other), strict=True)]
    common = common_height(one, other)
    assert equal == [common is None or number <= common for number in range(HEAD + 1)]


@given(FORKS, st.integers(1, HEAD), st.integers(10, 20))
def test_what_left_the_branch_is_not_found_and_what_came_is(forks, start, salt):
    before = forked(forks)
    view = View(fork_chain(before, start, salt), HEAD)
    for number in range(HEAD + 1):
        found = c.find_block(view, c.block_hash(before, number))
        assert found == (number if number < start else None)
        assert c.find_block(view, c.block_hash(view.chain, number)) == number
    assert c.find_transaction(view, c.transaction_hash(before, start, 0)) is None
    assert c.find_transaction(view, c.transaction_hash(view.chain, start, 2)) == (start, 2)


@given(FORKS)
def test_the_same_forks_give_the_same_bytes_and_one_value(forks):
    one, other = forked(forks), forked(list(forks))
    assert one == other
    assert hash(one) == hash(other)
    assert d.block_document(View(one, HEAD), HEAD, True) == d.block_document(View(other, HEAD), HEAD, True)


def test_salts_tell_branches_apart_and_a_branch_is_more_than_its_last_fork():
    by_salt = [c.block_hash(fork_chain(ROOT, 50, salt), 55) for salt in range(5)]
    assert len(set(by_salt)) == 5
    nested = fork_chain(fork_chain(ROOT, 40, 1), 50, 2)
    assert c.block_hash(nested, 55) != c.block_hash(fork_chain(ROOT, 50, 2), 55)


def test_a_deeper_fork_forgets_the_ones_above_it():
    assert fork_chain(fork_chain(ROOT, 50, 1), 40, 2) == fork_chain(ROOT, 40, 2)
    assert fork_chain(ROOT, 0, 1) == fork_chain(ROOT, 1, 1), "genesis stays"


def test_chains_of_other_seeds_or_times_share_nothing():
    for other in (replace(ROOT, seed=2), replace(ROOT, genesis_time=5.0), replace(ROOT, chain_id=1)):
        assert common_height(ROOT, other) == -1


def test_every_value_of_a_block_agrees_with_its_branch():
    chain = fork_chain(ROOT, 50, 1)
    view = View(chain, HEAD)
    block = d.block_document(view, 55, True)
    assert {entry["blockHash"] for entry in block["transactions"]} == {block["hash"]}
    receipt = d.receipt_document(chain, 55, 1)
    assert receipt["blockHash"] == receipt["logs"][0]["blockHash"] == block["hash"]
    assert receipt["transactionHash"] == block["transactions"][1]["hash"]
    logs = call_method(view, "eth_getLogs", [{"blockHash": block["hash"]}])
    assert logs == d.logs_of_block(chain, 55)
    assert d.header_document(chain, 55)["stateRoot"] != d.header_document(ROOT, 55)["stateRoot"]


def test_a_header_is_a_block_without_its_contents():
    block, header = d.block_document(View(ROOT, HEAD), 7, False), d.header_document(ROOT, 7)
    assert set(block) - set(header) == {"transactions", "uncles", "size", "totalDifficulty"}
    assert header.items() <= block.items()


def test_a_pending_transaction_is_in_no_block():
    pending = d.pending_document(ROOT, transfer_at(8, 1))
    assert [pending[key] for key in ("blockHash", "blockNumber", "transactionIndex")] == [None] * 3
    assert pending["hash"] == c.transaction_hash(ROOT, 8, 1)
