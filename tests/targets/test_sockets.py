"""Whether a target takes WebSockets: the handshake is enough, and who gives none is told, in time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import pytest
import trio

from battlectl.errors import NotReady
from battlectl.lab.control import running_lab
from battlectl.lab.spec import LabSpec
from battlectl.targets.sockets import wait_for_sockets
from battlectl.transport.attribution import Attribution
from battlectl.transport.base import Endpoint, parse_endpoint
from tests.cli.command import Desk
from tests.servers import serving

pytestmark = pytest.mark.real
WITHIN = 0.6
Talk = Callable[[trio.SocketStream], Awaitable[None]]


@asynccontextmanager
async def server(talk: Talk) -> AsyncIterator[Endpoint]:
    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(partial(trio.serve_listeners, talk, [listener]))
        yield parse_endpoint(f"http://127.0.0.1:{listener.socket.getsockname()[1]}/")
        nursery.cancel_scope.cancel()


def answers(reply: bytes) -> Talk:
    async def talk(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some(65_536)
            await stream.send_all(reply)

    return talk


async def hang(stream: trio.SocketStream) -> None:
    async with stream:
        await trio.sleep_forever()


@pytest.mark.parametrize(
    ("talk", "why"),
    [
        (answers(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n"), "refused with HTTP 403"),
        (answers(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"), "refused with HTTP 200"),
        (answers(b"nonsense\r\n\r\n"), ""),
        (answers(b""), ""),
        (hang, "no answer in time"),
    ],
    ids=["403", "no upgrade", "nonsense", "end", "silence"],
)
async def test_who_takes_no_handshake_is_not_ready(talk, why):
    async with server(talk) as endpoint:
        with trio.fail_after(20), pytest.raises(NotReady, match="took no WebSocket within") as raised:
            await wait_for_sockets([endpoint], WITHIN)
    assert why in str(raised.value)


async def test_nobody_there_is_not_ready():
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    await listener.aclose()
    with pytest.raises(NotReady, match="took no WebSocket"):
        await wait_for_sockets([parse_endpoint(f"http://127.0.0.1:{port}/")], WITHIN)


async def test_a_host_that_is_not_allowed_is_not_asked():
    with pytest.raises(NotReady, match="cannot be used"):
        await wait_for_sockets([parse_endpoint("http://8.8.8.8/")], WITHIN)


async def test_how_replies_tell_who_served_is_no_matter_of_the_handshake():
    """A reader that knows names has no hash, as those of Envoy and HAProxy."""
    reader = Attribution("X-Served-By", None, names={"10.0.0.1:8545": "provider_a"})
    async with server(answers(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")) as endpoint:
        with trio.fail_after(20), pytest.raises(NotReady, match="refused with HTTP 403"):
            await wait_for_sockets([replace(endpoint, attribution=reader), endpoint], WITHIN)


async def test_a_gateway_takes_one_and_none_for_a_chain_that_it_does_not_have():
    async with running_lab(LabSpec(providers=1)) as lab:
        base = f"http{str(lab.ws_url).removeprefix('ws').rstrip('/')}"
        await wait_for_sockets([parse_endpoint(f"{base}")], 20.0)
        with pytest.raises(NotReady, match="refused with HTTP 403"):
            await wait_for_sockets([parse_endpoint(f"{base}/ws/rpc/nosuch")], WITHIN)


def test_a_run_with_subscribers_does_not_begin_without(tmp_path):
    desk = Desk(tmp_path)
    desk.write(
        "scenario.yml",
        {
            "version": 1,
            "name": "s",
            "target": "target.yml",
            "phases": {"steady": "2s"},
            "load": {"heads": {"subscribe": "newHeads"}},
            "objectives": ["subscription.gaps == 0"],
        },
    )
    with serving("echo") as echo:
        desk.target(echo.url, ws_url="ws://127.0.0.1:1/", ready={"within": "1s"})
        ran = desk.run("scenario.yml")
    assert ran.code == 4
    said = " ".join(ran.out.split())
    assert "the target at ws://127.0.0.1:1 took no WebSocket within 1s" in said
    assert "is its ws_url right?" in said
