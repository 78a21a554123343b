"""Measured facts about connections: how they begin and end, and what a disabled proxy does to them."""

from __future__ import annotations

import errno
import socket
import time
from typing import Any

import trio

from tests.lab.toxiproxy.ports import free_ports
from tests.lab.toxiproxy.world import (
    QUIET_SECONDS,
    Client,
    World,
    connect,
    connection_is_refused,
    echo,
    flood,
    now_ms,
    says,
    silent,
    stats,
)

Measured = dict[str, dict[str, Any]]


async def plain(world: World) -> Measured:
    proxy = await world.proxy()
    client, direct = await proxy.connect(), await connect(proxy.upstream.port)
    return {
        "plain_rtt": stats(await client.round_trips(200)),
        "direct_rtt": stats(await direct.round_trips(200)),
    }


async def disable(world: World) -> Measured:
    proxy = await world.proxy()
    client = await proxy.connect()
    await client.round_trip()
    start = now_ms()
    _, api_ms = await proxy.update(enabled=False)
    found: Measured = {
        "disable_idle": {
            "client": await client.end(),
            "upstream": await proxy.upstream.wait_ended(),
            "api_ms": api_ms,
            "client_end_ms_after_call": max(client.end_at - start - api_ms, 0),
        }
    }
    refused = await connection_is_refused(proxy.port)
    found["disable_connect"] = {"result": "refused" if refused else "connected"}
    start = now_ms()
    await proxy.update(enabled=True)
    await (await proxy.connect()).round_trip()
    found["enable"] = {"ms": now_ms() - start}
    return found


async def disable_downstream_full(world: World) -> Measured:
    proxy = await world.proxy(flood)
    client = await proxy.connect()
    await trio.sleep(0.5)
    await proxy.update(enabled=False)
    ending = await client.end()
    upstream = await proxy.upstream.wait_ended()
    return {"disable_downstream_full": {"client": ending, "upstream": upstream, "bytes_read": client.got}}


async def disable_upstream_full(world: World) -> Measured:
    proxy = await world.proxy(silent)
    client = await proxy.connect()
    sent = 0
    with trio.move_on_after(0.5):
        while True:
            sent += await client.stream.socket.send(b"x" * 65_536)
    await proxy.update(enabled=False)
    return {"disable_upstream_full": {"client": await client.end(), "sent": sent}}


async def fate(world: World, change: str) -> dict[str, Any]:
    """What becomes of an open connection under a change."""
    proxy = await world.proxy()
    other = await world.listen(echo)
    client = await proxy.connect()
    await client.round_trip()
    path = f"/proxies/{proxy.name}"
    same = {"listen": f"127.0.0.1:{proxy.port}", "upstream": f"127.0.0.1:{proxy.upstream.port}"}
    moved = same | {"upstream": f"127.0.0.1:{other.port}"}
    requests: dict[str, tuple[str, str, Any]] = {
        "delete_conn": ("DELETE", path, None),
        "update_upstream_conn": ("PATCH", path, {"upstream": moved["upstream"]}),
        "update_same_conn": ("PATCH", path, same | {"enabled": True}),
        "populate_same_conn": ("POST", "/populate", [{"name": proxy.name} | same]),
        "populate_diff_conn": ("POST", "/populate", [{"name": proxy.name} | moved]),
        "reset_conn": ("POST", "/reset", None),
    }
    status, _ = await world.api(*requests[change])
    ending = await client.end(QUIET_SECONDS / 2)
    if ending == "open":
        await client.round_trip()
    return {"status": status, "client": ending}


async def fates(world: World) -> Measured:
    changes = ("delete_conn", "update_upstream_conn", "update_same_conn", "populate_same_conn")
    return {change: await fate(world, change) for change in (*changes, "populate_diff_conn")}


async def reset_conn(world: World) -> Measured:
    return {"reset_conn": await fate(world, "reset_conn")}


async def upstream_refused(world: World) -> Measured:
    (port,) = free_ports(1)
    proxy = await world.proxy(port=port)
    client = await proxy.connect()
    ending = await client.end()
    found: Measured = {"upstream_refused": {"client": ending, "ms": client.end_at - client.connected}}
    client = await proxy.connect()
    await client.send(b"hello")
    found["upstream_refused_send"] = {"client": await client.end()}
    return found


async def half_close(world: World) -> Measured:
    async def answer_late(stream: trio.SocketStream, upstream: object) -> None:
        await stream.receive_some(1)
        await trio.sleep(0.1)
        assert await stream.receive_some(1) == b""
        await stream.send_all(b"0123456789")

    found: Measured = {}
    proxy = await world.proxy(answer_late)
    for name, client in (
        ("half_close", await proxy.connect()),
        ("half_close_direct", await connect(proxy.upstream.port)),
    ):
        start = now_ms()
        await client.send(b"x")
        await client.stream.send_eof()
        ending = await client.end()
        found[name] = {"client_got": client.got, "client": ending}
        if name == "half_close":
            found[name]["ms"] = client.end_at - start
            found[name]["upstream"] = await proxy.upstream.wait_ended()
    return found


