"""Probes: every way in which a provider can answer or not, on a new connection and on a kept one."""

from __future__ import annotations

import json
import socket
import struct
from functools import partial

import pytest
import trio

from battlectl.chaos.probe import MOST_BODY, MOST_SEEN, WAIT, HttpProber


def reply(result, *, id_=None, status=b"200 OK", kind=b"application/json", body=None) -> bytes:
    if body is None:
        body = json.dumps({"jsonrpc": "2.0", "id": id_, "result": result}).encode()
    head = b"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
    return head % (status, kind, len(body)) + body


async def read_id(stream: trio.SocketStream) -> int | None:
    """The id of the next request; None at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data or not data.endswith(b"}"):
        part = await stream.receive_some()
        if not part:
            return None
        data += part
    return json.loads(data.partition(b"\r\n\r\n")[2])["id"]


async def serving(nursery: trio.Nursery, handle) -> str:
    """A provider that treats each connection like this; its URL."""

    async def safely(stream):
        try:
            await handle(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return

    listen = partial(trio.serve_tcp, safely, 0, host="127.0.0.1")
    [listener] = await nursery.start(listen)
    return f"http://127.0.0.1:{listener.socket.getsockname()[1]}"


def answering(make):
    async def handle(stream):
        while (id_ := await read_id(stream)) is not None:
            await stream.send_all(make(id_))

    return handle


async def close(stream):
    await read_id(stream)


async def reset(stream):
    await read_id(stream)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def cut(stream):
    id_ = await read_id(stream)
    await stream.send_all(reply("0x1", id_=id_)[:-3])


ENCODED = reply("", body=b"not even gzip").replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n", 1)


async def silent(stream):
    await trio.sleep_forever()


@pytest.mark.parametrize(
    ("handle", "label", "seen"),
    [
        (answering(lambda id_: reply("0x2a", id_=id_)), "ok", '"0x2a"'),
        (answering(lambda id_: reply("0x1", id_=id_ + 1)), "malformed", "the id is"),
        (answering(lambda id_: reply("0x1", id_=id_, kind=b"text/html")), "malformed", "content type"),
        (answering(lambda id_: reply("", body=b"busy", status=b"503 Busy")), "http_error(503)", "busy"),
        (
            answering(
                lambda id_: reply(
                    "",
                    body=json.dumps(
                        {"jsonrpc": "2.0", "id": id_, "error": {"code": -32005, "message": "slow down"}}
                    ).encode(),
                )
            ),
            "rpc_error(-32005)",
            "slow down",
        ),
        (answering(lambda id_: reply("x" * (MOST_BODY + 1), id_=id_)), "too_large", "more than"),
        (answering(lambda id_: b"220 smtp here\r\n\r\n"), "malformed", ""),
        (answering(lambda id_: ENCODED), "malformed", "not JSON"),
        (close, "closed", "without sending a response"),
        (reset, "reset", ""),
        (cut, "malformed", ""),
    ],
    ids=["ok", "id", "type", "status", "error", "large", "bytes", "encoded", "closed", "reset", "cut"],
)
async def test_an_answer_is_judged_as_those_of_load_are(nursery, handle, label, seen):
    url = await serving(nursery, handle)
    async with HttpProber({"a": url}) as prober:
        for line in ("", "kept"):
            answer = await prober.ask("a", line, "eth_blockNumber")
            assert answer.outcome == label, answer
            assert seen in answer.seen
            assert len(answer.seen) <= MOST_SEEN
            assert 0 <= answer.seconds < WAIT


async def test_a_port_that_is_closed_refuses():
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        async with HttpProber({"a": url}) as prober:
            assert (await prober.ask("a", "", "eth_blockNumber")).outcome == "refused"
            assert prober.knows("a")
            assert not prober.knows("b")


async def test_silence_is_a_timeout_after_a_bound(nursery):
    url = await serving(nursery, silent)
    async with HttpProber({"a": url}) as prober:
        answer = await prober.ask("a", "", "eth_blockNumber")
        assert answer.outcome == "timeout"
        assert WAIT <= answer.seconds < WAIT + 5


async def test_a_kept_connection_stays_the_same_and_is_never_replaced(nursery):
    connections, ends = 0, trio.Event()

    async def handle(stream):
        nonlocal connections
        connections += 1
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as own:
                own.start_soon(answering(lambda id_: reply("0x1", id_=id_)), stream)
                await ends.wait()
                scope.cancel()

    url = await serving(nursery, handle)
    async with HttpProber({"a": url}) as prober:
        for _ in range(3):
            assert (await prober.ask("a", "kept", "eth_blockNumber")).outcome == "ok"
        assert connections == 1
        assert (await prober.ask("a", "", "eth_blockNumber")).outcome == "ok"
        assert (await prober.ask("a", "other", "eth_blockNumber")).outcome == "ok"
        assert connections == 3
        ends.set()
        ends = trio.Event()
        with trio.fail_after(10):
            while (answer := await prober.ask("a", "kept", "eth_blockNumber")).outcome == "ok":  # noqa: ASYNC110
                await trio.sleep(0.01)
        assert answer.outcome in ("closed", "reset")
        for _ in range(2):
            again = await prober.ask("a", "kept", "eth_blockNumber")
            assert (again.outcome, again.seen) == ("closed", "the connection that was kept is gone")
        assert connections == 3
        await prober.let_go("a", "kept")
        assert (await prober.ask("a", "kept", "eth_blockNumber")).outcome == "ok"
        assert connections == 4
