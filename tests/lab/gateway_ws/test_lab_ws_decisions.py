"""The pure parts around the walk: when a provider is replaced, which logs are shown, what is asked for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battlectl.lab.gateway.ws.block import Block, Place
from battlectl.lab.gateway.ws.feed import anchors
from battlectl.lab.gateway.ws.horizon import LEAD, Horizon
from battlectl.lab.gateway.ws.log_trail import LogTrail, united
from battlectl.lab.gateway.ws.outbox import notification
from battlectl.lab.gateway.ws.subscribing import Heads, Logs, read_subscribe, read_unsubscribe
from battlectl.lab.gateway.ws.vigil import UNKNOWN_BLOCK_TIME, BlockTime, Patience, Vigil, patience_for
from battlectl.lab.gateway.ws.walk import Lost
from battlectl.lab.rpc.envelope import RpcError
from battlectl.lab.rpc.log_filter import LogFilter

PATIENCE = Patience(look=1.0, stall=3.0)


def block(number: int, moment: int | None = None, name: str = "") -> Block:
    header: dict[str, Any] = {} if moment is None else {"timestamp": hex(moment)}
    return Block(number, name or f"h{number}", f"h{number - 1}", header)


def test_a_provider_that_sends_what_there_is_is_kept():
    vigil = Vigil(heard=0.0, head=10)
    for now in range(1, 100):
        vigil.hears(10 + now, float(now))
        assert vigil.sees(10 + now, now + 0.5, PATIENCE) is None


def test_silence_on_a_chain_on_which_nothing_happens_is_nobodys_fault():
    vigil = Vigil(heard=0.0, head=10)
    assert [vigil.sees(10, now, PATIENCE) for now in (1.0, 100.0, 10_000.0)] == [None] * 3


def test_silence_while_others_go_on_is_a_stall():
    vigil = Vigil(heard=0.0, head=10)
    assert [vigil.sees(11, now, PATIENCE) for now in (1.0, 3.0, 3.1)] == [None, None, "stalled"]


def test_the_same_head_again_is_no_sign_of_life():
    vigil = Vigil(heard=0.0, head=10)
    vigil.hears(11, 1.0)
    vigil.hears(11, 3.9)
    assert vigil.sees(12, 4.1, PATIENCE) == "stalled"


def test_a_lag_must_be_seen_twice():
    vigil = Vigil(heard=0.0, head=10)
    vigil.hears(11, 1.0)
    assert vigil.sees(13, 1.1, PATIENCE) is None, "two behind is within the limit"
    assert vigil.sees(14, 1.2, PATIENCE) is None
    vigil.hears(14, 1.3)
    assert vigil.sees(14, 1.4, PATIENCE) is None
    assert vigil.sees(17, 1.5, PATIENCE) is None
    assert vigil.sees(18, 1.6, PATIENCE) == "lagging"


def test_nobody_is_judged_without_anything_to_compare_with():
    assert Vigil(heard=0.0, head=10).sees(None, 1_000.0, PATIENCE) is None


def test_the_pace_is_that_of_the_chains_own_timestamps():
    pace = BlockTime()
    assert pace.seconds == UNKNOWN_BLOCK_TIME
    for number in range(5):
        pace.saw(block(number, 100 + 2 * number))
    assert pace.seconds == 2.0


def test_a_reorg_replaces_what_the_pace_knew():
    pace = BlockTime()
    for number, moment in ((1, 10), (2, 12), (3, 90), (3, 14), (4, 16)):
        pace.saw(block(number, moment))
    assert pace.seconds == 2.0


def test_blocks_without_a_timestamp_tell_no_pace():
    pace = BlockTime()
    pace.saw(block(1))
    pace.saw(block(2))
    assert pace.seconds == UNKNOWN_BLOCK_TIME


@given(st.floats(0, 1e6), st.none() | st.floats(0.1, 1e6))
def test_patience_is_bounded(block_time, stall_after):
    patience = patience_for(block_time, stall_after)
    assert 0 < patience.look <= 5.0
    assert patience.look <= patience.stall
    assert patience.stall == (stall_after if stall_after is not None else min(60.0, max(1.0, 3 * block_time)))


def test_the_anchor_is_what_most_have_reached():
    heads = [block(9, name="ahead"), block(5, name="one"), block(5, name="two")]
    assert [each.number for each in anchors(heads)] == [5, 5, 9]
    assert anchors([]) == []


def log(place: Place, index: int) -> dict[str, Any]:
    return {"blockHash": place.hash, "logIndex": hex(index), "removed": False}


A, B, C = (Place(number, f"h{number}") for number in range(3))


def test_the_logs_of_a_block_are_shown_in_the_order_of_their_index():
    assert LogTrail().show(A, [[log(A, 2), log(A, 0), log(A, 11)]]) == [log(A, 0), log(A, 2), log(A, 11)]


def test_what_one_provider_leaves_out_another_has():
    assert united(A, [[log(A, 1)], [log(A, 0), log(A, 1)]]) == [log(A, 0), log(A, 1)]


@pytest.mark.parametrize("odd", [None, 7, {}, log(B, 0), {"blockHash": "h0"}, log(A, 0) | {"logIndex": "x"}])
def test_what_is_no_log_of_the_block_is_left_out(odd):
    assert united(A, [[odd, log(A, 1)]]) == [log(A, 1)]


def test_logs_of_dropped_blocks_are_taken_back_last_first_and_once():
    trail = LogTrail()
    trail.show(A, [[log(A, 0)]])
    trail.show(B, [[log(B, 0), log(B, 1)]])
    back = trail.take_back([C, B, A])
    assert back == [each | {"removed": True} for each in (log(B, 1), log(B, 0), log(A, 0))]
    assert trail.take_back([C, B, A]) == []


def test_a_reorg_below_the_logs_that_are_remembered_is_lost():
    trail = LogTrail(most_logs=3)
    for place in (A, B, C):
        trail.show(place, [[log(place, 0), log(place, 1)]])
    assert len(trail.take_back([C])) == 2
    with pytest.raises(Lost, match="below block 1"):
        trail.take_back([B])


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), max_size=40))
def test_what_is_shown_and_not_taken_back_is_what_the_branch_has(steps):
    """Blocks come and go; a client that applies the trail holds exactly the logs of the branch."""
    trail, held = LogTrail(), []
    branch: list[tuple[Place, int]] = []
    for serial, (depth, count) in enumerate(steps):
        dropped = branch[max(0, len(branch) - depth) :]
        branch = branch[: len(branch) - len(dropped)]
        for back in trail.take_back(place for place, _ in reversed(dropped)):
            assert held.pop() == back | {"removed": False}
        place = Place(len(branch), f"s{serial}")
        branch.append((place, count))
        held += trail.show(place, [[log(place, index) for index in range(count)]])
    assert held == [log(place, index) for place, count in branch for index in range(count)]


ADDRESS = "0x" + "aB" * 20
TOPIC = "0x" + "cd" * 32


def test_heads_and_logs_can_be_asked_for():
    assert read_subscribe(["newHeads"]) == Heads()
    assert read_subscribe(["logs"]) == Logs(LogFilter(None, ()), {})
    found = read_subscribe(["logs", {"address": ADDRESS, "topics": [None, [TOPIC]], "fromBlock": "0x1"}])
    assert found == Logs(
        LogFilter(frozenset({ADDRESS.lower()}), (None, frozenset({TOPIC}))),
        {"address": ADDRESS, "topics": [None, [TOPIC]]},
    )


@pytest.mark.parametrize(
    "params",
    [None, {}, [], ["newHeads", 1], ["logs", 1], ["logs", {}, 1], [["newHeads"]], ["logs", {"address": 1}]],
)
def test_nothing_else_can(params):
    with pytest.raises(RpcError) as refused:
        read_subscribe(params)
    assert refused.value.code == -32602


@pytest.mark.parametrize("params", [None, {}, [], [1], ["a", "b"]])
def test_an_unsubscription_names_one_id(params):
    with pytest.raises(RpcError) as refused:
        read_unsubscribe(params)
    assert refused.value.code == -32602
    assert read_unsubscribe(["a"]) == "a"


def test_a_notification_is_framed_around_the_event_as_it_is():
    assert notification(b'{"number":"0x1"}', "00ff") == (
        b'{"jsonrpc":"2.0","method":"eth_subscription",'
        b'"params":{"result":{"number":"0x1"},"subscription":"00ff"}}'
    )


UNIX = 1_000_000.0


def is_beyond(horizon: Horizon, number: int, now: float = 0.0, moment: int | None = 2_000_000) -> bool:
    """Of a block that says it is of the far future, unless told otherwise."""
    return horizon.is_beyond(block(number, moment), now, UNIX, block_time=1.0, stall=3.0)


def test_nothing_is_beyond_the_horizon_before_anything_was_seen():
    assert not is_beyond(Horizon(), 10**9)


def test_one_provider_alone_does_not_move_the_horizon():
    horizon = Horizon()
    horizon.saw({"a": 10_000, "b": 100, "c": 101}, now=0.0)
    assert not is_beyond(horizon, 101 + LEAD)
    assert is_beyond(horizon, 102 + LEAD)
    assert is_beyond(horizon, 102 + LEAD, moment=None), "without a timestamp the number decides"
    assert not is_beyond(horizon, 102 + LEAD, now=1.0)


def test_who_is_merely_not_as_late_as_the_others_is_believed():
    horizon = Horizon()
    horizon.saw({"a": 10_000, "b": 100, "c": 101}, now=0.0)
    assert not is_beyond(horizon, 10_000, moment=int(UNIX))
    assert is_beyond(horizon, 10_000, moment=int(UNIX) + 2)


def test_a_provider_that_stands_still_does_not_hold_the_horizon_back():
    horizon = Horizon()
    for now in range(10):
        horizon.saw({"a": 100 + 50 * now, "b": 100}, now=float(now))
    assert horizon.moving(9.0, stall=3.0) == {"a"}
    assert not is_beyond(horizon, 550, now=9.0)
    assert is_beyond(horizon, 551 + LEAD, now=9.0)


def test_when_nobody_moves_all_have_a_say():
    horizon = Horizon()
    horizon.saw({"a": 5, "b": 5}, now=0.0)
    assert horizon.moving(100.0, stall=3.0) == {"a", "b"}


def test_who_does_not_answer_has_no_say_and_silence_of_all_changes_nothing():
    horizon = Horizon()
    horizon.saw({"a": 5, "b": 900}, now=0.0)
    horizon.saw({"b": 901}, now=1.0)
    horizon.saw({}, now=2.0)
    assert horizon.moving(2.0, stall=3.0) == {"b"}
