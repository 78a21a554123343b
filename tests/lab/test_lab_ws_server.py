"""The server's side of a WebSocket, as the `websockets` package and raw sockets see it."""

from __future__ import annotations

import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import ClientConnection, connect

from battlectl.lab.net import ws_server
from battlectl.lab.net.http_server import Upgrade, open_listener, serve
from battlectl.lab.net.wire import Request, Response
from battlectl.lab.net.ws_server import Ended, Manners, WebSocket, wants_websocket, websocket_upgrade

pytestmark = pytest.mark.real

Served = Callable[[WebSocket], Awaitable[None]]

POLITE = Manners()
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: lab\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


async def echo(websocket: WebSocket) -> None:
    while not isinstance(text := await websocket.receive(), Ended):
        await websocket.send(text)


@asynccontextmanager
async def serving(served: Served, manners: Manners = POLITE) -> AsyncIterator[int]:
    """A server on a free port; plain requests are answered 200."""

    async def handler(request: Request) -> Response | Upgrade:
        if wants_websocket(request):
            return websocket_upgrade(request, served, manners, ((b"x-lab", b"1"),))
        return Response(200, (), b"plain")

    listener = await open_listener("127.0.0.1", 0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, listener, handler)
        yield listener.socket.getsockname()[1]
        nursery.cancel_scope.cancel()


async def with_client(port: int, talk: Callable[[ClientConnection], Any], **options: Any) -> Any:
    """What `talk` returns in a thread, with a client of the `websockets` package."""

    def run() -> Any:
        with connect(f"ws://127.0.0.1:{port}/", open_timeout=10, **options) as client:
            return talk(client)

    with trio.fail_after(30):
        return await trio.to_thread.run_sync(run)


async def test_texts_come_back_in_order_whatever_their_size():
    texts = ["", "hello", "ü" * 300, "x" * 70_000, "y" * 1_000_000]

    def talk(client: ClientConnection) -> list[Any]:
        for text in texts:
            client.send(text)
        client.send(iter(["in ", "three ", "frames"]))
        client.send(b"binary is taken as text")
        assert client.response is not None
        assert client.response.headers["X-Lab"] == "1"
        return [client.recv(timeout=10) for _ in range(len(texts) + 2)]

    async with serving(echo) as port:
        assert await with_client(port, talk) == [*texts, "in three frames", "binary is taken as text"]


async def test_a_close_is_answered_with_its_own_code():
    ends: list[Ended] = []

    async def served(websocket: WebSocket) -> None:
        end = await websocket.receive()
        assert isinstance(end, Ended)
        ends.extend([end, await websocket.receive()])  # asked again it says the same

    def talk(client: ClientConnection) -> int | None:
        client.close(4001, "bye")
        return client.close_code

    async with serving(served) as port:
        assert await with_client(port, talk) == 4001
    assert ends == [Ended(4001, "bye"), Ended(4001, "bye")]


@pytest.mark.parametrize("is_being_read", [True, False])
async def test_the_server_closes_with_code_and_reason(is_being_read):
    async def served(websocket: WebSocket) -> None:
        async with trio.open_nursery() as nursery:
            if is_being_read:
                nursery.start_soon(websocket.receive)
                await trio.testing.wait_all_tasks_blocked()
            await websocket.close(1013, "try again later")

    def talk(client: ClientConnection) -> tuple[int, str]:
        with pytest.raises(ConnectionClosedError) as info:
            client.recv(timeout=10)
        assert info.value.rcvd is not None
        return info.value.rcvd.code, info.value.rcvd.reason

    async with serving(served) as port:
        assert await with_client(port, talk) == (1013, "try again later")


