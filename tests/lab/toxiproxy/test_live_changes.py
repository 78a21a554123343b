"""A connection under traffic while toxics come and go: every byte arrives, in order, in both directions."""

from __future__ import annotations

from functools import partial
from random import Random

import pytest
import trio

from battlectl.lab.proxies.proxy import Proxy
from battlectl.lab.proxies.table import ProxyTable
from battlectl.lab.toxics.table import TOXICS
from battlectl.lab.toxics.toxic import Toxic

pytestmark = pytest.mark.real

TOTAL = 6_000_000
PASSING = {
    "latency": {"latency": 3, "jitter": 2},
    "bandwidth": {"rate": 20_000},
    "slicer": {"average_size": 500, "size_variation": 300, "delay": 10},
    "noop": {},
}


async def echo(stream: trio.SocketStream) -> None:
    async for data in stream:
        await stream.send_all(data)


def pattern(start: int, size: int) -> bytes:
    return b"".join((index // 4).to_bytes(4, "big") for index in range(start, start + size, 4))


async def change_toxics(proxy: Proxy, random: Random, changes: list[str]) -> None:
    """Add, change and remove at random; now and then remove all, so that bytes go straight again."""
    while True:
        await trio.sleep(random.uniform(0, 0.01))
        what = random.choice(["add", "add", "change", "remove", "remove", "clear"])
        changes.append(what)
        if what == "add" and len(proxy.toxics) < 6:
            kind = TOXICS[random.choice(sorted(PASSING))]
            stream = random.choice(["upstream", "downstream"])
            attributes = kind.attributes(**PASSING[kind.name])
            proxy.add_toxic(Toxic(f"t{len(changes)}", kind, stream, 0.8, attributes))
        elif what == "clear":
            for toxic in list(proxy.toxics):
                assert proxy.remove_toxic(toxic) == []
        elif what != "add" and proxy.toxics:
            toxic = random.choice(proxy.toxics)
            if what == "change":
                proxy.change_toxic(toxic)
            else:
                assert proxy.remove_toxic(toxic) == []


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("size", [100, 40_000])
async def test_no_byte_is_lost_or_moved(seed, size):
    random, changes = Random(f"{seed}/{size}"), []
    total = TOTAL if size > 1000 else TOTAL // 30

    async def send(stream: trio.SocketStream) -> None:
        for start in range(0, total, size):
            await stream.send_all(pattern(start, size))
            if random.random() < 0.1:
                await trio.sleep(0.005)

    async with trio.open_nursery() as nursery:
        (upstream,) = await nursery.start(partial(trio.serve_tcp, echo, 0, host="127.0.0.1"))
        port = upstream.socket.getsockname()[1]
        table = ProxyTable(nursery)
        proxy = await table.put("p", "", f"127.0.0.1:{port}")
        assert proxy.address is not None
        nursery.start_soon(change_toxics, proxy, random, changes)
        async with await trio.open_tcp_stream("127.0.0.1", proxy.address.port) as stream:
            nursery.start_soon(send, stream)
            got = bytearray()
            with trio.fail_after(60):
                while len(got) < total:
                    data = await stream.receive_some()
                    assert data, "the connection ended"
                    got += data
        assert bytes(got) == pattern(0, total)
        assert len(changes) > 20
        await table.aclose()
        nursery.cancel_scope.cancel()
