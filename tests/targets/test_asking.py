"""Single questions to a target: whatever comes back is a value."""

from __future__ import annotations

from functools import partial

import pytest
import trio

from battlectl.targets.asking import MOST_BODY, Asker
from battlectl.targets.control import Control
from battlectl.transport.base import parse_endpoint

pytestmark = pytest.mark.real

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
LARGE = b'{"jsonrpc":"2.0","id":1,"result":"' + b"0" * MOST_BODY + b'"}'


async def answer(body, stream):
    async with stream:
        await stream.receive_some()
        try:
            await stream.send_all(HEAD % len(body) + body)
        except trio.BrokenResourceError:
            return  # Nobody read it to its end.


async def asked(body):
    async with trio.open_nursery() as nursery:
        (listener, *_) = await nursery.start(
            partial(trio.serve_tcp, partial(answer, body), 0, host="127.0.0.1")
        )
        endpoint = parse_endpoint(f"http://127.0.0.1:{listener.socket.getsockname()[1]}/")
        async with Control(endpoint) as control, Asker(endpoint, control) as asker:
            found = await asker.ask("eth_blockNumber")
        nursery.cancel_scope.cancel()
    return (found.has_result, found.result, found.code), (asker.asked, asker.unanswered, control.asked)


@pytest.mark.parametrize(
    ("body", "found", "unanswered"),
    [
        (b'{"jsonrpc":"2.0","id":1,"result":"0x5"}', (True, "0x5", None), 0),
        (b'{"jsonrpc":"2.0","id":1,"result":null}', (True, None, None), 0),
        (b'{"jsonrpc":"2.0","id":1,"error":{"code":-32601}}', (False, None, -32601), 0),
        (b"[1]", (False, None, None), 1),
        (b"no json", (False, None, None), 1),
        (LARGE, (False, None, None), 1),
    ],
    ids=["a result", "null", "an error", "a list", "text", "too much"],
)
def test_an_answer_is_a_value_and_is_counted(body, found, unanswered):
    assert trio.run(asked, body) == (found, (1, unanswered, 1))
