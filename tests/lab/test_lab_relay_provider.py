"""Relays behind a port: how ends, refusals and codes pass between a client and a node that are not ours."""

import errno
import socket
import threading
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest
import trio
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus
from websockets.sync.client import connect

from battlectl.lab.faults.kind import read_parameters
from battlectl.lab.faults.scope import make_fault
from battlectl.lab.faults.table import KINDS
from battlectl.lab.net.http_server import json_response, listener_url, open_listener, serve
from battlectl.lab.provider.backend import Unreachable
from battlectl.lab.provider.provider import Provider
from battlectl.lab.provider.relay import relay_to
from battlectl.lab.provider.relay_address import RelayAddress
from battlectl.lab.proxies.stream import has_ended
from tests.lab.provider.served import PlainStream, in_thread, request, until
from tests.lab.test_lab_relay_ws_client import LONG, node

NOBODY = "http://127.0.0.1:9"


@dataclass
class AtPort:
    """A provider at a port, and the number of its newest connection."""

    provider: Provider
    port: int
    newest: int = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self):
        return f"ws://127.0.0.1:{self.port}"

    def fault(self, name, **attributes):
        kind = KINDS[name]
        return make_fault(name, kind, read_parameters(kind, attributes), self.newest)


@asynccontextmanager
async def relayed(url=NOBODY, ws_url="ws://127.0.0.1:9"):
    """A relay at a port."""
    async with trio.open_nursery() as nursery:
        provider = Provider(relay_to(RelayAddress(url, ws_url)), nursery)
        listener = await open_listener("127.0.0.1", 0)
        there = AtPort(provider, listener.socket.getsockname()[1])

        async def serve_one(stream):
            there.newest += 1
            await provider.serve(PlainStream(stream, there.newest))

        nursery.start_soon(trio.serve_listeners, serve_one, [listener])
        yield there
        await provider.aclose()
        nursery.cancel_scope.cancel()


@dataclass
class Witness:
    """How the sockets of a node ended, in its own eyes: the close frame, None for none."""

    ends: list = field(default_factory=list)

    def talk(self, socket):
        with pytest.raises(ConnectionClosed) as ended:
            socket.recv()
        self.ends.append(ended.value.rcvd)


def visit(url, code=1000, reason=""):
    """Open a WebSocket and close it."""
    with connect(url, proxy=None) as client:
        client.close(code, reason)


async def test_the_client_of_a_node_that_refuses_is_reset():
    async with relayed() as there:
        with pytest.raises(httpx.ReadError, match="reset"):
            await in_thread(lambda: httpx.post(there.url, json=request("eth_chainId"), trust_env=False))
        with pytest.raises((ConnectionResetError, InvalidMessage)):
            await in_thread(lambda: visit(there.ws_url))


async def test_a_refused_handshake_reaches_the_client_in_the_words_of_the_node():
    def refuse(connection, request):
        return connection.respond(403, "no WebSockets for you\n")

    with node(lambda socket: None, process_request=refuse) as ws_url:
        async with relayed(ws_url=ws_url) as there:
            with pytest.raises(InvalidStatus) as refused:
                await in_thread(lambda: visit(there.ws_url))
    assert refused.value.response.status_code == 403
    assert refused.value.response.body == b"no WebSockets for you\n"


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1012, "restart"), (4321, "own")])
async def test_a_close_of_the_node_reaches_the_client(code, reason):
    def listen(url):
        with connect(url, proxy=None) as client, pytest.raises(ConnectionClosed) as ended:
            client.recv(timeout=LONG)
        return ended.value.rcvd

    with node(lambda socket: socket.close(code, reason)) as ws_url:
        async with relayed(ws_url=ws_url) as there:
            closed = await in_thread(lambda: listen(there.ws_url))
    assert (closed.code, closed.reason) == (code, reason)


async def test_a_node_that_goes_without_a_close_frame_takes_the_client_with_it():
    def die(socket):
        socket.send("last words")
        socket.recv()
        socket.socket.shutdown(2)

    def listen(url):
        with connect(url, proxy=None) as client:
            assert client.recv(timeout=LONG) == "last words"
            client.send("go")
            with pytest.raises(ConnectionClosed) as ended:
                client.recv(timeout=LONG)
        return ended.value.rcvd

    with node(die) as ws_url:
        async with relayed(ws_url=ws_url) as there:
            assert await in_thread(lambda: listen(there.ws_url)) is None


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, "away"), (4001, "enough")])
async def test_a_close_of_the_client_reaches_the_node(code, reason):
    witness = Witness()
    with node(witness.talk) as ws_url:
        async with relayed(ws_url=ws_url) as there:
            await in_thread(lambda: visit(there.ws_url, code, reason))
            await until(lambda: bool(witness.ends))
    (close,) = witness.ends
    assert (close.code, close.reason) == (code, reason)


async def test_a_client_that_is_gone_ends_the_socket_to_the_node():
    witness = Witness()

    def vanish(url):
        with connect(url, proxy=None, close_timeout=0.1) as client:
            client.socket.shutdown(2)

    with node(witness.talk) as ws_url:
        async with relayed(ws_url=ws_url) as there:
            await in_thread(lambda: vanish(there.ws_url))
            await until(lambda: bool(witness.ends))
    assert witness.ends == [None]


