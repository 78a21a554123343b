"""Measured facts about timeout, reset_peer and limit_data, and about toxicity."""

from __future__ import annotations

from typing import Any

import trio

from tests.lab.toxiproxy.world import (
    QUIET_SECONDS,
    Client,
    Proxy,
    World,
    echo,
    now_ms,
    says,
    swallow,
)

Measured = dict[str, dict[str, Any]]


async def timeout_0(world: World) -> Measured:
    proxy = await world.proxy()
    toxic = await proxy.add("timeout")
    client = await proxy.connect()
    await client.send(b"hello")
    ending = await client.end(QUIET_SECONDS)
    log = list(proxy.upstream.log)
    found: Measured = {"timeout_0_down": {"client": ending, "got": client.got, "upstream_got": log}}
    start = now_ms()
    status, api_ms = await world.api("DELETE", f"/proxies/{proxy.name}/toxics/{toxic}")
    ending = await client.end()
    found["timeout_0_removed"] = {
        "client": ending,
        "got": client.got,
        "end_ms": max(client.end_at - start - api_ms, 0),
        "upstream": await proxy.upstream.wait_ended(),
        "api_status": status,
        "api_ms": api_ms,
    }
    return found


async def timeout_0_reset(world: World) -> Measured:
    proxy = await world.proxy()
    await proxy.add("timeout")
    client = await proxy.connect()
    await client.send(b"hello")
    await trio.sleep(0.1)
    await world.api("POST", "/reset")
    return {"timeout_0_reset": {"client": await client.end()}}


async def timeout_spared(world: World) -> Measured:
    proxy = await world.proxy()
    toxic = await proxy.add("timeout")
    client = await proxy.connect()
    await client.send(b"lost")
    await trio.sleep(0.1)
    await proxy.change(toxic, toxicity=0)
    await client.send(b"x")
    ending = await client.end(QUIET_SECONDS)
    found: Measured = {"timeout_0_toxicity0": {"client": ending, "got": client.got}}
    await proxy.remove(toxic)
    start = now_ms()
    ending = await client.end()
    found["timeout_tox0_removed"] = {"client": ending, "end_ms": max(client.end_at - start, 0)}
    return found


async def timeout_500(world: World) -> Measured:
    found: Measured = {}
    proxy = await world.proxy()
    await proxy.add("timeout", timeout=500)
    client = await proxy.connect()
    ending = await client.end()
    ms = client.end_at - client.connected
    upstream = await proxy.upstream.wait_ended()
    found["timeout_500_idle"] = {"client": ending, "ms_after_connect": ms, "upstream": upstream}
    proxy = await world.proxy()
    await proxy.add("timeout", timeout=500)
    client = await proxy.connect()
    await trio.sleep(0.2)
    late = now_ms() - client.connected - 200
    await client.send(b"x")
    ending = await client.end()
    found["timeout_500_data"] = {
        "client": ending,
        "got": client.got,
        "ms_after_connect": client.end_at - client.connected - late,
        "upstream": await proxy.upstream.wait_ended(),
    }
    return found


async def timeout_more(world: World) -> Measured:
    found: Measured = {}
    proxy = await world.proxy()
    await proxy.add("timeout", timeout=500)
    client = await proxy.connect()
    for number in range(1, 7):
        await trio.sleep(max(client.connected + number * 200 - now_ms(), 0) / 1000)
        await client.send(b"x")
    ending = await client.end()
    ms = client.end_at - client.connected
    found["timeout_500_traffic"] = {"client": ending, "got": client.got, "ms_after_connect": ms}
    proxy = await world.proxy()
    client = await proxy.connect()
    await client.round_trip()
    await proxy.add("timeout", timeout=500)
    start = now_ms()
    ending = await client.end()
    found["timeout_500_existing"] = {"client": ending, "ms_after_adding": client.end_at - start}
    proxy = await world.proxy()
    await proxy.add("timeout", "upstream", timeout=300)
    client = await proxy.connect()
    await client.send(b"hello")
    ending = await client.end()
    ms = client.end_at - client.connected
    upstream = await proxy.upstream.wait_ended()
    found["timeout_300_up"] = {
        "client": ending,
        "ms_after_connect": ms,
        "upstream": upstream,
        "upstream_log": proxy.upstream.log,
    }
    proxy = await world.proxy()
    await proxy.add("timeout")
    client = await proxy.connect()
    await trio.sleep(0.1)
    start = now_ms()
    await client.stream.aclose()
    upstream = await proxy.upstream.wait_ended()
    ms = proxy.upstream.ended_at - start
    found["timeout_0_client_close"] = {"upstream": upstream, "ms": ms}
    return found


