"""What the lab has to live through: crowds, garbage, half-open sockets, a client that never reads."""

from __future__ import annotations

import random
import socket
import struct

import pytest
import trio

from tests.lab.toxiproxy.api import Api, api_of_lab, call, eventually

pytestmark = pytest.mark.real

GARBAGE = (
    b"",
    b"\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /proxies HTTP/1.1\r\nHost: lab\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"POST /proxies HTTP/1.1\r\nHost: lab\r\nContent-Length: 99999999999999\r\n\r\n{}",
    b"POST / HTTP/1.1\r\nHost: lab\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST / HTTP/1.1\r\nHost: lab\r\nContent-Length: 10\r\n\r\n{",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"A" * 100_000,
    random.Random(1).randbytes(10_000),
)


def is_well(api: Api, urls: list[str]) -> None:
    """The API answers, and so does every node."""
    assert api.want(200, "GET", "/version") == {"version": "2.12.0"}
    for url in urls:
        assert call(url).json()["id"] == 1


def ports_of(api: Api, urls: list[str]) -> list[int]:
    return [api.port, *[int(url.rpartition(":")[2]) for url in urls]]


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def test_a_thousand_connections_at_once():
    async def crowd(port: int) -> None:
        async def one(answered: trio.Event) -> None:
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                await stream.send_all(b"POST / HTTP/1.1\r\nHost: lab\r\nContent-Length: 60\r\n\r\n" + body)
                assert (await stream.receive_some(4096)).startswith(b"HTTP/1.1 200 OK\r\n")
                answered.set()
                await over.wait()

        body = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}'.ljust(60)
        over = trio.Event()
        async with trio.open_nursery() as nursery:
            events = [trio.Event() for _ in range(1000)]
            for event in events:
                nursery.start_soon(one, event)
            with trio.fail_after(30):
                for event in events:
                    await event.wait()
            seen = await trio.to_thread.run_sync(api.provider, "crowded")
            assert (seen["open_sockets"], seen["connections"]) == (1000, 1000)
            assert seen["requests"] == {"eth_chainId": 1000}
            over.set()

    with api_of_lab() as api:
        url = api.node("crowded")
        api.toxic("crowded", "latency", attributes={"latency": 1})
        trio.run(crowd, int(url.rpartition(":")[2]))
        is_well(api, [url])
        eventually(lambda: bool(api.provider("crowded")["open_sockets"] == 0))


@pytest.mark.parametrize("with_toxics", [False, True])
def test_garbage_on_every_port(with_toxics):
    with api_of_lab() as api:
        urls = [api.node("one"), api.node("two")]
        api.want(201, "POST", "/proxies", {"name": "plain", "upstream": f"127.0.0.1:{api.port}"})
        plain = f"http://{api.want(200, 'GET', '/proxies/plain')['listen']}"
        if with_toxics:
            for name in ("one", "plain"):
                api.toxic(name, "slicer", attributes={"average_size": 1000, "size_variation": 100})
                api.toxic(name, "latency", stream="upstream", attributes={"latency": 1})
        for port in ports_of(api, [*urls, plain]):
            for garbage in GARBAGE:
                for ending in (socket.socket.close, reset):
                    client = socket.create_connection(("127.0.0.1", port), timeout=10)
                    client.sendall(garbage)
                    ending(client)
        is_well(api, urls)


def test_sockets_that_are_half_open_cost_nothing_but_themselves():
    with api_of_lab() as api:
        urls = [api.node("one"), api.node("two")]
        api.toxic("two", "latency", attributes={"latency": 1})
        half: list[socket.socket] = []
        for port in ports_of(api, urls):
            for index in range(50):
                client = socket.create_connection(("127.0.0.1", port), timeout=10)
                client.sendall(b"POST / HTTP/1.1\r\nHost: lab\r\n"[: index % 25])
                if index % 3 == 0:
                    client.shutdown(socket.SHUT_WR)
                half.append(client)
        is_well(api, urls)
        for name in ("one", "two"):
            assert api.want(200, "PATCH", f"/proxies/{name}", {"enabled": False})["enabled"] is False
            assert api.provider(name)["open_sockets"] == 0
            api.want(200, "PATCH", f"/proxies/{name}", {"enabled": True})
        is_well(api, urls)
        for client in half:
            client.close()


def flood(client: socket.socket, data: bytes) -> None:
    while True:
        client.sendall(data)


def test_a_client_that_never_reads_is_no_burden_to_the_api():
    with api_of_lab() as api:
        url = api.node("one")
        port = int(url.rpartition(":")[2])
        body = b'{"jsonrpc":"2.0","id":1,"method":"eth_getBlockByNumber","params":["latest",true]}'
        request = b"POST / HTTP/1.1\r\nHost: lab\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        greedy = socket.create_connection(("127.0.0.1", port), timeout=10)
        greedy.settimeout(0.5)
        with pytest.raises(TimeoutError):
            flood(greedy, request * 100)
        for type_ in ("latency", "bandwidth", "slicer"):
            api.toxic("one", type_)
            api.want(200, "PATCH", f"/proxies/one/toxics/{type_}_downstream", {"toxicity": 0.5})
        assert set(api.names("one")) == {f"{t}_downstream" for t in ("latency", "bandwidth", "slicer")}
        api.want(204, "POST", "/reset")
        is_well(api, [url])
        api.want(204, "DELETE", "/proxies/one")
        greedy.close()