async def test_a_killed_relay_lets_go_of_its_node_which_lives_on():
    witness, is_open = Witness(), threading.Event()

    def listen(url):
        with connect(url, proxy=None) as client:
            is_open.set()
            with pytest.raises(ConnectionClosed) as ended:
                client.recv(timeout=LONG)
        return ended.value.rcvd

    with node(witness.talk) as ws_url:
        async with relayed(ws_url=ws_url) as there, trio.open_nursery() as nursery:

            async def kill():
                await trio.to_thread.run_sync(is_open.wait, LONG)
                await there.provider.add_fault(there.fault("kill"))

            nursery.start_soon(kill)
            assert await in_thread(lambda: listen(there.ws_url)) is None
            await until(lambda: bool(witness.ends))
            assert not there.provider.listens
    assert witness.ends == [None]


async def test_clients_that_tire_of_a_hung_node_leave_nothing_behind():
    """Nor do they take those with them that still wait, or have sent more meanwhile."""
    open_at_node, release = [], trio.Event()

    async def hang(stream):
        open_at_node.append(stream)
        await stream.receive_some()
        with trio.move_on_after(LONG):
            await release.wait()
            await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
            await stream.receive_some()
        await trio.aclose_forcefully(stream)

    async def give_up(url):
        with pytest.raises(httpx.ReadTimeout):
            await in_thread(lambda: httpx.post(url, json=[], timeout=0.3, trust_env=False))

    async with trio.open_nursery() as nursery:
        listener = await open_listener("127.0.0.1", 0)
        nursery.start_soon(trio.serve_listeners, hang, [listener])
        async with relayed(listener_url(listener)) as there:
            async with trio.open_nursery() as clients:
                for _ in range(8):
                    clients.start_soon(give_up, there.url)
            async with await trio.open_tcp_stream("127.0.0.1", there.port) as patient:
                once = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n[]"
                await patient.send_all(once + once)
                await until(lambda: len(open_at_node) == 9)
                await until(lambda: len(there.provider.connections) == 1)
                release.set()
                with trio.fail_after(LONG):
                    assert (await patient.receive_some()).endswith(b"{}")
        nursery.cancel_scope.cancel()


async def test_bytes_that_are_no_text_reach_the_node_as_text_that_it_cannot_read():
    def echo(socket):
        socket.send(repr(socket.recv()))

    def talk(url):
        with connect(url, proxy=None) as client:
            client.send(b"\xff[]")
            return client.recv(timeout=LONG)

    with node(echo) as ws_url:
        async with relayed(ws_url=ws_url) as there:
            assert await in_thread(lambda: talk(there.ws_url)) == repr("\ufffd[]")


def test_a_process_without_file_descriptors_takes_nobody_for_gone(monkeypatch):
    """It looks at its clients once a second, and must not die of it."""

    def none_left(*arguments):
        raise OSError(errno.EMFILE, "Too many open files")

    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert not has_ended(ours.fileno())
        with monkeypatch.context() as patch:
            patch.setattr(socket, "fromfd", none_left)
            assert not has_ended(ours.fileno())
        theirs.close()
        assert has_ended(ours.fileno())


async def test_a_fault_that_must_know_the_head_is_not_in_force_when_there_is_none():
    async with relayed() as there:
        fault = there.fault("stale_head")
        with pytest.raises(Unreachable):
            await there.provider.add_fault(fault)
        assert there.provider.faults == []


async def test_a_batch_that_a_fault_takes_apart_reaches_the_node_under_other_ids_and_returns_under_its_own():
    seen = []

    async def echo_ids(asked):
        seen.append(asked)
        ids = [part["id"] for part in httpx.Response(200, content=asked.body).json()]
        body = httpx.Request("POST", NOBODY, json=[{"jsonrpc": "2.0", "id": i, "result": i} for i in ids])
        return json_response(200, body.content, [(b"x-node", b"n1")])

    async with trio.open_nursery() as nursery:
        listener = await open_listener("127.0.0.1", 0)
        nursery.start_soon(serve, listener, echo_ids)
        async with relayed(listener_url(listener)) as there:
            fault = there.fault("method_error", methods=["eth_gasPrice"], code=-32000)
            await there.provider.add_fault(fault)
            batch = [request("eth_chainId", id_=i) for i in (7, "7", 7)] + [request("eth_gasPrice", id_=None)]
            reply = await in_thread(lambda: httpx.post(there.url, json=batch, trust_env=False))
            await there.provider.remove_fault(fault)
        nursery.cancel_scope.cancel()
    assert [part["id"] for part in reply.json()] == [7, "7", 7, None]
    assert reply.json()[3]["error"]["code"] == -32000
    assert reply.headers["x-node"] == "n1"
    (asked,) = seen
    assert asked.body.count(b"eth_chainId") == 3
    assert b"eth_gasPrice" not in asked.body