async def reset_new(world: World) -> Measured:
    found: Measured = {}
    for name, stream, timeout in (
        ("reset_0_down", "downstream", 0),
        ("reset_300_down", "downstream", 300),
        ("reset_300_up", "upstream", 300),
        ("reset_0_up", "upstream", 0),
    ):
        proxy = await world.proxy()
        await proxy.add("reset_peer", stream, timeout=timeout)
        client = await proxy.connect()
        found[name] = {}
        if stream == "downstream":
            found[name]["idle_800ms"] = await client.end(0.8)
        start = now_ms()
        await client.send(b"x")
        ending = await client.end()
        found[name] |= {"client": ending, "ms_after_send": client.end_at - start}
        found[name]["upstream"] = await proxy.upstream.wait_ended()
        if stream == "downstream":
            found[name]["got"] = client.got
        else:
            found[name]["upstream_log"] = proxy.upstream.log
    return found


async def reset_more(world: World) -> Measured:
    found: Measured = {}
    proxy = await world.proxy()
    client = await proxy.connect()
    await client.round_trip()
    await proxy.add("reset_peer")
    await client.send(b"x")
    ending = await client.end()
    upstream = await proxy.upstream.wait_ended()
    found["reset_0_existing"] = {"client": ending, "got": client.got - 1, "upstream": upstream}
    proxy = await world.proxy(says(b"", closes=True))
    await proxy.add("reset_peer", timeout=200)
    client = await proxy.connect()
    ending = await client.end()
    found["reset_200_upclose"] = {"client": ending, "ms": client.end_at - client.connected}
    proxy = await world.proxy(says(b"hello", closes=True, after=0.1))
    await proxy.add("reset_peer", toxicity=0)
    client = await proxy.connect()
    await client.read(5)
    found["reset_tox0"] = {"client": await client.end(), "got": client.got}
    return found


async def reset_removed(world: World) -> Measured:
    proxy = await world.proxy()
    toxic = await proxy.add("reset_peer", timeout=2000)
    client = await proxy.connect()
    await client.send(b"x")
    start = now_ms()
    await trio.sleep(0.2)
    late = now_ms() - start - 200
    status, api_ms = await world.api("DELETE", f"/proxies/{proxy.name}/toxics/{toxic}")
    start = now_ms()
    ending = await client.end()
    return {
        "reset_removed": {
            "api_ms": api_ms + late,
            "api_status": status,
            "client": ending,
            "end_ms": max(client.end_at - start, 0),
        }
    }


async def limit_new(world: World) -> Measured:
    found: Measured = {}
    for name, data in (("limit_100", b"x" * 250), ("limit_100_exact", b"x" * 100)):
        proxy = await world.proxy(says(data))
        await proxy.add("limit_data", bytes=100)
        client = await proxy.connect()
        ending = await client.end()
        ms = client.end_at - client.connected
        found[name] = {"client": ending, "got": client.got, "end_ms": ms}
        if name == "limit_100":
            found[name]["upstream"] = await proxy.upstream.wait_ended()
    proxy = await world.proxy()
    await proxy.add("limit_data", bytes=100)
    client = await proxy.connect()
    await client.send(b"x" * 60)
    await client.read(60)
    await client.send(b"x" * 60)
    found["limit_100_60_60"] = {"client": await client.end(), "got": client.got}
    proxy = await world.proxy(swallow)
    await proxy.add("limit_data", "upstream", bytes=100)
    client = await proxy.connect()
    await client.send(b"x" * 250)
    ending = await client.end()
    endings = await proxy.upstream.wait_ended()
    found["limit_100_up"] = {"client": ending, "upstream": endings, "upstream_log": proxy.upstream.log}
    return found


