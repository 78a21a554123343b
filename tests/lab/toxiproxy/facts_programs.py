"""Measured facts about HTTP through a proxy, and about what the original dies of."""

from __future__ import annotations

import http.client
import http.server
import os
import signal
import sys
import threading
from typing import Any

import httpx
import trio

from tests.lab.toxiproxy.lab import lab_started
from tests.lab.toxiproxy.world import QUIET_SECONDS, World, echo, now_ms, says, stats

Measured = dict[str, dict[str, Any]]


class Answer(http.server.BaseHTTPRequestHandler):
    """Says which Host it was asked for."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("X-Host", self.headers["Host"])
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, format: str, *args: Any) -> None:
        pass


def ask_ten(connection: http.client.HTTPConnection) -> tuple[list[float], str]:
    """Ten requests on one connection; the Host that the upstream saw."""
    times, host = [], ""
    for _ in range(10):
        start = now_ms()
        connection.request("GET", "/")
        response = connection.getresponse()
        assert response.read() == b"hello"
        times.append(now_ms() - start)
        host = response.getheader("X-Host") or ""
    return times, host


def ask_once(port: int) -> dict[str, Any]:
    """One request on a connection of its own: the status, or the error."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    start = now_ms()
    try:
        connection.request("GET", "/")
        return {"status_seen": str(connection.getresponse().status)}
    except (http.client.HTTPException, OSError) as error:
        return {"error": type(error).__name__, "ms": now_ms() - start}
    finally:
        connection.close()


async def over_http(world: World) -> Measured:
    """POST /reset is for all, so this needs a lab of its own."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            return await _over_http(world, server.server_address[1])
        finally:
            await trio.to_thread.run_sync(server.shutdown)
            thread.join()


async def _over_http(world: World, port: int) -> Measured:
    proxy = await world.proxy(port=port)
    direct = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    through = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=20)
    times, _ = await trio.to_thread.run_sync(ask_ten, direct)
    found: Measured = {"http_direct": stats(times)}
    times, host = await trio.to_thread.run_sync(ask_ten, through)
    found["http_plain"] = stats(times) | {"xhost": host == f"127.0.0.1:{proxy.port}"}
    await proxy.add("latency", latency=100)
    times, _ = await trio.to_thread.run_sync(ask_ten, through)
    found["http_latency"] = stats(times)
    await world.api("POST", "/reset")
    times, _ = await trio.to_thread.run_sync(ask_ten, through)
    found["http_reset"] = stats(times)
    direct.close()
    through.close()
    toxic = await proxy.add("limit_data", bytes=50)
    found["http_limit"] = await trio.to_thread.run_sync(ask_once, proxy.port)
    await proxy.remove(toxic)
    await proxy.add("timeout", timeout=300)
    found["http_timeout"] = await trio.to_thread.run_sync(ask_once, proxy.port)
    return found


async def crashes(world: World) -> Measured:
    """What comes through where the original dies."""
    found: Measured = {}
    for name, type_, attributes, size in (
        ("crash_bandwidth_neg", "bandwidth", {"rate": -1}, 5),
        ("crash_slicer_default", "slicer", {}, 5),
        ("crash_slicer_var", "slicer", {"average_size": 5, "size_variation": 10}, 100),
        ("crash_jitter_huge", "latency", {"jitter": 2**62}, 5),
    ):
        proxy = await world.proxy(says(b"x" * size))
        toxic = await proxy.add(type_, **attributes)
        client = await proxy.connect()
        ending = await client.end(QUIET_SECONDS)
        found[name] = {"client": ending, "got": client.got, "sizes": [len(d) for _, d in client.pieces]}
        await proxy.remove(toxic)
        await client.end(0.2)
        found[name]["after_removal"] = client.got
    return found


async def sigterm(world: World) -> Measured:
    """In a lab of its own, which ends."""
    with lab_started() as (port, pid):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client_of_api:
            other = World(client_of_api, world.nursery)
            client = await (await other.proxy(echo)).connect()
            await client.round_trip()
            start = now_ms()
            os.kill(pid, signal.SIGTERM)
            ending = await client.end()
    return {"sigterm": {"exit_code": 0, "client": ending, "ms": client.end_at - start}}


async def api_port_busy(world: World) -> Measured:
    command = [sys.executable, "-m", "tests.lab.toxiproxy.lab", "--port", str(world.http.base_url.port)]
    ended = await trio.run_process(command, capture_stderr=True, check=False)
    return {"api_port_busy": {"exit_code": ended.returncode, "stderr": ended.stderr.decode()}}


SCENARIOS = (crashes,)
BUSY = (sigterm, api_port_busy)
ALONE = (over_http,)
