"""The server's loop, byte by byte, with clients that behave and clients that do not."""

from functools import partial

import pytest
import trio
import trio.testing

from battlectl.lab.net import http_server as hs
from battlectl.lab.net.http_server import serve_connection
from battlectl.lab.net.wire import Request, Response

HELLO = b"POST /x?y=1 HTTP/1.1\r\nHost: lab\r\nX-Request-Id: r-1\r\nContent-Length: 2\r\n\r\nhi"


async def echo(request: Request) -> Response:
    if request.target == "/bug":
        raise ZeroDivisionError("a bug")
    if request.target == "/nothing":
        return Response(204)
    return Response(200, ((b"x-seen", request.method.encode()),), request.body)


async def talk(*pieces: bytes, close: bool = True) -> bytes:
    """All that the server says to these pieces, until it closes or has nothing more to do."""
    ours, theirs = trio.testing.memory_stream_pair()
    answer = bytearray()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_connection, theirs, echo)
        for piece in pieces:
            await ours.send_all(piece)
            await trio.testing.wait_all_tasks_blocked()
        if close:
            await ours.send_eof()
        async for data in ours:
            answer += data
        await ours.aclose()
    return bytes(answer)


async def test_a_connection_carries_many_requests():
    answer = await talk(HELLO, HELLO, HELLO)
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 3
    assert answer.endswith(b"content-length: 2\r\n\r\nhi")


async def test_a_request_may_arrive_byte_by_byte_or_two_at_once():
    drip = await talk(*(bytes([byte]) for byte in HELLO))
    assert drip.count(b"200 OK") == 1
    assert (await talk(HELLO + HELLO)).count(b"200 OK") == 2


async def test_chunked_bodies_and_expect_continue():
    chunked = (
        b"POST / HTTP/1.1\r\nHost: lab\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    assert (await talk(chunked)).endswith(b"\r\n\r\nabcde")
    expecting = b"POST / HTTP/1.1\r\nHost: lab\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    answer = await talk(expecting, b"ok")
    assert answer.startswith(b"HTTP/1.1 100 ")
    assert answer.endswith(b"ok")


async def test_head_and_204_have_no_body():
    assert (await talk(b"HEAD / HTTP/1.1\r\nHost: lab\r\n\r\n")).endswith(b"\r\n\r\n")
    nothing = await talk(b"GET /nothing HTTP/1.1\r\nHost: lab\r\n\r\n")
    assert nothing.startswith(b"HTTP/1.1 204 No Content\r\n")
    assert b"content-length" not in nothing


async def test_connection_close_is_honoured():
    answer = await talk(b"GET / HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n", close=False)
    assert b"connection: close" in answer.lower()


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: lab\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: lab\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: lab\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: lab\r\n bad: fold\r\nX y: z\r\n\r\n",
    ],
)
async def test_garbage_is_a_400_and_the_end(garbage):
    answer = await talk(garbage)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"connection: close" in answer.lower()


async def test_endless_headers_are_refused():
    answer = await talk(b"GET / HTTP/1.1\r\nHost: lab\r\nX: " + b"a" * (hs.HEADER_LIMIT + 1))
    assert answer.startswith(b"HTTP/1.1 431 ")


async def test_a_body_over_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr(hs, "BODY_LIMIT", 10)
    answer = await talk(b"POST / HTTP/1.1\r\nHost: lab\r\nContent-Length: 11\r\n\r\n" + b"a" * 11)
    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_a_bug_in_the_handler_is_a_500_and_the_server_lives(capsys):
    answer = await talk(b"GET /bug HTTP/1.1\r\nHost: lab\r\n\r\n", HELLO)
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"HTTP/1.1 200 OK" in answer
    assert "ZeroDivisionError" in capsys.readouterr().err


async def test_a_client_that_leaves_in_the_middle_is_forgotten():
    assert (await talk(HELLO[:-1])).startswith(b"HTTP/1.1 400 ")
    assert await talk(b"") == b""


async def test_an_idle_connection_is_closed_in_the_end(autojump_clock):
    start = trio.current_time()
    assert await talk(HELLO[:10], close=False) == b""
    assert trio.current_time() - start == pytest.approx(hs.IDLE_SECONDS)


async def test_a_slow_handler_is_not_idleness(autojump_clock):
    ours, theirs = trio.testing.memory_stream_pair()

    async def slow(request: Request) -> Response:
        await trio.sleep(2 * hs.IDLE_SECONDS)
        return Response(200)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(serve_connection, theirs, slow))
        await ours.send_all(HELLO)
        assert (await ours.receive_some()).startswith(b"HTTP/1.1 200 OK")
        nursery.cancel_scope.cancel()


async def test_of_a_name_with_two_addresses_the_first_is_taken():
    """As localhost has on most machines; both at port 0 would be two ports."""

    class TwoAddresses(trio.abc.HostnameResolver):
        async def getaddrinfo(self, host, port, family=0, type=0, proto=0, flags=0):
            stream = (trio.socket.AF_INET, trio.socket.SOCK_STREAM, 0, "")
            return [(*stream, (address, port)) for address in ("127.0.0.1", "127.0.0.2")]

        async def getnameinfo(self, sockaddr, flags):
            raise AssertionError("an address is looked up, and never its name")

    trio.socket.set_custom_hostname_resolver(TwoAddresses())
    async with await hs.open_listener("twofold", 0) as listener:
        assert hs.listener_url(listener).startswith("http://127.0.0.1:")