async def test_an_abort_is_a_reset_without_a_close_frame():
    async def served(websocket: WebSocket) -> None:
        await websocket.receive()
        websocket.abort()
        assert await websocket.receive() == Ended(None)
        with pytest.raises(trio.BrokenResourceError):
            await websocket.send(b"too late")

    def run(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(HANDSHAKE)
            assert client.recv(4096).startswith(b"HTTP/1.1 101 ")
            client.sendall(masked(0x81, b"go"))
            with pytest.raises(ConnectionResetError):
                return client.recv(4096)
            return b"reset"

    async with serving(served) as port:
        assert await trio.to_thread.run_sync(run, port) == b"reset"


async def test_an_abort_ends_a_receive_that_is_waiting():
    seen: list[Any] = []

    async def served(websocket: WebSocket) -> None:
        async def wait() -> None:
            seen.append(await websocket.receive())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await trio.testing.wait_all_tasks_blocked()
            websocket.abort()

    def talk(client: ClientConnection) -> None:
        with pytest.raises(ConnectionClosedError):
            client.recv(timeout=10)

    async with serving(served) as port:
        await with_client(port, talk)
    assert seen == [Ended(None)]


@pytest.mark.parametrize("answers", [True, False])
async def test_pings_are_answered_unless_told_not_to(answers):
    def talk(client: ClientConnection) -> bool:
        pong = client.ping()
        client.send("after the ping")
        assert client.recv(timeout=10) == "after the ping"
        return pong.wait(timeout=0.2)

    async with serving(echo, Manners(answers_pings=lambda: answers)) as port:
        assert await with_client(port, talk) is answers


async def test_a_deaf_socket_swallows_frames_and_hears_again():
    deaf = [True]

    def talk(client: ClientConnection) -> list[Any]:
        client.send(iter(["lost ", "in ", "pieces"]))
        assert not client.ping().wait(timeout=0.3)
        deaf[0] = False
        client.send("heard")
        return [client.recv(timeout=10)]

    async with serving(echo, Manners(is_deaf=lambda: deaf[0])) as port:
        assert await with_client(port, talk) == ["heard"]


async def test_a_message_that_began_while_deaf_is_lost_whole():
    deaf = [True]

    def run(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(HANDSHAKE)
            client.recv(4096)
            client.sendall(masked(0x01, b"begun while deaf, "))
            while not deaf[1:]:
                pass
            client.sendall(masked(0x80, b"ended later") + masked(0x81, b"whole"))
            return client.recv(4096)

    def is_deaf() -> bool:
        deaf.append(True)
        return deaf[0] if len(deaf) == 2 else False

    async with serving(echo, Manners(is_deaf=is_deaf)) as port:
        with trio.fail_after(20):
            assert await trio.to_thread.run_sync(run, port) == b"\x81\x05whole"


async def test_a_deaf_socket_does_not_take_part_in_a_close():
    def talk(client: ClientConnection) -> int | None:
        client.close(1000)
        return client.close_code

    async with serving(echo, Manners(is_deaf=lambda: True)) as port:
        assert await with_client(port, talk, close_timeout=0.3) == 1006


async def test_what_is_too_large_is_closed_with_1009(monkeypatch):
    monkeypatch.setattr(ws_server, "MESSAGE_LIMIT", 1_000)

    def talk(client: ClientConnection) -> int:
        client.send("x" * 1_000)
        assert len(client.recv(timeout=10)) == 1_000
        client.send(iter(["x" * 500, "x" * 501]))
        with pytest.raises(ConnectionClosedError) as info:
            client.recv(timeout=10)
        assert info.value.rcvd is not None
        return info.value.rcvd.code

    async with serving(echo) as port:
        assert await with_client(port, talk) == 1009


async def test_a_client_that_takes_nothing_is_cut_off(monkeypatch):
    monkeypatch.setattr(ws_server, "SEND_SECONDS", 0.5)
    over = trio.Event()

    async def served(websocket: WebSocket) -> None:
        async def send_for_ever() -> None:
            while True:
                await websocket.send(b"x" * 1_000_000)

        with pytest.raises(trio.BrokenResourceError):
            await send_for_ever()
        over.set()

    async with serving(served) as port:
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        async with stream:
            await stream.send_all(HANDSHAKE)
            with trio.fail_after(20):
                await over.wait()


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x81\x02hi", 1002),  # not masked
        (b"\xc1\x80abcd", 1002),  # a reserved bit
        (b"\x81\x82\x00\x00\x00\x00\xff\xff", 1007),  # not UTF-8
    ],
)
async def test_a_broken_frame_is_closed_with_its_code(frame, code):
    async with serving(echo) as port:
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        async with stream:
            await stream.send_all(HANDSHAKE + frame)
            said = b"".join([bytes(part) async for part in stream])
    close = said.partition(b"\r\n\r\n")[2]
    assert close[0] == 0x88
    assert struct.unpack("!H", close[2:4])[0] == code


async def test_frames_that_come_with_the_handshake_are_heard():
    async with serving(echo) as port:
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        async with stream:
            await stream.send_all(HANDSHAKE + masked(0x81, b"early") + masked(0x88, struct.pack("!H", 1000)))
            said = b"".join([bytes(part) async for part in stream])
    assert said.partition(b"\r\n\r\n")[2] == b"\x81\x05early\x88\x02\x03\xe8"


async def test_a_bad_handshake_is_a_400_and_plain_requests_still_work():
    async with serving(echo) as port:
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        async with stream:
            await stream.send_all(b"GET / HTTP/1.1\r\nHost: lab\r\n\r\n")
            assert (await stream.receive_some()).endswith(b"plain")
            await stream.send_all(HANDSHAKE.replace(b"Version: 13", b"Version: 7"))
            assert b"".join([bytes(part) async for part in stream]).startswith(b"HTTP/1.1 400 ")


async def test_a_crash_in_the_server_ends_the_connection_and_is_seen(capfd):
    async def served(websocket: WebSocket) -> None:
        raise ZeroDivisionError("a bug")

    def run(port: int) -> None:
        with connect(f"ws://127.0.0.1:{port}/") as client, pytest.raises(ConnectionClosedError):
            client.recv(timeout=10)

    async with serving(served) as port:
        await trio.to_thread.run_sync(run, port)
    assert "ZeroDivisionError: a bug" in capfd.readouterr().err


async def test_the_server_may_ping_and_notices_silence():
    async def served(websocket: WebSocket) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(websocket.receive)
            await ws_server.keep_pinging(websocket, 0.05, misses=3)
            websocket.abort()

    async with serving(served) as port:
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        async with stream:
            await stream.send_all(HANDSHAKE)
            said = b""
            with trio.fail_after(20):
                while not said.endswith(b"\x89\x00" * 3):
                    said += await stream.receive_some()
                with pytest.raises(trio.BrokenResourceError):
                    await stream.receive_some()


def masked(first: int, payload: bytes) -> bytes:
    """A client's frame, masked with zeros."""
    assert len(payload) < 126
    return bytes([first, 0x80 | len(payload), 0, 0, 0, 0]) + payload
