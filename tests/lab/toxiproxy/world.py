"""Clients and upstreams of which every byte and every ending can be seen, with a lab's proxy in between.

What is measured has the shapes of wire/behaviour.json: milliseconds from time.perf_counter, endings as FIN,
RST or open.
"""

from __future__ import annotations

import itertools
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from statistics import mean, median
from typing import Any

import httpx
import trio

QUIET_SECONDS = 0.8
PATIENCE_SECONDS = 30.0

Script = Callable[[trio.SocketStream, "Upstream"], Awaitable[None]]
_names = itertools.count(1)
_opened: list[trio.abc.AsyncResource] = []


def now_ms() -> float:
    return time.perf_counter() * 1000


class Client:
    """A connection whose end is described, not raised."""

    def __init__(self, stream: trio.SocketStream, connect_ms: float) -> None:
        self.stream = stream
        self.connect_ms = connect_ms
        self.connected = now_ms()
        self.pieces: list[tuple[float, bytes]] = []
        self.end_at = 0.0

    @property
    def got(self) -> int:
        return sum(len(data) for _, data in self.pieces)

    async def send(self, data: bytes) -> None:
        await self.stream.send_all(data)

    async def read(self, size: int) -> bytes:
        """Exactly that many bytes."""
        data = b""
        with trio.fail_after(PATIENCE_SECONDS):
            while len(data) < size:
                piece = await self.stream.receive_some(size - len(data))
                assert piece, f"ended after {len(data)} of {size} bytes"
                self.pieces.append((now_ms(), piece))
                data += piece
        return data

    async def end(self, seconds: float = PATIENCE_SECONDS) -> str:
        """Read on, until the end or for so long: FIN, RST or open."""
        with trio.move_on_after(seconds):
            try:
                while data := await self.stream.receive_some(65_536):
                    self.pieces.append((now_ms(), data))
                ending = "FIN"
            except trio.BrokenResourceError:
                ending = "RST"
            self.end_at = now_ms()
            return ending
        return "open"

    async def round_trip(self, size: int = 1) -> float:
        start = now_ms()
        await self.send(b"x" * size)
        await self.read(size)
        return now_ms() - start

    async def round_trips(self, count: int, size: int = 1) -> list[float]:
        return [await self.round_trip(size) for _ in range(count)]

    def reset(self) -> None:
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.stream.socket.close()


@dataclass
class Upstream:
    """A listener; `log` has what its connections did: open, data and its size, eof or ECONNRESET.

    `came` is set, and replaced, whenever something came.
    """

    port: int = 0
    log: list[list[Any]] = field(default_factory=list)
    ended: trio.Event = field(default_factory=trio.Event)
    ended_at: float = 0.0
    got: int = 0
    came: trio.Event = field(default_factory=trio.Event)

    @property
    def endings(self) -> list[str]:
        return [what for what, _ in self.log if what not in ("open", "data")]

    def take(self, data: bytes) -> None:
        self.log.append(["data", len(data)])
        self.got += len(data)
        self.came.set()
        self.came = trio.Event()

    async def wait_for(self, size: int) -> None:
        with trio.fail_after(PATIENCE_SECONDS):
            while self.got < size:
                await self.came.wait()

    def end(self, what: str) -> None:
        self.ended_at = now_ms()
        self.log.append([what, 0])
        self.ended.set()

    async def wait_ended(self) -> list[str]:
        with trio.move_on_after(PATIENCE_SECONDS):
            await self.ended.wait()
        return self.endings


async def echo(stream: trio.SocketStream, upstream: Upstream) -> None:
    """Send back what comes."""
    while data := await stream.receive_some(65_536):
        upstream.take(data)
        await stream.send_all(data)


async def swallow(stream: trio.SocketStream, upstream: Upstream) -> None:
    """Read everything."""
    while data := await stream.receive_some(65_536):
        upstream.take(data)


def says(data: bytes, closes: bool = False, after: float = 0.0) -> Script:
    """Sends that at once; then reads, or closes."""

    async def script(stream: trio.SocketStream, upstream: Upstream) -> None:
        await trio.sleep(after)
        if data:
            await stream.send_all(data)
        if not closes:
            await swallow(stream, upstream)

    return script


async def flood(stream: trio.SocketStream, upstream: Upstream) -> None:
    """Send without end; `got` counts what was taken."""
    while True:
        stream.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        upstream.got += await stream.socket.send(b"x" * 65_536)


