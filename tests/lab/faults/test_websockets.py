"""Faults of WebSockets and their events, hook by hook."""

from __future__ import annotations

import pytest
import trio

from battlectl.lab.faults.event_count import MOST_SUBSCRIPTIONS
from tests.lab.faults.scripted import ScriptedPlace, call, fault_of, message


def passed(effect, count, subscription="s", connection=1):
    """The numbers that come out when 1 to `count` go in."""
    return [
        event["n"]
        for number in range(1, count + 1)
        for event in effect.events(connection, subscription, {"n": number})
    ]


@pytest.mark.parametrize("code", [1001, 1011, None])
async def test_ws_close_ends_what_is_open_and_nothing_later(code):
    place, fault = ScriptedPlace(), fault_of("ws_close", code=code)
    await fault.effect.start(place)
    assert place.closed == [(code, 1), (code, 2), (code, 3)]
    assert fault.hits == 3


async def test_ws_close_gives_new_websockets_their_time(autojump_clock):
    place, fault = ScriptedPlace(), fault_of("ws_close", connections="new", after_ms=2000)
    await fault.effect.start(place)
    assert place.closed == []
    assert fault.effect.handshake(5) is None
    begin = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(place.tasks[0])
        await trio.sleep(2.1)  # the handshake takes longer than that
        place.open_connections = 6
    assert place.closed == [(1001, 5)]
    assert 2 <= trio.current_time() - begin < 2.2


async def test_ws_close_healed_before_their_time_lets_them_live(autojump_clock):
    place, fault = ScriptedPlace(), fault_of("ws_close", connections="new", after_ms=2000)
    await fault.effect.start(place)
    place.open_connections = 9
    fault.effect.handshake(5)
    fault.effect.healed.set()
    await place.tasks[0]()
    assert place.closed == []


def test_ws_refuse_answers_the_handshake():
    assert fault_of("ws_refuse", status=403).effect.handshake(1).status == 403


def test_ws_stall_sends_no_events():
    assert passed(fault_of("ws_stall").effect, 5) == []


async def test_ws_half_open_is_deaf_and_cut_when_healed():
    place, fault = ScriptedPlace(), fault_of("ws_half_open", born_after=2, connections="existing")
    assert fault.effect.is_deaf(1)
    assert passed(fault.effect, 3) == []
    await fault.effect.stop(place)
    assert place.closed == [(None, 1), (None, 2)]


def test_ws_duplicate_sends_each_so_often():
    assert passed(fault_of("ws_duplicate", times=3).effect, 2) == [1, 1, 1, 2, 2, 2]


def test_ws_skip_drops_every_nth_of_each_subscription():
    effect = fault_of("ws_skip", every=3).effect
    assert passed(effect, 7) == [1, 2, 4, 5, 7]
    assert passed(effect, 4, "other") == [1, 2, 4]
    assert passed(effect, 4, connection=2) == [1, 2, 4]
    assert passed(fault_of("ws_skip", every=1).effect, 4) == []


@pytest.mark.parametrize(
    ("every", "count", "expected"),
    [(2, 6, [2, 1, 4, 3, 6, 5]), (3, 6, [2, 1, 3, 5, 4, 6]), (2, 5, [2, 1, 4, 3])],
)
def test_ws_reorder_swaps_neighbours(every, count, expected):
    effect = fault_of("ws_reorder", every=every).effect
    assert passed(effect, count) == expected
    assert passed(effect, count, "other") == expected


async def test_ws_reorder_loses_nothing_when_healed():
    place, fault = ScriptedPlace(), fault_of("ws_reorder")
    passed(fault.effect, 5)
    passed(fault.effect, 1, "other", connection=2)
    await fault.effect.stop(place)
    assert place.notified == [(1, "s", {"n": 5}), (2, "other", {"n": 1})]


@pytest.mark.parametrize("kind", ["ws_reorder", "ws_skip"])
async def test_subscriptions_that_are_gone_do_not_fill_memory(kind):
    place, fault = ScriptedPlace(), fault_of(kind)
    for number in range(MOST_SUBSCRIPTIONS + 500):
        fault.effect.events(number, "s", {"n": number})
    assert len(fault.effect._count.counts) == MOST_SUBSCRIPTIONS
    await fault.effect.stop(place)
    assert len(place.notified) <= MOST_SUBSCRIPTIONS


def test_sub_lost_refuses_subscriptions_and_keeps_old_ones_if_asked():
    asked = call("eth_subscribe", "newHeads", id_=9)
    reply = fault_of("sub_lost", code=-32001, message="no").effect.answer(message(asked), asked)
    assert reply == {"jsonrpc": "2.0", "id": 9, "error": {"code": -32001, "message": "no"}}
    assert passed(fault_of("sub_lost").effect, 2) == [1, 2]
    assert passed(fault_of("sub_lost", keep=False).effect, 2) == []
