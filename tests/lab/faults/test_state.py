"""Faults of the chain's state: what a simulated node shows, and what is left of a real one's answers."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from battlectl.lab.chain.chain import Chain, View, block_hash, find_block
from battlectl.lab.faults.tip import POSITIONS, as_number, block_of, names_tip, with_tip, within_tip
from battlectl.lab.rpc.methods import call_method
from tests.lab.faults.scripted import ScriptedPlace, call, fault_of, message

HASH = "0x" + "ab" * 32
AT_TIP = {"blockNumber": "0x64"}
CHAIN = Chain(seed=1, genesis_time=0.0, block_time=1.0)
ADDRESS = "0xacc0000000000000000000000000000000000000"


def reply(result):
    return {"jsonrpc": "2.0", "id": 1, "result": result}


async def in_force(kind, head=100, is_simulated=True, **attributes):
    place = ScriptedPlace(is_simulated=is_simulated, head_number=head)
    effect = fault_of(kind, **attributes).effect
    await effect.start(place)
    return place, effect


def head_seen(effect, head):
    return effect.view(View(CHAIN, head)).head


# Calls and replies of a real node


@pytest.mark.parametrize(
    ("asked", "passed"),
    [
        (call("eth_getBlockByNumber", "latest", False), ["0x64", False]),
        (call("eth_getBlockByNumber", "pending", True), ["0x64", True]),
        (call("eth_getBlockByNumber", "safe", False), ["0x44", False]),
        (call("eth_getBlockByNumber", "finalized", False), ["0x24", False]),
        (call("eth_getBlockByNumber", "earliest", False), ["earliest", False]),
        (call("eth_getBlockByNumber", "0x7", False), ["0x7", False]),
        (call("eth_getBalance", ADDRESS), [ADDRESS, "0x64"]),
        (call("eth_getBalance", ADDRESS, "latest"), [ADDRESS, "0x64"]),
        (call("eth_getBalance", ADDRESS, None), [ADDRESS, "0x64"]),
        (call("eth_getStorageAt", ADDRESS, "0x0"), [ADDRESS, "0x0", "0x64"]),
        (call("eth_call", {}, {"blockNumber": "latest"}), [{}, {"blockNumber": "0x64"}]),
        (call("eth_call", {}, {"blockHash": "0xab"}), [{}, {"blockHash": "0xab"}]),
        (call("eth_feeHistory", 4, "latest", []), [4, "0x64", []]),
        (call("eth_getLogs", {}), [{"fromBlock": "0x64", "toBlock": "0x64"}]),
        (
            call("eth_getLogs", {"fromBlock": "0x1", "address": ADDRESS}),
            [{"fromBlock": "0x1", "toBlock": "0x64", "address": ADDRESS}],
        ),
        (call("eth_getLogs", {"blockHash": "0xab"}), [{"blockHash": "0xab"}]),
        (call("eth_newFilter", {"toBlock": "latest"}), [{"fromBlock": "0x64", "toBlock": "0x64"}]),
        (call("eth_chainId"), []),
        (call("eth_getBalance"), []),
        (call("eth_getBlockByNumber"), []),
    ],
)  # fmt: skip
def test_tags_become_the_number_of_the_tip(asked, passed):
    assert with_tip(asked, 100).params == passed
    assert names_tip(asked) == (asked.params != passed)


def test_a_call_whose_params_are_no_list_is_the_nodes_to_refuse():
    odd = call("eth_getBalance")
    for params in (None, {"address": ADDRESS}):
        asked = type(odd)(1, True, "eth_getBalance", params)
        assert with_tip(asked, 5) == asked


@pytest.mark.parametrize(
    ("asked", "given", "expected"),
    [
        (call(), "0x70", "0x64"),
        (call(), "0x60", "0x60"),
        (call("eth_getBlockByNumber", "0x64", False), {"number": "0x64"}, {"number": "0x64"}),
        (call("eth_getBlockByNumber", "0x65", False), {"number": "0x65"}, None),
        (call("eth_getBlockByHash", "0xab", False), {"number": "0x65"}, None),
        (call("eth_getBlockTransactionCountByNumber", "0x65"), "0x4", None),
        (call("eth_getBlockReceipts", "0x64"), [AT_TIP], [AT_TIP]),
        (call("eth_getBlockReceipts", HASH), [AT_TIP], [AT_TIP]),
        (call("eth_getBlockReceipts", HASH), [{"blockNumber": "0x65"}], None),
        (call("eth_getTransactionReceipt", "0xab"), {"blockNumber": "0x65"}, None),
        (call("eth_getTransactionByHash", "0xab"), {"blockNumber": None}, {"blockNumber": None}),
        (call("eth_getLogs", {}), [{"blockNumber": "0x64"}, {"blockNumber": "0x65"}], [AT_TIP]),
        (call("eth_getFilterChanges", "0x1"), ["0xhash"], ["0xhash"]),
        (call("eth_getBalance", ADDRESS, "0x64"), "0x9", "0x9"),
        (call("eth_syncing"), False, False),
    ],
)  # fmt: skip
def test_what_is_above_the_tip_is_not_there(asked, given, expected):
    assert within_tip(asked, reply(given), 100) == reply(expected)


@pytest.mark.parametrize("block", ["0x65", {"blockNumber": "0x65"}])
def test_state_above_the_tip_is_an_error_as_nodes_give_it(block):
    answer = within_tip(call("eth_getBalance", ADDRESS, block), reply("0x9"), 100)
    assert answer["error"] == {"code": -32000, "message": "header not found"}


def test_errors_pass():
    error = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": "no"}}
    assert within_tip(call("eth_getBlockByNumber", "0x65"), error, 100) == error


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=6)
    | st.sampled_from(["latest", "0x5", "0x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["blockNumber", "number", "fromBlock", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.sampled_from([*POSITIONS, "eth_getLogs", "eth_blockNumber"]), st.lists(JSON, max_size=4), JSON)
def test_whatever_clients_and_nodes_say_is_taken(method, params, result):
    asked = call(method, *params)
    resolved = with_tip(asked, 100)
    assert with_tip(resolved, 100) == resolved
    within_tip(asked, reply(result), 100)
    assert block_of(result) is None or block_of(result) == as_number(
        result.get("blockNumber", result.get("number"))
    )


# The head


async def test_stale_head_stands_still():
    _, effect = await in_force("stale_head")
    assert [head_seen(effect, head) for head in (99, 100, 101, 500)] == [99, 100, 100, 100]


async def test_lag_keeps_its_distance():
    _, effect = await in_force("lag", blocks=7)
    assert [head_seen(effect, head) for head in (3, 100, 101)] == [0, 93, 94]


async def test_head_regress_falls_and_comes_back(autojump_clock):
    _, effect = await in_force("head_regress", blocks=4, for_ms=2000)
    assert (head_seen(effect, 100), head_seen(effect, 101)) == (96, 97)
    await trio.sleep(2)
    assert head_seen(effect, 102) == 102
    _, lasting = await in_force("head_regress", blocks=4)
    await trio.sleep(3600)
    assert head_seen(lasting, 3700) == 3696


async def test_head_jump_shows_the_blocks_to_come(autojump_clock):
    _, effect = await in_force("head_jump", blocks=4, for_ms=2000)
    view = effect.view(View(CHAIN, 100))
    assert view == View(CHAIN, 104)
    assert call_method(view, "eth_getBlockByNumber", ["latest"])["hash"] == block_hash(CHAIN, 104)
    await trio.sleep(2)
    assert head_seen(effect, 102) == 102


@pytest.mark.parametrize("kind", ["stale_head", "lag", "head_regress", "inconsistent_views"])
async def test_a_simulated_node_is_asked_what_the_client_asked(kind):
    _, effect = await in_force(kind)
    asked = call("eth_getBlockByNumber", "latest", False)
    assert await effect.ask(message(asked), asked) is asked
    given = reply({"number": "0x65"})
    assert effect.reply(message(asked), asked, given) is given


async def test_a_relay_with_a_stale_head_answers_from_its_last_block():
    place, effect = await in_force("stale_head", is_simulated=False)
    place.head_number = 120
    asked = call("eth_getBlockByNumber", "latest", False)
    assert (await effect.ask(message(asked), asked)).params == ["0x64", False]
    assert effect.reply(message(call()), call(), reply("0x78")) == reply("0x64")
    assert effect.reply(message(asked), asked, reply({"number": "0x64"})) == reply({"number": "0x64"})
    newer = call("eth_getBlockByNumber", "0x70", False)
    assert effect.reply(message(newer), newer, reply({"number": "0x70"})) == reply(None)


async def test_a_relay_that_lags_follows_at_its_distance():
    place, effect = await in_force("lag", is_simulated=False, blocks=5)
    assert effect.reply(message(call()), call(), reply("0x64")) == reply("0x5f")
    place.head_number = 110
    asked = call("eth_getBalance", ADDRESS)
    assert (await effect.ask(message(asked), asked)).params == [ADDRESS, hex(105)]


def heads(effect, numbers, subscription="s"):
    events = ({"number": hex(number), "parentHash": "0x"} for number in numbers)
    return [as_number(e["number"]) for event in events for e in effect.events(1, subscription, event)]


async def test_a_relay_with_a_stale_head_drops_newer_events():
    place, effect = await in_force("stale_head", is_simulated=False)
    assert heads(effect, [99, 100, 101, 102]) == [99, 100]
    await effect.stop(place)
    assert place.notified == []


async def test_a_relay_that_lags_tells_events_late_and_the_rest_when_healed():
    place, effect = await in_force("lag", is_simulated=False, blocks=2)
    assert heads(effect, [101, 102, 103, 104]) == [101, 102]
    assert heads(effect, [104], "other") == []
    await effect.stop(place)
    assert [(name, as_number(event["number"])) for _, name, event in place.notified] == [
        ("s", 103),
        ("s", 104),
        ("other", 104),
    ]


async def test_events_that_belong_to_no_block_are_not_kept():
    _, effect = await in_force("lag", is_simulated=False)
    assert effect.events(1, "s", "0xtransaction") == ["0xtransaction"]
    log = {"blockNumber": "0x65", "topics": []}
    assert effect.events(1, "logs", log) == []


# Other chains


async def test_reorg_replaces_the_newest_blocks_and_grows_on():
    _, effect = await in_force("reorg", depth=3)
    other = effect.view(View(CHAIN, 105))
    assert other.head == 105
    changed = [n for n in range(106) if block_hash(other.chain, n) != block_hash(CHAIN, n)]
    assert changed == list(range(98, 106))
    assert find_block(other, block_hash(CHAIN, 98)) is None


async def test_providers_with_the_same_start_and_salt_share_a_branch():
    chains = []
    for head, salt in ((100, 5), (103, 5), (100, 6)):
        _, effect = await in_force("reorg", head=head, start=99, salt=salt)
        chains.append(effect.view(View(CHAIN, 105)).chain)
    hashes = [block_hash(chain, 99) for chain in chains]
    assert hashes[0] == hashes[1] != hashes[2]


async def test_a_reorg_deeper_than_the_chain_leaves_genesis():
    _, effect = await in_force("reorg", head=2, depth=10)
    other = effect.view(View(CHAIN, 2)).chain
    assert block_hash(other, 0) == block_hash(CHAIN, 0)
    assert block_hash(other, 1) != block_hash(CHAIN, 1)


def test_wrong_chain_differs_from_genesis_on():
    other = fault_of("wrong_chain").effect.view(View(CHAIN, 100))
    assert (other.head, other.chain.chain_id) == (100, 1)
    assert block_hash(other.chain, 0) != block_hash(CHAIN, 0)
    hidden = fault_of("wrong_chain", chain_id=None, seed=4).effect.view(View(CHAIN, 100)).chain
    assert hidden.chain_id == CHAIN.chain_id
    assert len({block_hash(chain, 0) for chain in (CHAIN, other.chain, hidden)}) == 3


# What is missing


def log(number):
    return {"blockNumber": hex(number), "topics": [], "data": "0x"}


def logs_left(effect, method="eth_getLogs", count=200):
    asked = call(method, {})
    left = effect.reply(message(asked), asked, reply([log(number) for number in range(count)]))
    return [as_number(item["blockNumber"]) for item in left["result"]]


def test_missing_logs_are_missing_everywhere_and_for_every_provider_with_that_seed():
    one, again, other = (fault_of("missing_logs", share=0.5, seed=seed).effect for seed in (1, 1, 2))
    left = logs_left(one)
    assert 60 < len(left) < 140
    assert left == logs_left(again) == logs_left(one, "eth_getFilterChanges") != logs_left(other)
    events = [as_number(e["blockNumber"]) for n in range(200) for e in one.events(1, "s", log(n))]
    assert events == left
    assert logs_left(fault_of("missing_logs").effect) == []


def test_missing_logs_leave_heads_and_receipts_alone_unless_told():
    head = {"number": "0x5", "parentHash": "0x"}
    effect = fault_of("missing_logs").effect
    assert effect.events(1, "s", head) == [head]
    asked = call("eth_getTransactionReceipt", "0xab")
    receipt = {"blockNumber": "0x5", "logs": [log(5)]}
    assert effect.reply(message(asked), asked, reply(receipt)) == reply(receipt)
    stripped = fault_of("missing_logs", receipts=True).effect
    assert stripped.reply(message(asked), asked, reply(receipt)) == reply({**receipt, "logs": []})
    assert stripped.reply(message(asked), asked, reply(None)) == reply(None)
    every = call("eth_getBlockReceipts", "0x5")
    assert stripped.reply(message(every), every, reply([receipt])) == reply([{**receipt, "logs": []}])


async def near_tip(effect, asked, result):
    asked_of_node = await effect.ask(message(asked), asked)
    assert asked_of_node is asked
    return effect.reply(message(asked), asked, reply(result))["result"]


@pytest.mark.parametrize("is_simulated", [True, False])
async def test_null_near_tip_hides_what_is_asked_for_by_number_or_hash(is_simulated):
    place, effect = await in_force("null_near_tip", is_simulated=is_simulated, blocks=2)
    by_number = call("eth_getBlockByNumber", "0x63", False)
    assert await near_tip(effect, by_number, {"number": "0x63"}) is None
    assert await near_tip(effect, call("eth_getBlockByHash", "0xab"), {"number": "0x63"}) is None
    assert await near_tip(effect, call("eth_getBlockByHash", "0xab"), {"number": "0x62"}) is not None
    assert await near_tip(effect, call("eth_getLogs", {}), [log(98), log(99)]) == [log(98)]
    latest = call("eth_getBlockByNumber", "latest", False)
    assert await near_tip(effect, latest, {"number": "0x64"}) == {"number": "0x64"}
    place.head_number = 101
    assert await near_tip(effect, by_number, {"number": "0x63"}) == {"number": "0x63"}


async def test_inconsistent_views_of_a_simulated_node():
    _, effect = await in_force("inconsistent_views", blocks=3)
    assert {head_seen(effect, 100) for _ in range(200)} == {97, 98, 99, 100}
    assert head_seen(effect, 1) in {0, 1}


async def test_inconsistent_views_of_a_relay_stay_the_same_within_a_message():
    _, effect = await in_force("inconsistent_views", is_simulated=False, blocks=3)
    met = set()
    for _ in range(200):
        asked, number = call("eth_getBlockByNumber", "latest", False), call(id_=2)
        together = message(asked, number)
        passed = as_number((await effect.ask(together, asked)).params[0])
        assert effect.reply(together, asked, reply({"number": hex(passed)}))["result"] is not None
        assert effect.reply(together, number, reply("0x64")) == reply(hex(passed))
        met.add(passed)
    assert met == {97, 98, 99, 100}


async def test_inconsistent_views_remember_only_the_newest_messages(monkeypatch):
    monkeypatch.setattr("battlectl.lab.faults.inconsistent_views.MOST_AT_ONCE", 10)
    _, effect = await in_force("inconsistent_views", is_simulated=False)
    for _ in range(100):
        effect.reply(message(call()), call(), reply("0x64"))
    assert len(effect._drawn) == 10


async def test_inconsistent_views_can_lack_logs():
    _, effect = await in_force("inconsistent_views", blocks=0, logs_missing=0.5)
    asked = call("eth_getLogs", {})
    answers = [effect.reply(message(asked), asked, reply([log(5)]))["result"] for _ in range(200)]
    assert 60 < answers.count([]) < 140