async def silent(stream: trio.SocketStream, upstream: Upstream) -> None:
    """Neither read nor write."""
    await upstream.ended.wait()


@dataclass
class Proxy:
    """A proxy of the lab, with the upstream behind it."""

    world: World
    name: str
    port: int
    upstream: Upstream

    async def connect(self) -> Client:
        return await connect(self.port)

    async def add(
        self, type_: str, stream: str = "downstream", toxicity: float = 1, **attributes: int
    ) -> str:
        """Another toxic; its name."""
        name = f"t{next(_names)}"
        body = {"name": name, "type": type_, "stream": stream, "toxicity": toxicity, "attributes": attributes}
        status, _ = await self.world.api("POST", f"/proxies/{self.name}/toxics", body)
        assert status == 200
        return name

    async def change(self, toxic: str, toxicity: float | None = None, **attributes: int) -> None:
        body = {"attributes": attributes} | ({} if toxicity is None else {"toxicity": toxicity})
        assert (await self.world.api("PATCH", f"/proxies/{self.name}/toxics/{toxic}", body))[0] == 200

    async def remove(self, toxic: str) -> float:
        """How many milliseconds the call took."""
        status, took = await self.world.api("DELETE", f"/proxies/{self.name}/toxics/{toxic}")
        assert status == 204
        return took

    async def update(self, **fields: Any) -> tuple[int, float]:
        return await self.world.api("PATCH", f"/proxies/{self.name}", fields)

    async def document(self) -> dict[str, Any]:
        response = await self.world.http.get(f"/proxies/{self.name}")
        found: dict[str, Any] = response.json()
        return found


@dataclass
class World:
    """A lab, and a nursery for upstreams."""

    http: httpx.AsyncClient
    nursery: trio.Nursery

    async def api(self, method: str, path: str, body: Any = None) -> tuple[int, float]:
        """Status and milliseconds."""
        start = now_ms()
        response = await self.http.request(method, path, json=body)
        return response.status_code, now_ms() - start

    async def listen(self, script: Script) -> Upstream:
        upstream = Upstream()

        async def serve(stream: trio.SocketStream) -> None:
            upstream.log.append(["open", 0])
            try:
                async with stream:
                    await script(stream, upstream)
                    upstream.end("eof")
            except (trio.BrokenResourceError, OSError):
                upstream.end("ECONNRESET")

        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        upstream.port = listener.socket.getsockname()[1]
        _opened.append(listener)
        self.nursery.start_soon(trio.serve_listeners, serve, [listener])
        return upstream

    async def proxy(self, script: Script = echo, port: int | None = None) -> Proxy:
        """A new proxy in front of a new upstream, or of a port."""
        upstream = await self.listen(script) if port is None else Upstream(port)
        name = f"p{next(_names)}"
        fields = {"name": name, "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{upstream.port}"}
        response = await self.http.post("/proxies", json=fields)
        assert response.status_code == 201, response.text
        return Proxy(self, name, int(response.json()["listen"].rpartition(":")[2]), upstream)

    async def reset_one(self, proxy: Proxy) -> None:
        """POST /reset, which is for all: only in a lab of one's own."""
        assert (await self.api("POST", "/reset"))[0] == 204


async def connect(port: int) -> Client:
    start = now_ms()
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    _opened.append(stream)
    return Client(stream, now_ms() - start)


async def close_all() -> None:
    """Every client and every listener that was opened so far."""
    while _opened:
        await trio.aclose_forcefully(_opened.pop())


async def connection_is_refused(port: int) -> bool:
    try:
        stream = await trio.open_tcp_stream("127.0.0.1", port)
    except OSError:
        return True
    await stream.aclose()
    return False


def stats(values: Sequence[float]) -> dict[str, float]:
    """As the recordings have them."""
    return {
        "n": len(values),
        "min_ms": min(values),
        "mean_ms": mean(values),
        "median_ms": median(values),
        "max_ms": max(values),
    }


def arrivals(client: Client, start: float) -> dict[str, float]:
    """First and last piece, and the gaps between."""
    times = [at for at, _ in client.pieces]
    gaps = [b - a for a, b in itertools.pairwise(times)] or [0.0]
    return {
        "first_ms": times[0] - start,
        "last_ms": times[-1] - start,
        "gap_mean_ms": mean(gaps),
        "gap_min_ms": min(gaps),
        "gap_max_ms": max(gaps),
    }
