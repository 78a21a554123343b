"""Relays as backends: what a node behind one sees, and what comes back, by servers that say exact bytes."""

import ssl
from contextlib import asynccontextmanager

import pytest
import trio
import trustme
from websockets.exceptions import ConnectionClosed

from battlectl.lab.net.http_server import json_response, listener_url, open_listener, serve
from battlectl.lab.net.wire import Request, Response
from battlectl.lab.net.ws_server import Ended
from battlectl.lab.provider.backend import Unreachable
from battlectl.lab.provider.relay import Relay, relay_to
from battlectl.lab.provider.relay_address import BadAddress, RelayAddress, hosts_of, read_address
from tests.lab.test_lab_relay_ws_client import LONG, node

BODY = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}'


def asked(body=BODY, method="POST", target="/somewhere", headers=()):
    return Request(method, target, [(b"host", b"relay:1"), *headers], body)


def see_nothing(view):
    raise AssertionError("a relay has no view")


async def respond(relay: Relay, request: Request) -> Response:
    with trio.fail_after(LONG):
        return await relay.respond(request, request.body, see_nothing)


@asynccontextmanager
async def relay_before(handler, path="/"):
    """A relay before an HTTP server with this handler, and the requests that reached it."""
    seen = []

    async def remember(request):
        seen.append(request)
        return await handler(request)

    async with trio.open_nursery() as nursery:
        listener = await open_listener("127.0.0.1", 0)
        nursery.start_soon(serve, listener, remember)
        relay = relay_to(read_address(listener_url(listener) + path))
        yield relay, seen
        await relay.close()
        nursery.cancel_scope.cancel()


async def say_hex(request):
    return json_response(200, b'{"jsonrpc":"2.0","id":"battlectl-relay","result":"0x1f"}')


async def test_a_request_reaches_the_node_as_it_was_said():
    headers = [
        *((b"content-type", b"application/json; charset=utf-8"), (b"x-request-id", b"r-1")),
        *((b"authorization", b"Bearer b"), (b"user-agent", b"ua"), (b"accept", b"*/*")),
    ]
    of_the_connection = [(b"connection", b"keep-alive"), (b"accept-encoding", b"gzip"), (b"te", b"x")]
    body = b' {"id": 1.50, "jsonrpc":"2.0" , "method":"a\\u0041"}\n'
    async with relay_before(say_hex, "/v3/key?a=1") as (relay, seen):
        await respond(relay, asked(body, headers=[*headers, *of_the_connection]))
        (request,) = seen
    assert (request.method, request.target, request.body) == ("POST", "/v3/key?a=1", body)
    host = (b"host", f"127.0.0.1:{relay.pool.port}".encode())
    assert sorted(request.headers) == sorted([host, *headers, (b"content-length", b"%d" % len(body))])


async def test_the_body_may_be_another_than_that_of_the_request():
    async with relay_before(say_hex) as (relay, seen):
        await relay.respond(asked(), b"[]", see_nothing)
    assert seen[0].body == b"[]"


async def test_the_answer_comes_back_with_status_and_headers():
    async def limited(request):
        extra = [(b"retry-after", b"7"), (b"set-cookie", b"a"), (b"set-cookie", b"b"), (b"keep-alive", b"5")]
        return Response(429, [(b"content-type", b"text/html"), *extra], b"<p>slow down\xff\x00")

    async with relay_before(limited) as (relay, _):
        response = await respond(relay, asked())
    assert (response.status, response.body) == (429, b"<p>slow down\xff\x00")
    assert response.headers == [
        *((b"content-type", b"text/html"), (b"retry-after", b"7")),
        *((b"set-cookie", b"a"), (b"set-cookie", b"b")),
    ]


async def test_other_methods_pass_too_except_those_whose_answers_have_no_body():
    async def say_method(request):
        return Response(200, (), request.method.encode())

    async with relay_before(say_method) as (relay, seen):
        assert (await respond(relay, asked(b"", "GET"))).body == b"GET"
        assert (await respond(relay, asked(b"", "OPTIONS"))).body == b"OPTIONS"
        assert (await respond(relay, asked(b"", "HEAD"))).status == 405
        assert len(seen) == 2


