"""Measured facts about latency, bandwidth, slow_close and slicer."""

from __future__ import annotations

from typing import Any

import trio

from tests.lab.toxiproxy.world import (
    World,
    arrivals,
    echo,
    now_ms,
    says,
    stats,
    swallow,
)

Measured = dict[str, dict[str, Any]]


async def latency_jitter(world: World) -> Measured:
    proxy = await world.proxy()
    client = await proxy.connect()
    before = await client.round_trip()
    await proxy.add("latency", latency=200, jitter=50)
    existing = stats(await client.round_trips(30))
    client = await proxy.connect()
    return {
        "latency_existing": existing | {"before_ms": before},
        "latency_new": stats(await client.round_trips(30)) | {"connect_ms": client.connect_ms},
    }


async def latency_sums(world: World) -> Measured:
    both, two, negative = await world.proxy(), await world.proxy(), await world.proxy()
    await both.add("latency", "upstream", latency=100)
    await both.add("latency", latency=100)
    await two.add("latency", latency=100)
    await two.add("latency", latency=200)
    await negative.add("latency", latency=-100)
    return {
        "latency_both": stats(await (await both.connect()).round_trips(10)),
        "latency_two": stats(await (await two.connect()).round_trips(10)),
        "latency_negative": stats(await (await negative.connect()).round_trips(10)),
    }


async def latency_bigjitter(world: World) -> Measured:
    proxy = await world.proxy()
    await proxy.add("latency", latency=50, jitter=200)
    return {"latency_bigjitter": stats(await (await proxy.connect()).round_trips(40))}


async def latency_pipeline(world: World) -> Measured:
    proxy = await world.proxy()
    await proxy.add("latency", latency=200)
    client = await proxy.connect()
    start = now_ms()
    for index in range(10):
        await trio.sleep(max(start + index * 20 - now_ms(), 0) / 1000)
        await client.send(b"x")
    await client.read(10)
    found = [round(at - start, 1) for at, data in client.pieces for _ in data]
    return {"latency_pipeline": {"arrivals_ms": found, "count": len(found)}}


async def latency_order(world: World) -> Measured:
    proxy = await world.proxy()
    await proxy.add("latency", latency=60, jitter=50)
    client = await proxy.connect()
    for digit in b"0123456789":
        await client.send(bytes([digit]))
        await trio.sleep(0.01)
    return {"latency_order": {"got": (await client.read(10)).decode()}}


async def latency_ends(world: World) -> Measured:
    proxy = await world.proxy(says(b"x" * 1_000_000))
    await proxy.add("latency", latency=200)
    client = await proxy.connect()
    await client.read(1_000_000)
    seen = arrivals(client, client.connected)
    found: Measured = {
        "latency_bulk": {"first_ms": seen["first_ms"], "last_ms": seen["last_ms"], "bytes": client.got}
    }
    for name, data in (("latency_close", b"hello"), ("latency_close_nodata", b"")):
        proxy = await world.proxy(says(data, closes=True))
        await proxy.add("latency", latency=200)
        client = await proxy.connect()
        ending = await client.end()
        found[name] = {"end": ending, "end_ms": client.end_at - client.connected}
        if data:
            found[name]["data_ms"] = client.pieces[0][0] - client.connected
    return found


async def latency_removed(world: World) -> Measured:
    proxy = await world.proxy()
    toxic = await proxy.add("latency", latency=10_000)
    client = await proxy.connect()
    for piece in (b"abc", b"def"):
        await client.send(piece)
        await trio.sleep(0.05)
    api_ms = await proxy.remove(toxic)
    start = now_ms()
    await client.read(6)
    first_ms = max(client.pieces[0][0] - start, 0)
    return {
        "latency_removed": {"got": client.got, "first_ms": first_ms, "api_ms": api_ms},
        "latency_removed_after": {"rtt_ms": await client.round_trip()},
    }


async def latency_updated(world: World) -> Measured:
    proxy = await world.proxy()
    toxic = await proxy.add("latency", latency=10_000)
    client = await proxy.connect()
    await client.send(b"abc")
    await trio.sleep(0.05)
    start = now_ms()
    await proxy.change(toxic, latency=300)
    api_ms = now_ms() - start
    start = now_ms()
    await client.read(3)
    first_ms = max(client.pieces[0][0] - start, 0)
    return {
        "latency_updated": {"first_ms": first_ms, "api_ms": api_ms},
        "latency_updated_after": {"rtt_ms": await client.round_trip()},
    }


async def bandwidth_10_down(world: World) -> Measured:
    proxy = await world.proxy(says(b"x" * 50_000))
    await proxy.add("bandwidth", rate=10)
    client = await proxy.connect()
    await client.read(50_000)
    sizes = [len(data) for _, data in client.pieces]
    seen = arrivals(client, client.connected)
    kept = {name: seen[name] for name in ("first_ms", "last_ms", "gap_mean_ms")}
    more = {"pieces": len(sizes), "size_max": max(sizes), "bytes": sum(sizes)}
    return {"bandwidth_10_down": kept | more}


async def bandwidth_100_up(world: World) -> Measured:
    proxy = await world.proxy(swallow)
    await proxy.add("bandwidth", "upstream", rate=100)
    client = await proxy.connect()
    start = now_ms()
    await client.send(b"x" * 100_000)
    await proxy.upstream.wait_for(100_000)
    sizes = [size for what, size in proxy.upstream.log if what == "data"]
    last_ms = now_ms() - start
    return {"bandwidth_100_up": {"last_ms": last_ms, "size_max": max(sizes), "bytes": proxy.upstream.got}}


