"""The WebSocket client of relays against servers that are not ours: the `websockets` package, or bytes."""

import ssl
import threading
from contextlib import asynccontextmanager, contextmanager

import pytest
import trio
import trustme
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close
from websockets.sync.server import serve as serve_websockets

from battlectl.lab.net import ws_client
from battlectl.lab.net.http_server import listener_url, open_listener
from battlectl.lab.net.ws_client import HandshakeFailed, open_socket
from battlectl.lab.net.ws_server import Ended

LONG = 10.0


@contextmanager
def node(talk, **options):
    """A WebSocket server in a thread; `talk(websocket)` is run for each connection. Yields its URL."""
    scheme = "wss" if options.get("ssl") else "ws"
    with serve_websockets(talk, "127.0.0.1", 0, max_size=None, close_timeout=1, **options) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"{scheme}://127.0.0.1:{server.socket.getsockname()[1]}/ws?key=1"
        finally:
            server.shutdown()
            thread.join()


@asynccontextmanager
async def server_that(talk):
    """A TCP server that runs `talk(stream)`; yields a ws:// URL."""
    async with trio.open_nursery() as nursery:
        listener = await open_listener("127.0.0.1", 0)
        nursery.start_soon(trio.serve_listeners, talk, [listener])
        yield listener_url(listener).replace("http", "ws")
        nursery.cancel_scope.cancel()


def echo(websocket):
    for message in websocket:
        websocket.send(message)


async def test_messages_pass_in_both_directions_and_pings_are_answered():
    answered = threading.Event()

    def talk(websocket):
        websocket.send(websocket.request.path)
        if websocket.ping().wait(LONG):
            answered.set()
        echo(websocket)

    with node(talk) as url, trio.fail_after(LONG):
        async with open_socket(url, [(b"x-key", b"k")]) as socket:
            assert await socket.receive() == b"/ws?key=1"
            await trio.to_thread.run_sync(answered.wait, LONG)
            for text in (b'{"id":1}', "\u00e9\u4e2d".encode(), b"", b"x" * 300_000):
                await socket.send(text)
                assert await socket.receive() == text
    assert answered.is_set()


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1012, "restart"), (4321, "own")])
async def test_the_close_code_of_the_server_is_the_end(code, reason):
    with node(lambda websocket: websocket.close(code, reason)) as url, trio.fail_after(LONG):
        async with open_socket(url) as socket:
            assert await socket.receive() == Ended(code, reason)
            await socket.send(b"too late")
            assert await socket.receive() == Ended(code, reason)


async def test_a_close_frame_without_a_code_is_1005():
    def talk(websocket):
        with websocket.protocol_mutex:
            websocket.protocol.send_close()
            websocket.send_data()

    with node(talk) as url, trio.fail_after(LONG):
        async with open_socket(url) as socket:
            assert await socket.receive() == Ended(1005)


async def test_what_came_before_the_end_is_still_received():
    def talk(websocket):
        websocket.send("one")
        websocket.send("two")
        websocket.socket.shutdown(2)

    with node(talk) as url, trio.fail_after(LONG):
        async with open_socket(url) as socket:
            assert [await socket.receive() for _ in range(3)] == [b"one", b"two", Ended(None)]


@pytest.mark.parametrize("code", [1000, 1001, 4321, 1005])
async def test_our_close_code_reaches_the_server(code):
    seen = []

    def talk(websocket):
        with pytest.raises(ConnectionClosed) as ended:
            websocket.recv()
        seen.append(ended.value.rcvd)

    with node(talk) as url, trio.fail_after(LONG):
        async with open_socket(url) as socket:
            await socket.close(code, "" if code == 1005 else "bye")
    assert seen == [Close(code, "" if code == 1005 else "bye")]