async def _passed_99(world: World) -> tuple[Proxy, str, Client]:
    proxy = await world.proxy()
    toxic = await proxy.add("limit_data", bytes=100)
    client = await proxy.connect()
    await client.send(b"x" * 99)
    return proxy, toxic, client


async def limit_changed(world: World) -> Measured:
    proxy, toxic, client = await _passed_99(world)
    found: Measured = {"limit_100_99": {"client": await client.end(0.5), "got": client.got}}
    await proxy.change(toxic, bytes=150)
    await client.send(b"x" * 99)
    found["limit_raised"] = {"client": await client.end(), "got": client.got - 99}
    proxy, toxic, client = await _passed_99(world)
    await client.read(99)
    await proxy.change(toxic, bytes=50)
    idle = await client.end(0.5)
    await client.send(b"x")
    found["limit_lowered"] = {"idle": idle, "client": await client.end(), "got": client.got - 99}
    proxy = await world.proxy()
    await proxy.add("limit_data")
    client = await proxy.connect()
    idle = await client.end(0.5)
    await client.send(b"x")
    found["limit_0"] = {"idle": idle, "client": await client.end(), "got": client.got}
    return found


async def limit_and_slow(world: World) -> Measured:
    found: Measured = {}
    toxics: dict[str, dict[str, int]] = {"limit_data": {"bytes": 100}, "slow_close": {"delay": 500}}
    for name, order in (
        ("order_limit_slow", ("limit_data", "slow_close")),
        ("order_slow_limit", ("slow_close", "limit_data")),
    ):
        proxy = await world.proxy(says(b"x" * 250))
        for type_ in order:
            await proxy.add(type_, **toxics[type_])
        client = await proxy.connect()
        ending = await client.end()
        found[name] = {"got": client.got, "end": ending, "end_ms": client.end_at - client.connected}
    return found


async def _affected(clients: list[Client]) -> list[bool]:
    """Which of them are late by the latency each time: a busy machine may be late once."""
    late = [True] * len(clients)

    async def ask(index: int) -> None:
        await trio.sleep(index * 0.002)
        for _ in range(3):
            if await clients[index].round_trip() < 150:
                late[index] = False
                return

    async with trio.open_nursery() as nursery:
        for index in range(len(clients)):
            nursery.start_soon(ask, index)
    return late


async def toxicity(world: World) -> Measured:
    proxy = await world.proxy(echo)
    toxic = await proxy.add("latency", toxicity=0.5, latency=200)
    clients = [await proxy.connect() for _ in range(200)]
    first, second = await _affected(clients), await _affected(clients)
    found: Measured = {"toxicity_half": {"affected": sum(first), "same_second_time": _same(first, second)}}
    await proxy.change(toxic, latency=200)
    before = second
    for name in ("toxicity_update", "toxicity_add", "toxicity_add2", "toxicity_remove"):
        if name == "toxicity_add":
            neighbour = await proxy.add("noop")
        elif name == "toxicity_add2":
            await proxy.add("noop")
        elif name == "toxicity_remove":
            await proxy.remove(neighbour)
        now = await _affected(clients)
        found[name] = {"affected": sum(now), "same": _same(before, now)}
        before = now
    for share in (0, 1):
        await proxy.change(toxic, toxicity=share)
        found[f"toxicity_{share}"] = {"affected": sum(await _affected(clients))}
    return found


def _same(one: list[bool], other: list[bool]) -> int:
    return sum(a == b for a, b in zip(one, other, strict=True))


SCENARIOS = (timeout_0, timeout_spared, timeout_500, timeout_more, reset_new, reset_more, reset_removed)
MORE_SCENARIOS = (limit_new, limit_changed, limit_and_slow)
BUSY = (toxicity,)
ALONE = (timeout_0_reset,)
