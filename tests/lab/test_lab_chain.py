"""The chain links, agrees with itself from every side, and is the same for everyone who computes it."""

from hypothesis import given
from hypothesis import strategies as st

from battlectl.lab.chain import chain as c
from battlectl.lab.chain import documents as d
from battlectl.lab.chain import transfers as t
from battlectl.lab.chain.chain import Chain, View, view_at

NUMBERS = st.integers(0, 2**40)
SEEDS = st.integers(0, 2**31)
TIMES = st.floats(0, 4e9)
BLOCK_TIMES = st.floats(0.01, 60)


def chain_of(seed: int) -> Chain:
    return Chain(seed, genesis_time=1_000_000.0, block_time=1.0)


@given(SEEDS, NUMBERS)
def test_each_block_names_its_parent(seed, number):
    view = View(chain_of(seed), number + 1)
    child = d.block_document(view, number + 1, False)
    assert child["parentHash"] == d.block_document(view, number, False)["hash"]


@given(SEEDS, NUMBERS, st.booleans())
def test_two_providers_agree_on_every_byte(seed, number, full):
    one, other = View(chain_of(seed), number), View(chain_of(seed), number + 5)
    assert d.block_document(one, number, full) == d.block_document(other, number, full)


@given(SEEDS, NUMBERS)
def test_a_hash_leads_back_to_its_block_and_transactions(seed, number):
    view = View(chain_of(seed), number)
    block = d.block_document(view, number, False)
    assert c.find_block(view, block["hash"]) == number
    for index, hash_ in enumerate(block["transactions"]):
        assert c.find_transaction(view, hash_) == (number, index)


@given(SEEDS, NUMBERS)
def test_a_hash_beyond_the_head_or_of_another_chain_is_unknown(seed, number):
    view = View(chain_of(seed), number)
    assert c.find_block(view, c.block_hash(view.chain, number + 1)) is None
    assert c.find_block(view, c.block_hash(chain_of(seed + 1), number)) is None
    assert c.find_transaction(view, c.transaction_hash(chain_of(seed + 1), number, 0)) is None


@given(SEEDS)
def test_hashes_are_distinct(seed):
    chain = chain_of(seed)
    hashes = {c.block_hash(chain, n) for n in range(50)} | {
        c.transaction_hash(chain, n, i) for n in range(1, 50) for i in range(c.TRANSACTIONS_PER_BLOCK)
    }
    assert len(hashes) == 50 + 49 * c.TRANSACTIONS_PER_BLOCK


@given(TIMES, BLOCK_TIMES, TIMES, TIMES)
def test_the_head_never_goes_back_and_its_time_has_come(genesis, block_time, now, later):
    chain = Chain(1, genesis, block_time)
    first, second = sorted((now, later))
    assert view_at(chain, first).head <= view_at(chain, second).head
    if second >= genesis:
        assert c.timestamp(chain, view_at(chain, second).head) <= second + 1e-3


@given(TIMES, BLOCK_TIMES)
def test_a_lab_is_born_with_history(now, block_time):
    head = view_at(Chain(1, c.genesis_before(now, block_time), block_time), now).head
    assert abs(head - c.HISTORY_BLOCKS) <= 1


@given(st.integers(0, 300))
def test_nonces_and_balances_are_the_sum_of_the_transactions(head):
    moves = [move for number in range(head + 1) for move in t.transfers_in(number)]
    for account in t.ACCOUNTS:
        sent = [move for move in moves if move.sender == account]
        assert [move.nonce for move in sent] == list(range(t.nonce_after(head, account)))
        assert t.INITIAL_WEI - t.balance_after(head, account) == len(sent) * t.GAS_USED * t.GAS_PRICE


@given(st.integers(0, 300), st.sampled_from(t.TOKENS), st.sampled_from(t.ACCOUNTS))
def test_token_balances_are_the_sum_of_the_transfer_logs(head, token, account):
    moves = [m for number in range(head + 1) for m in t.transfers_in(number) if m.token == token]
    gained = sum(m.receiver == account for m in moves) - sum(m.sender == account for m in moves)
    held = t.tokens_after(head, token, account)
    assert held in (0, t.INITIAL_TOKENS + gained * t.AMOUNT)
    assert held or not gained


def test_a_stranger_owns_nothing():
    assert t.nonce_after(10, "0x" + "11" * 20) == 0
    assert t.balance_after(10, "0x" + "11" * 20) == 0
    assert t.tokens_after(10, t.TOKENS[0], "0x" + "11" * 20) == 0


def test_genesis_has_a_zero_parent_and_no_transactions():
    genesis = d.block_document(View(chain_of(1), 0), 0, True)
    assert genesis["parentHash"] == "0x" + "0" * 64
    assert genesis["transactions"] == []


def test_a_pending_block_has_no_hash_yet():
    pending = d.block_document(View(chain_of(1), 7), 8, False)
    assert (pending["number"], pending["hash"], pending["miner"]) == ("0x8", None, None)