async def test_leaving_the_block_cuts_the_connection_without_a_close_frame():
    seen = []

    def talk(websocket):
        with pytest.raises(ConnectionClosed) as ended:
            websocket.recv()
        seen.append(ended.value.rcvd)

    with node(talk) as url, trio.fail_after(LONG):
        async with open_socket(url):
            pass
    assert seen == [None]


async def test_what_is_raised_inside_comes_out_as_it_is():
    with node(echo) as url, pytest.raises(KeyError):
        async with open_socket(url):
            raise KeyError("ours")


async def test_cancelling_ends_it():
    with node(echo) as url, trio.move_on_after(0.2) as scope:
        async with open_socket(url) as socket:
            await socket.receive()
    assert scope.cancelled_caught


async def test_a_refused_handshake_carries_what_the_server_said():
    def refuse(connection, request):
        return connection.respond(403, "not you\n")

    with node(echo, process_request=refuse) as url, pytest.raises(HandshakeFailed, match="403") as failed:
        async with open_socket(url):
            pass
    assert failed.value.refusal.status == 403
    assert failed.value.refusal.body == b"not you\n"


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
        b"sec-websocket-accept: wrong\r\n\r\n",
    ],
)
async def test_a_handshake_that_the_server_breaks_off_is_an_error_at_once(said):
    async def talk(stream):
        async with stream:
            await stream.receive_some()
            await stream.send_all(said)

    async with server_that(talk) as url:
        with trio.fail_after(LONG), pytest.raises(HandshakeFailed):
            async with open_socket(url):
                pass


async def test_a_refused_connection_says_so():
    listener = await open_listener("127.0.0.1", 0)
    url = listener_url(listener).replace("http", "ws")
    await listener.aclose()
    with pytest.raises(HandshakeFailed, match="refused"):
        async with open_socket(url):
            pass


async def test_garbage_frames_end_the_socket():
    def talk(websocket):
        websocket.socket.sendall(b"\xff" * 64)
        websocket.socket.recv(100)

    with node(talk) as url, trio.fail_after(LONG):
        async with open_socket(url) as socket:
            assert isinstance(await socket.receive(), Ended)


async def test_a_message_beyond_the_limit_is_1009(monkeypatch):
    monkeypatch.setattr(ws_client, "MESSAGE_LIMIT", 1_000)

    def talk(websocket):
        websocket.send("x" * 5_000)
        with pytest.raises(ConnectionClosed):
            websocket.recv()

    with node(talk) as url, trio.fail_after(LONG):
        async with open_socket(url) as socket:
            assert (await socket.receive()).code == 1009


async def test_a_reader_that_stops_stops_the_server():
    """32 MiB fit nowhere: neither in the kernel's buffers nor in one held message."""
    sent = []

    def talk(websocket):
        for _ in range(512):
            websocket.send("x" * 65_536)
            sent.append(1)

    with node(talk) as url, trio.fail_after(30):
        async with open_socket(url) as socket:
            await socket.receive()
            seen = -1
            while seen != len(sent):
                seen = len(sent)
                await trio.sleep(0.3)
            assert seen < 500
            for _ in range(511):
                assert await socket.receive() == b"x" * 65_536
            assert isinstance(await socket.receive(), Ended)


async def test_a_server_that_does_not_read_makes_sending_wait():
    release = threading.Event()

    def talk(websocket):
        release.wait(LONG)

    with node(talk) as url, trio.fail_after(30):
        async with open_socket(url) as socket:
            sent = 0
            with trio.move_on_after(1.0):
                while sent < 1_000:
                    await socket.send(b"x" * 65_536)
                    sent += 1
            release.set()
            assert sent < 1_000


async def test_wss_knows_its_certificate_authority():
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with node(echo, ssl=server) as url, trio.fail_after(LONG):
        async with open_socket(url, tls=trusting) as socket:
            await socket.send(b"{}")
            assert await socket.receive() == b"{}"
        with pytest.raises(HandshakeFailed, match="certificate"):
            async with open_socket(url):
                pass