async def test_an_empty_answer_stays_empty():
    async def nothing(request):
        return Response(204)

    async with relay_before(nothing) as (relay, _):
        assert (await respond(relay, asked())) == Response(204, [], b"")


async def test_the_head_is_what_the_node_says():
    async with relay_before(say_hex) as (relay, seen):
        assert await relay.head() == 31
    assert b"eth_blockNumber" in seen[0].body


@pytest.mark.parametrize(
    "body",
    [b"no", b"{}", b'{"error":{"code":-32000}}', b'{"result":null}', b'{"result":"x"}', b'{"result":5}'],
)
async def test_a_node_without_a_head_is_unreachable(body):
    async def say(request):
        return json_response(200, body)

    async with relay_before(say) as (relay, _):
        with pytest.raises(Unreachable):
            await relay.head()


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}", b"garbage\r\n\r\n"])
async def test_a_node_that_gives_no_whole_answer_is_unreachable(said):
    async def talk(stream):
        async with stream:
            await stream.receive_some()
            await stream.send_all(said)

    async with trio.open_nursery() as nursery:
        listener = await open_listener("127.0.0.1", 0)
        nursery.start_soon(trio.serve_listeners, talk, [listener])
        relay = relay_to(read_address(listener_url(listener)))
        with pytest.raises(Unreachable):
            await respond(relay, asked())
        nursery.cancel_scope.cancel()


async def test_a_node_that_is_not_there_is_unreachable():
    listener = await open_listener("127.0.0.1", 0)
    relay = relay_to(read_address(listener_url(listener)))
    await listener.aclose()
    with pytest.raises(Unreachable, match="refused"):
        await respond(relay, asked())
    with pytest.raises(Unreachable, match="refused"):
        await relay.head()
    with pytest.raises(Unreachable, match="refused"):
        async with relay.session(asked(b"", "GET"), see_nothing):
            pass


async def test_https_is_spoken_to_whoever_has_a_certificate():
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    async def talk(stream):
        secure = trio.SSLStream(stream, server, server_side=True, https_compatible=True)
        try:
            while await secure.receive_some():
                await secure.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        except trio.BrokenResourceError:
            pass
        finally:
            await trio.aclose_forcefully(secure)

    async with trio.open_nursery() as nursery:
        listener = await open_listener("127.0.0.1", 0)
        nursery.start_soon(trio.serve_listeners, talk, [listener])
        address = read_address(listener_url(listener).replace("http://127.0.0.1", "https://localhost"))
        relay = relay_to(address, trusting)
        for _ in range(2):
            assert (await respond(relay, asked())).body == b"{}"
        assert len(relay.pool.idle) == 1
        with pytest.raises(Unreachable, match="certificate"):
            await respond(relay_to(address), asked())
        await relay.close()
        nursery.cancel_scope.cancel()


async def test_a_session_is_a_socket_of_its_own_with_the_headers_of_the_client():
    seen = []

    def talk(websocket):
        seen.append(websocket.request)
        for message in websocket:
            websocket.send(f"{len(seen)}:{message}")

    handshake = [(b"upgrade", b"websocket"), (b"connection", b"Upgrade"), (b"sec-websocket-key", b"theirs")]
    request = asked(b"", "GET", headers=[*handshake, (b"authorization", b"Bearer b"), (b"origin", b"o")])
    with node(talk) as url, trio.fail_after(LONG):
        relay = relay_to(RelayAddress("http://127.0.0.1:9", url))
        async with relay.session(request, see_nothing) as first:
            await first.send(b"a", see_nothing)
            assert await first.receive() == b"1:a"
            async with relay.session(request, see_nothing) as second:
                await second.send(b"b", see_nothing)
                assert await second.receive() == b"2:b"
    headers = seen[0].headers
    assert (seen[0].path, headers["authorization"], headers["origin"]) == ("/ws?key=1", "Bearer b", "o")
    assert headers.get_all("sec-websocket-key") != ["theirs"]
    assert len(headers.get_all("host")) == len(headers.get_all("upgrade")) == 1


