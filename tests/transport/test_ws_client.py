"""Requests over WebSockets: each ends once, as what happened to it, on servers of all sorts."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import pytest
import trio
import trustme
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, serve_websocket

from battlectl.observe import unasked
from battlectl.transport.base import Endpoint, Exchange, Limits, NoReply, Reply, parse_endpoint
from battlectl.transport.ws_client import WsClient

pytestmark = pytest.mark.real

Talk = Callable[[WebSocketConnection], Awaitable[None]]
LIMITS = Limits(connections=1, timeout=2.0, max_body=100_000)


def answer(message: dict[str, object], result: object = "0x1") -> str:
    return json.dumps({"jsonrpc": "2.0", "id": message.get("id"), "result": result})


async def echo(socket: WebSocketConnection) -> None:
    while True:
        told = json.loads(await socket.get_message())
        if isinstance(told, list):
            await socket.send_message(json.dumps([json.loads(answer(one)) for one in told]))
        else:
            await socket.send_message(answer(told, told["params"]))


async def backwards(socket: WebSocketConnection) -> None:
    """Three at a time, the last first."""
    while True:
        told = [json.loads(await socket.get_message()) for _ in range(3)]
        for one in reversed(told):
            await socket.send_message(answer(one, one["params"]))


async def silent(socket: WebSocketConnection) -> None:
    while True:
        await socket.get_message()


async def cut(socket: WebSocketConnection) -> None:
    await socket.get_message()
    await socket._stream.aclose()


def once(*messages: str) -> Talk:
    """Send these after the first request, then nothing."""

    async def talk(socket: WebSocketConnection) -> None:
        await socket.get_message()
        for message in messages:
            await socket.send_message(message)
        await silent(socket)

    return talk


def close_with(code: int, reason: str | None = None) -> Talk:
    async def talk(socket: WebSocketConnection) -> None:
        await socket.get_message()
        await socket.aclose(code, reason)

    return talk


@asynccontextmanager
async def serving(*talks: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[Endpoint]:
    """The n-th connection is talked to by the n-th, all that follow by the last."""
    turns = iter(talks)
    last = talks[-1]

    async def handle(request: WebSocketRequest) -> None:
        socket = await request.accept()
        try:
            await next(turns, last)(socket)
        except ConnectionClosed:
            return

    async with trio.open_nursery() as nursery:
        server = await nursery.start(
            partial(serve_websocket, handle, "127.0.0.1", 0, ssl_context=tls, handler_nursery=nursery)
        )
        yield parse_endpoint(f"http{'s' * (tls is not None)}://127.0.0.1:{server.port}/rpc")
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def sending(endpoint: Endpoint, limits: Limits = LIMITS) -> AsyncIterator[WsClient]:
    async with trio.open_nursery() as nursery:
        client = WsClient(endpoint, limits)
        await nursery.start(client.serve)
        yield client
        nursery.cancel_scope.cancel()


def body(id_: int) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": id_, "method": "eth_x", "params": [id_]}).encode()


async def ask(client: WsClient, *bodies: bytes, within: float = 2.0) -> list[Reply | NoReply]:
    """How each of these ends."""
    ended: dict[int, Reply | NoReply] = {}
    over = trio.Event()

    def finish(number: int, exchange: Exchange) -> None:
        assert number not in ended
        assert exchange.answer is not None
        ended[number] = exchange.answer
        if len(ended) == len(bodies):
            over.set()

    now = trio.current_time()
    for number, text in enumerate(bodies):
        client.submit(Exchange(text, str(number), now, now + within, partial(finish, number)))
    with trio.fail_after(within + 5):
        await over.wait()
    return [ended[number] for number in range(len(bodies))]


def results(answers: Sequence[Reply | NoReply]) -> list[object]:
    return [json.loads(one.body)["result"] if isinstance(one, Reply) else one.outcome for one in answers]


async def one_outcome(talk: Talk, limits: Limits = LIMITS, within: float = 2.0) -> NoReply:
    async with serving(talk, echo) as endpoint, sending(endpoint, limits) as client:
        [found] = await ask(client, body(1), within=within)
        assert isinstance(found, NoReply)
        return found


@pytest.mark.parametrize("connections", [1, 3])
async def test_many_under_way_are_told_apart_by_their_ids(connections):
    limits = replace(LIMITS, connections=connections)
    told: list[str] = []
    async with serving(echo) as endpoint, sending(endpoint, limits) as client:
        client.on_unasked = lambda kind, _: told.append(kind)
        found = await ask(client, *(body(i) for i in range(1, 301)))
        assert results(found) == [[i] for i in range(1, 301)]
        assert client.opened <= connections
        assert told == []


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


async def test_through_tls_it_is_the_same_also_where_much_comes_at_once(authority, server_tls, tmp_path):
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    large = json.dumps({"jsonrpc": "2.0", "id": 301, "method": "eth_x", "params": ["x" * 90_000]}).encode()
    async with serving(echo, tls=server_tls) as endpoint:
        trusted = replace(endpoint, ca_file=str(tmp_path / "ca.pem"))
        async with sending(trusted) as client:
            found = await ask(client, *(body(i) for i in range(1, 301)), large, within=10.0)
    assert results(found) == [*([i] for i in range(1, 301)), ["x" * 90_000]]


async def test_a_certificate_that_nobody_vouches_for_is_refused_as_such(server_tls):
    async with serving(echo, tls=server_tls) as endpoint, sending(endpoint) as client:
        [found] = await ask(client, body(1))
        assert isinstance(found, NoReply)
        assert found.outcome == "tls"


async def test_answers_may_come_in_any_order():
    async with serving(backwards) as endpoint, sending(endpoint) as client:
        assert results(await ask(client, body(7), body(8), body(9))) == [[7], [8], [9]]


async def test_a_batch_is_one_request_whatever_its_answers_order():
    batch = b"[" + body(1) + b"," + body(2) + b"]"
    async with serving(echo) as endpoint, sending(endpoint) as client:
        [found] = await ask(client, batch)
        assert isinstance(found, Reply)
        assert [one["id"] for one in json.loads(found.body)] == [1, 2]


async def test_no_answer_is_a_timeout():
    found = await one_outcome(silent, within=0.3)
    assert (found.outcome, found.seen) == ("timeout", "sent, no whole answer")


@pytest.mark.parametrize(
    "message", ["no json", "[]", '{"method": "eth_subscription"}', '{"id": 99, "result": 1}', '{"id": [1]}']
)
async def test_what_answers_nothing_is_counted_and_shown(message):
    found = await one_outcome(once(message), within=0.4)
    assert found.outcome == "timeout"
    assert found.seen.endswith(f"; 1 messages so far answered nothing, the first was {message}")


class Told:
    """Hears of what answers nothing; `all` waits until so many were told of."""

    def __init__(self, number: int) -> None:
        self.kinds: list[str] = []
        self._number = number
        self._over = trio.Event()
        if not number:
            self._over.set()

    def __call__(self, kind: str, message: bytes) -> None:
        self.kinds.append(kind)
        if len(self.kinds) == self._number:
            self._over.set()

    async def all(self) -> None:
        with trio.move_on_after(5):
            await self._over.wait()


ERROR = '{"jsonrpc": "2.0", "id": null, "error": {"code": -32600, "message": "?"}}'
UNASKED = [
    (["no json"], [unasked.NO_MESSAGE]),
    (["[]"], [unasked.NO_MESSAGE]),
    (['{"id": [1], "result": 1}'], [unasked.NO_MESSAGE]),
    (['{"id": 99, "result": 1}'], [unasked.TO_NOTHING]),
    (['{"id": "1", "result": 1}'], [unasked.TO_NOTHING]),
    ([answer({"id": 1})] * 3, [unasked.SECOND] * 2),
    (
        ['[{"id": 2, "result": 1}]', answer({"id": 1}), answer({"id": 1})],
        [unasked.TO_NOTHING, unasked.SECOND],
    ),
    (['{"method": "eth_subscription", "params": {}}'], [unasked.NOT_SUBSCRIBED]),
    (['{"method": "lasso_meta", "params": {}}'], []),
    (['{"method": "notice"}'], [unasked.FOREIGN]),
    ([answer({"id": 1}), ERROR], [unasked.NAMELESS]),
]


@pytest.mark.parametrize(("messages", "kinds"), UNASKED)
async def test_each_message_that_answers_nothing_is_told_by_its_kind(messages, kinds):
    told = Told(len(kinds))
    async with serving(once(*messages)) as endpoint, sending(endpoint) as client:
        client.on_unasked = told
        await ask(client, body(1), within=0.4)
        await told.all()
    assert told.kinds == kinds


async def test_an_answer_after_its_deadline_is_late_and_one_after_that_is_the_second():
    async def talk(socket: WebSocketConnection) -> None:
        await socket.get_message()
        await trio.sleep(0.4)
        for _ in range(2):
            await socket.send_message(answer({"id": 1}))
        await silent(socket)

    told = Told(2)
    async with serving(talk) as endpoint, sending(endpoint) as client:
        client.on_unasked = told
        assert results(await ask(client, body(1), within=0.2)) == ["timeout"]
        await told.all()
    assert told.kinds == [unasked.LATE, unasked.SECOND]


async def test_an_error_that_names_no_id_is_about_the_only_request_under_way():
    error = '{"jsonrpc": "2.0", "id": null, "error": {"code": -32600, "message": "no batches"}}'
    async with serving(once(error)) as endpoint, sending(endpoint) as client:
        [found] = await ask(client, body(1))
        assert isinstance(found, Reply)
        assert json.loads(found.body)["error"]["code"] == -32600


async def test_with_two_under_way_nobody_knows_which_it_is_about():
    error = '{"jsonrpc": "2.0", "id": null, "error": {"code": -32600, "message": "no batches"}}'
    async with serving(once(error)) as endpoint, sending(endpoint) as client:
        found = await ask(client, body(1), body(2), within=0.4)
        assert results(found) == ["timeout", "timeout"]


@pytest.mark.parametrize(("code", "reason"), [(1000, None), (1011, "restarting"), (4001, "go away")])
async def test_a_close_frame_ends_what_is_under_way_as_closed(code, reason):
    found = await one_outcome(close_with(code, reason))
    words = f"closed with code {code}" + (f": {reason}" if reason else "")
    assert (found.outcome, found.seen) == ("closed", words)


async def test_a_lost_connection_is_a_reset():
    assert (await one_outcome(cut)).outcome == "reset"


async def test_a_message_that_is_too_large_is_not_read():
    found = await one_outcome(once("x" * 200_000))
    assert found.outcome == "too_large"


async def test_after_the_end_of_a_socket_the_next_request_goes_over_a_new_one():
    async with serving(close_with(1001), echo) as endpoint, sending(endpoint) as client:
        assert results(await ask(client, body(1))) == ["closed"]
        assert results(await ask(client, body(2))) == [[2]]
        assert client.opened == 2


async def test_a_port_that_nobody_listens_on_refuses_at_once():
    async with sending(parse_endpoint("http://127.0.0.1:1/")) as client:
        began = trio.current_time()
        [found] = await ask(client, body(1), within=5.0)
        assert isinstance(found, NoReply)
        assert found.outcome == "refused"
        assert trio.current_time() - began < 4


@pytest.mark.parametrize(
    ("raw", "outcome"),
    [
        (b"HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n", "http_error(503)"),
        (b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno", "http_error(403)"),
        (b"", "closed"),
        (b"garbage\r\n\r\n", "malformed"),
    ],
)
async def test_a_refused_handshake_says_why(raw, outcome):
    async def handle(stream: trio.SocketStream) -> None:
        await stream.receive_some(4096)
        await stream.send_all(raw)
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        [listener] = await nursery.start(partial(trio.serve_tcp, handle, 0, host="127.0.0.1"))
        port = listener.socket.getsockname()[1]
        async with sending(parse_endpoint(f"http://127.0.0.1:{port}/")) as client:
            [found] = await ask(client, body(1), within=5.0)
        nursery.cancel_scope.cancel()
    assert isinstance(found, NoReply)
    assert found.outcome == outcome


async def test_a_handshake_that_never_ends_is_a_timeout():
    async def never(stream: trio.SocketStream) -> None:
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        [listener] = await nursery.start(partial(trio.serve_tcp, never, 0, host="127.0.0.1"))
        port = listener.socket.getsockname()[1]
        limits = replace(LIMITS, timeout=0.5)
        async with sending(parse_endpoint(f"http://127.0.0.1:{port}/"), limits) as client:
            [found] = await ask(client, body(1), within=0.5)
        nursery.cancel_scope.cancel()
    assert isinstance(found, NoReply)
    assert found.outcome == "timeout"


async def test_abandoning_ends_what_waits_and_what_is_under_way():
    async with serving(silent) as endpoint, sending(endpoint) as client:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(later, client.abandon)
            found = await ask(client, body(1), body(2))
        assert results(found) == ["abandoned", "abandoned"]


async def later(act: Callable[[], None]) -> None:
    await trio.sleep(0.3)
    act()