async def bandwidth_small(world: World) -> Measured:
    proxy = await world.proxy()
    await proxy.add("bandwidth", rate=10)
    client = await proxy.connect()
    return {"bandwidth_small": stats(await client.round_trips(20, 100))}


async def bandwidth_0(world: World) -> Measured:
    proxy = await world.proxy()
    toxic = await proxy.add("bandwidth")
    client = await proxy.connect()
    await client.send(b"hello")
    start = now_ms()
    ending = await client.end(2)
    found: Measured = {"bandwidth_0": {"client": ending, "got": client.got, "waited_ms": now_ms() - start}}
    api_ms = await proxy.remove(toxic)
    start = now_ms()
    await client.read(5)
    first_ms = max(client.pieces[0][0] - start, 0)
    found["bandwidth_0_removed"] = {"got": client.got, "first_ms": first_ms, "api_ms": api_ms}
    return found


async def bandwidth_close(world: World) -> Measured:
    proxy = await world.proxy(says(b"x" * 2000, closes=True))
    await proxy.add("bandwidth", rate=1)
    client = await proxy.connect()
    ending = await client.end()
    last_ms, end_ms = client.pieces[-1][0] - client.connected, client.end_at - client.connected
    return {"bandwidth_close": {"last_ms": last_ms, "end": ending, "end_ms": end_ms, "got": client.got}}


async def bandwidth_removed(world: World) -> Measured:
    proxy = await world.proxy(says(b"x" * 50_000))
    toxic = await proxy.add("bandwidth", rate=1)
    client = await proxy.connect()
    await client.end(0.55)
    api_ms = await proxy.remove(toxic)
    start = now_ms()
    await client.read(50_000 - client.got)
    last_ms = max(client.pieces[-1][0] - start, 0)
    return {"bandwidth_removed": {"got": client.got, "last_ms": last_ms, "api_ms": api_ms}}


async def slow_close(world: World) -> Measured:
    found: Measured = {}
    proxy = await world.proxy(says(b"hello", closes=True))
    await proxy.add("slow_close", delay=500)
    client = await proxy.connect()
    ending = await client.end()
    data_ms = client.pieces[0][0] - client.connected
    end_ms = client.end_at - client.connected
    found["slow_close_down"] = {"data_ms": data_ms, "end": ending, "end_ms": end_ms}
    for name, stream in (("slow_close_down_client", "downstream"), ("slow_close_up_client", "upstream")):
        proxy = await world.proxy(echo)
        await proxy.add("slow_close", stream, delay=500)
        client = await proxy.connect()
        await client.round_trip()
        start = now_ms()
        await client.stream.aclose()
        endings = await proxy.upstream.wait_ended()
        found[name] = {"upstream": endings, "ms": proxy.upstream.ended_at - start}
    proxy = await world.proxy(says(b"", closes=True))
    toxic = await proxy.add("slow_close", delay=3000)
    client = await proxy.connect()
    await trio.sleep(0.3)
    api_ms = await proxy.remove(toxic)
    start = now_ms()
    ending = await client.end()
    after = max(client.end_at - start, 0)
    found["slow_close_removed"] = {"end": ending, "end_ms_after_removal": after, "api_ms": api_ms}
    return found


async def sliced(world: World, size: int, **attributes: int) -> tuple[list[int], dict[str, float]]:
    proxy = await world.proxy(says(b"x" * size))
    await proxy.add("slicer", **attributes)
    client = await proxy.connect()
    await client.read(size)
    return [len(data) for _, data in client.pieces], arrivals(client, client.connected)


async def slicer(world: World) -> Measured:
    sizes, seen = await sliced(world, 200, average_size=10, size_variation=5, delay=10_000)
    found: Measured = {"slicer_10": {"pieces": len(sizes), "sizes": sizes} | seen}
    sizes, seen = await sliced(world, 100, average_size=10, size_variation=0, delay=5000)
    found["slicer_fixed"] = {"sizes": sizes, "last_ms": seen["last_ms"]}
    sizes, _ = await sliced(world, 900, average_size=1000)
    found["slicer_large"] = {"sizes": sizes}
    return found


async def slicer_order(world: World) -> Measured:
    found: Measured = {}
    toxics = {"slicer": {"average_size": 10}, "bandwidth": {"rate": 1}}
    for name, order in (
        ("order_slicer_bw", ("slicer", "bandwidth")),
        ("order_bw_slicer", ("bandwidth", "slicer")),
    ):
        proxy = await world.proxy(says(b"x" * 100))
        for type_ in order:
            await proxy.add(type_, **toxics[type_])
        client = await proxy.connect()
        await client.read(100)
        last_ms = client.pieces[-1][0] - client.connected
        found[name] = {"sizes": [len(data) for _, data in client.pieces], "last_ms": last_ms}
    return found


SCENARIOS = (latency_jitter, latency_sums, latency_bigjitter, latency_pipeline, latency_order, latency_ends)
MORE_SCENARIOS = (latency_removed, latency_updated, bandwidth_10_down, bandwidth_100_up, bandwidth_small)
LAST_SCENARIOS = (bandwidth_0, bandwidth_close, bandwidth_removed, slow_close, slicer, slicer_order)
ALONE = ()