@pytest.mark.parametrize("how", [Ended(4001, "tired"), Ended(1001), Ended(1005)])
async def test_the_close_code_of_the_client_reaches_the_node(how):
    seen = []

    def talk(websocket):
        with pytest.raises(ConnectionClosed) as ended:
            websocket.recv()
        seen.append(ended.value.rcvd)

    with node(talk) as url, trio.fail_after(LONG):
        relay = relay_to(RelayAddress("http://127.0.0.1:9", url))
        async with relay.session(asked(b"", "GET"), see_nothing) as session:
            await session.client_ended(how)
    assert [(close.code, close.reason) for close in seen] == [(how.code, how.reason)]


async def test_a_client_that_just_went_away_is_no_close_frame():
    seen = []

    def talk(websocket):
        with pytest.raises(ConnectionClosed) as ended:
            websocket.recv()
        seen.append(ended.value.rcvd)

    with node(talk) as url, trio.fail_after(LONG):
        relay = relay_to(RelayAddress("http://127.0.0.1:9", url))
        async with relay.session(asked(b"", "GET"), see_nothing) as session:
            await session.client_ended(Ended(None))
    assert seen == [None]


async def test_a_refused_handshake_is_unreachable_with_what_was_said():
    def refuse(connection, request):
        return connection.respond(401, "who are you\n")

    with node(lambda websocket: None, process_request=refuse) as url:
        relay = relay_to(RelayAddress("http://127.0.0.1:9", url))
        with pytest.raises(Unreachable) as failed:
            async with relay.session(asked(b"", "GET"), see_nothing):
                pass
    assert (failed.value.refusal.status, failed.value.refusal.body) == (401, b"who are you\n")
    assert b"content-length" not in dict(failed.value.refusal.headers)


@pytest.mark.parametrize(
    ("text", "ws_url"),
    [
        ("http://127.0.0.1:8545", "ws://127.0.0.1:8545"),
        ("https://node.example/v3/key?a=1", "wss://node.example/v3/key?a=1"),
        ("http://[::1]:8545/", "ws://[::1]:8545/"),
        ("http://127.0.0.1:8545 ws://127.0.0.1:8546/ws", "ws://127.0.0.1:8546/ws"),
    ],
)
def test_the_websocket_is_where_http_is_unless_it_is_said(text, ws_url):
    address = read_address(text)
    assert address == RelayAddress(text.split()[0], ws_url)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *(("", "URL"), ("a b c", "URL"), ("127.0.0.1:8545", "http or https"), ("ftp://a", "ftp")),
        *(("http://", "host"), ("http://a:x", "port"), ("http://a:99999", "port"), ("http://a:0", "port")),
        *(("http://u:p@a", "user"), ("http://a#b", "fragment"), ("http://a http://b", "ws or wss")),
        *(("http://\u00e4", "ASCII"), ("http://[::1", "host")),
    ],
)
def test_what_is_no_address_is_refused_in_words(text, reason):
    with pytest.raises(BadAddress, match=reason):
        read_address(text)


def test_both_hosts_are_known_to_whoever_must_refuse_one():
    assert hosts_of(read_address("http://127.0.0.1:1 ws://far.example")) == {"127.0.0.1", "far.example"}


async def test_an_idle_connection_that_the_node_has_closed_costs_no_request():
    asked_at = []

    async def answer_once(stream):
        async with stream:
            await stream.receive_some()
            asked_at.append(stream)
            await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")

    async with trio.open_nursery() as nursery:
        listener = await open_listener("127.0.0.1", 0)
        nursery.start_soon(trio.serve_listeners, answer_once, [listener])
        relay = relay_to(read_address(listener_url(listener)))
        for number in range(1, 4):
            assert (await respond(relay, asked())).body == b"{}"
            assert len(asked_at) == number
            assert len(relay.pool.idle) == 1  # closed by the node, which nobody has noticed yet
        await relay.close()
        nursery.cancel_scope.cancel()
