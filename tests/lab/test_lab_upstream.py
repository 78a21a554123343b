"""The gateway's client against servers that say exactly these bytes and no more."""

from contextlib import asynccontextmanager

import pytest
import trio

from battlectl.lab.net import upstream
from battlectl.lab.net.http_server import listener_url, open_listener
from battlectl.lab.net.upstream import UpstreamError, pool_for, post

SIZED = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\n{}"


@asynccontextmanager
async def server_that_says(*answers, closes=True):
    """The n-th request gets the n-th answer, in pieces; yields a pool and the connections so far."""
    left, connections = list(answers), []

    async def talk(stream):
        connections.append(stream)
        async with stream:
            while await stream.receive_some():
                for piece in left.pop(0):
                    await stream.send_all(piece)
                    await trio.sleep(0.01)
                if closes:
                    return

    async with trio.open_nursery() as nursery:
        listener = await open_listener("127.0.0.1", 0)
        nursery.start_soon(trio.serve_listeners, talk, [listener])
        pool = pool_for(listener_url(listener))
        yield pool, connections
        await upstream.close(pool)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("pieces", "is_kept"),
    [
        ([SIZED], True),
        ([SIZED[:10], SIZED[10:]], True),
        ([CHUNKED], True),
        ([SIZED.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")], False),
        ([UNTIL_CLOSE], False),
        ([SIZED + b"x"], False),
        ([b"HTTP/1.1 100 Continue\r\n\r\n" + SIZED], True),
    ],
)
async def test_every_honest_framing_is_read(pieces, is_kept):
    async with server_that_says(pieces) as (pool, _):
        assert (await post(pool, b"{}", ())).body == b"{}"
        assert bool(pool.idle) is is_kept


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [SIZED[:-1]],
        [CHUNKED[:-5]],
        [b"SSH-2.0-OpenSSH_9.2\r\n\r\n"],
        [SIZED.replace(b"content-length: 2", b"content-length: two")],
        [b"HTTP/1.1 200 OK\r\nx: " + b"a" * 100_000],
    ],
)
async def test_a_broken_answer_is_an_upstream_error(pieces):
    async with server_that_says(pieces) as (pool, _):
        with pytest.raises(UpstreamError):
            await post(pool, b"{}", ())
        assert not pool.idle


async def test_an_endless_answer_is_cut_off(monkeypatch):
    monkeypatch.setattr(upstream, "REPLY_LIMIT", 1_000)
    async with server_that_says([SIZED.replace(b"2\r\n", b"99999\r\n") + b"a" * 2_000]) as (pool, _):
        with pytest.raises(UpstreamError, match="more than 1000 bytes"):
            await post(pool, b"{}", ())


async def test_one_connection_serves_many_requests():
    async with server_that_says([SIZED], [CHUNKED], [SIZED], closes=False) as (pool, connections):
        for _ in range(3):
            assert (await post(pool, b"{}", ())).status == 200
        assert len(connections) == 1


async def test_a_cancelled_request_takes_its_connection_with_it():
    async with server_that_says([SIZED[:10]], closes=False) as (pool, _):
        with trio.move_on_after(0.1) as scope:
            await post(pool, b"{}", ())
        assert scope.cancelled_caught
        assert not pool.idle


async def test_a_refused_connection_says_so():
    listener = await open_listener("127.0.0.1", 0)
    pool = pool_for(listener_url(listener))
    await listener.aclose()
    with pytest.raises(UpstreamError, match="refused"):
        await post(pool, b"{}", ())