async def closes(world: World) -> Measured:
    proxy = await world.proxy(says(b"0123456789", closes=True))
    client = await proxy.connect()
    ending = await client.end()
    found: Measured = {
        "server_close": {"client_got": client.got, "client": ending, "ms": client.end_at - client.connected}
    }
    proxy = await world.proxy()
    client = await proxy.connect()
    await client.round_trip()
    await client.stream.aclose()
    found["client_close"] = {"upstream": await proxy.upstream.wait_ended()}
    proxy = await world.proxy()
    client = await proxy.connect()
    await client.round_trip()
    client.reset()
    found["client_rst"] = {"upstream": await proxy.upstream.wait_ended()}
    return found


async def upstream_rst(world: World) -> Measured:
    at = 0.0

    async def reset_after_first(stream: trio.SocketStream, upstream: object) -> None:
        nonlocal at
        await stream.send_all(await stream.receive_some(1))
        await trio.sleep(0.1)
        at = now_ms()
        Client(stream, 0).reset()

    client = await (await world.proxy(reset_after_first)).connect()
    await client.round_trip()
    ending = await client.end()
    return {"upstream_rst": {"client": ending, "ms": client.end_at - at}}


async def disable_under(world: World) -> Measured:
    """Disabling while toxics hold something."""
    found: Measured = {}
    for type_, attributes in (
        ("timeout", {"timeout": 0}),
        ("latency", {"latency": 5000}),
        ("slow_close", {"delay": 2000}),
    ):
        proxy = await world.proxy()
        await proxy.add(type_, **attributes)
        client = await proxy.connect()
        if type_ == "slow_close":
            await client.round_trip()
        else:
            await client.send(b"hello")
            await trio.sleep(0.1)
        _, api_ms = await proxy.update(enabled=False)
        start, before = now_ms(), client.got
        ending = await client.end()
        found[f"disable_{type_}"] = {"client": ending, "api_ms": api_ms}
        if type_ == "latency":
            found["disable_latency"]["got"] = client.got - before
        if type_ == "slow_close":
            found["disable_slow_close"]["ms"] = max(client.end_at - start, 0)
    return found


async def dial_blocks(world: World) -> Measured:
    """An upstream that never accepts: its queue is full, so connecting to it hangs."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = []
        for _ in range(3):
            filler = socket.socket()
            filler.setblocking(False)
            assert filler.connect_ex(full.getsockname()) == errno.EINPROGRESS
            fillers.append(filler)
        await trio.sleep(0.1)
        proxy = await world.proxy(port=full.getsockname()[1])
        client = await proxy.connect()
        await trio.sleep(0.1)
        status, _ = await world.api("GET", "/proxies")
        _, disable_ms = await proxy.update(enabled=False)
        ending = await client.end()
        for filler in fillers:
            filler.close()
    return {
        "dial_blocks": {
            "client_connect_ms": client.connect_ms,
            "list_answered_meanwhile": status == 200,
            "disable_ms": disable_ms,
            "client": ending,
        }
    }


async def queue_latency(world: World) -> Measured:
    """How much an upstream can push in 1.5 s while the client does not read."""
    pushed = {}
    for name, type_, attributes in (
        ("bandwidth_10", "bandwidth", {"rate": 10}),
        ("latency_60000", "latency", {"latency": 60_000}),
        ("timeout_0", "timeout", {"timeout": 0}),
    ):
        proxy = await world.proxy(flood)
        await proxy.add(type_, **attributes)
        client = await proxy.connect()
        await trio.sleep(1.5)
        pushed[name] = proxy.upstream.got
        await proxy.update(enabled=False)
        await client.stream.aclose()
    return {"queue_latency": pushed}


async def api_blocked(world: World) -> Measured:
    """A client that does not read while its upstream floods, and what the API does then."""
    proxy = await world.proxy(flood)
    client = await proxy.connect()
    await trio.sleep(0.5)
    found: dict[str, Any] = {}
    start = time.perf_counter()
    await proxy.remove(await proxy.add("latency", latency=1))
    await proxy.change(await proxy.add("noop"), toxicity=0.5)
    found["add_change_remove_ms"] = (time.perf_counter() - start) * 1000
    found["list_status"], found["list_ms"] = await world.api("GET", "/proxies")
    await client.stream.aclose()
    await trio.sleep(0.1)
    found["list_status_later"], _ = await world.api("GET", f"/proxies/{proxy.name}")
    return {"api_blocked": found, "api_deadlock": found}


SCENARIOS = (plain, disable, disable_upstream_full, fates, upstream_refused, half_close, closes, upstream_rst)
MORE_SCENARIOS = (disable_under, dial_blocks)
ALONE = (reset_conn, disable_downstream_full, queue_latency, api_blocked)
