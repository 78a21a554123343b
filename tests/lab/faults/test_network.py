"""Faults of the network, hook by hook."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from battlectl.lab.faults.effect import Delivery
from tests.lab.faults.scripted import ScriptedPlace, call, fault_of, message

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


async def start(fault, place):
    await fault.effect.start(place)
    return fault.effect


async def heal(fault, place):
    fault.effect.healed.set()
    await fault.effect.stop(place)


@pytest.mark.parametrize(
    ("attributes", "listens", "reset"),
    [
        ({}, False, [1, 2, 3]),
        ({"connections": "new"}, False, []),
        ({"connections": "existing"}, True, [1, 2, 3]),
        ({"mode": "reset"}, True, [1, 2, 3]),
        ({"mode": "reset", "connections": "new"}, True, []),
    ],
)
async def test_kill_closes_the_port_and_resets_what_is_meant(attributes, listens, reset):
    place, fault = ScriptedPlace(), fault_of("kill", **attributes)
    effect = await start(fault, place)
    assert (effect.listens, effect.accepted(4), place.reset, fault.hits) == (
        listens,
        False,
        reset,
        len(reset),
    )
    await heal(fault, place)
    assert place.refreshed == 2


async def test_flap_goes_down_and_up_in_time_and_stops_after_so_many(autojump_clock):
    place, fault = ScriptedPlace(), fault_of("flap", down_ms=1000, up_ms=2000, times=2)
    effect = await start(fault, place)
    seen = [effect.listens]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(place.tasks[0])
        for _ in range(7):
            await trio.sleep(0.9)  # 0.9, 1.8, 2.7, 3.6, 4.5, 5.4, 6.3 of: down 0-1 and 3-4
            seen.append(effect.listens)
    assert seen == [False, False, True, True, False, True, True, True]
    assert place.reset == [1, 2, 3] * 2


async def test_flap_healed_while_down_is_up(autojump_clock):
    place, fault = ScriptedPlace(), fault_of("flap", down_ms=1000, up_ms=1000)
    effect = await start(fault, place)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(place.tasks[0])
        await trio.sleep(2.5)
        assert not effect.listens
        await heal(fault, place)
    assert effect.listens


async def test_flap_that_counts_keeps_its_port_and_takes_nobody_while_down(autojump_clock):
    place, fault = ScriptedPlace(), fault_of("flap", down_ms=1000, up_ms=2000, mode="reset")
    effect = await start(fault, place)
    seen = [(effect.listens, effect.accepted(7))]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(place.tasks[0])
        for _ in range(3):
            await trio.sleep(1.2)  # 1.2, 2.4, 3.6 of: down 0-1 and 3-4
            seen.append((effect.listens, effect.accepted(7)))
        await heal(fault, place)
    assert seen == [(True, False), (True, True), (True, True), (True, False)]
    assert (effect.listens, effect.accepted(7), place.reset) == (True, True, [1, 2, 3] * 2)


async def test_restart_comes_back_once_as_a_new_process(autojump_clock):
    place, fault = ScriptedPlace(), fault_of("restart", down_ms=500)
    effect = await start(fault, place)
    assert (effect.listens, place.restarts, place.reset) == (False, 0, [1, 2, 3])
    begin = trio.current_time()
    await place.tasks[0]()
    assert trio.current_time() - begin == 0.5
    assert (effect.listens, place.restarts) == (True, 1)
    await heal(fault, place)
    assert place.restarts == 1


async def test_restart_healed_while_down_comes_back_then():
    place, fault = ScriptedPlace(), fault_of("restart", down_ms=60_000)
    effect = await start(fault, place)
    await heal(fault, place)
    await place.tasks[0]()
    assert (effect.listens, place.restarts) == (True, 1)


@pytest.mark.parametrize(
    ("after", "already", "cut", "ending"),
    [
        (0, None, 0, "reset"),
        (10, None, 10, "reset"),
        (len(ANSWER), None, None, "keep"),
        (1_000, None, None, "keep"),
        (None, None, None, "keep"),
        (10, 5, 5, "keep"),
        (5, 10, 5, "reset"),
    ],
)
def test_reset_cuts_an_answer_unless_it_is_over_before(after, already, cut, ending):
    effect = fault_of("reset", after_bytes=after, idle_ms=1500).effect
    delivery = effect.delivery(message(call()), Delivery(ANSWER, cut_after=already))
    assert (delivery.cut_after, delivery.ending, delivery.data) == (cut, ending, ANSWER)
    assert effect.idle_seconds(1) == 1.5


def test_reset_lets_idle_connections_live_unless_told():
    assert fault_of("reset").effect.idle_seconds(1) is None


@pytest.mark.parametrize("kind", ["hang", "partition"])
async def test_what_hangs_is_released_by_healing(kind, autojump_clock):
    effect = fault_of(kind).effect
    with trio.move_on_after(3600) as patience:
        await effect.hold(message(call()))
    assert patience.cancelled_caught
    effect.healed.set()
    await effect.hold(message(call()))


async def test_partition_takes_nothing_and_cuts_silent_websockets_when_healed():
    place, fault = ScriptedPlace(), fault_of("partition")
    effect = await start(fault, place)
    assert (effect.listens, effect.accepts, effect.is_deaf(1), effect.events(1, "s", {})) == (
        True,
        False,
        True,
        [],
    )
    assert place.reset == place.closed == []
    await heal(fault, place)
    assert place.closed == [(None, 1), (None, 2), (None, 3)]


@pytest.mark.parametrize(
    ("latency", "jitter", "low", "high"), [(300, 0, 0.3, 0.3), (300, 100, 0.2, 0.4), (50, 100, 0.0, 0.15)]
)
async def test_rpc_latency_draws_around_its_latency_and_never_below_nothing(
    latency, jitter, low, high, autojump_clock
):
    effect = fault_of("rpc_latency", latency_ms=latency, jitter_ms=jitter).effect
    drawn = [effect.draw_seconds() for _ in range(500)]
    assert low <= min(drawn) <= max(drawn) <= high
    assert sum(drawn) / len(drawn) == pytest.approx((low + high) / 2, abs=0.02)
    begin = trio.current_time()
    await effect.hold(message(call()))
    assert low <= trio.current_time() - begin <= high + 1e-9


async def test_rpc_latency_lets_go_when_healed(autojump_clock):
    effect = fault_of("rpc_latency", latency_ms=60_000).effect
    begin = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(effect.hold, message(call()))
        await trio.sleep(1)
        effect.healed.set()
    assert trio.current_time() - begin == 1


def test_trickle_slows_the_body_alone():
    effect = fault_of("trickle", bytes_per_s=20).effect
    delivery = effect.delivery(message(call()), Delivery(ANSWER))
    assert (delivery.bytes_per_s, ANSWER[delivery.slow_from :]) == (20, b"{}")
    slower = delivery.with_changes(bytes_per_s=5.0)
    assert effect.delivery(message(call()), slower) == slower
