"""What becomes of a transaction when a provider does not say what became of it."""

import json

import pytest
import trio
from eth_utils import keccak

from battlectl.lab.gateway.sent import hash_of_raw
from battlectl.lab.net.http_server import json_response, listener_url, open_listener
from battlectl.lab.net.wire import Response
from battlectl.lab.rpc.keccak import keccak_256
from tests.lab.gateway.parts import (
    answering,
    ask,
    build_gateway,
    call,
    close_pools,
    error_body,
    events,
    gateway_over,
    hang,
    header,
    served_by,
    settings_for,
)

RAW = "0x02f86c0182"
HASH = "0x" + keccak(hexstr=RAW).hex()
SENT = call("eth_sendRawTransaction", RAW)
TAKEN = json_response(200, json.dumps({"jsonrpc": "2.0", "id": 7, "result": HASH}).encode())
NEVER_ACTED = [None, answering(Response(429)), answering(json_response(200, error_body(-32000)))]
MAY_HAVE_ACTED = [hang, answering(Response(502)), answering(json_response(200, b"{"))]
LIMIT = {"attempt_s": 0.3, "strategy": "priority"}


def refusing(words, code=-32000, has=None):
    """A node that refuses transactions, and says this of the transaction when it is asked for it."""
    looked_up = {"jsonrpc": "2.0", "id": "sent", "result": has}

    async def handle(request):
        if b"eth_getTransactionByHash" in request.body:
            assert json.loads(request.body)["params"] == [HASH]
            return json_response(200, json.dumps(looked_up).encode())
        return json_response(200, error_body(code, words))

    return handle


@pytest.mark.parametrize("first", MAY_HAVE_ACTED)
@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("already known", -32000),
        ("AlreadyKnown", -32010),
        ("transaction already imported", -32003),
        ("Known transaction", -32000),
        ("already known", 7),
    ],
)
async def test_known_elsewhere_after_a_lost_answer_is_sent(first, words, code):
    async with gateway_over(first, refusing(words, code), **LIMIT) as gateway:
        response = await ask(gateway, SENT)
        assert json.loads(response.body) == {"jsonrpc": "2.0", "id": 7, "result": HASH}
        assert served_by(response) == "p1"
        assert (gateway.failed_over, gateway.exhausted) == (1, 0)
    assert [event["to"] for event in events(gateway, "failover")] == ["p1"]


@pytest.mark.parametrize("has", [{"hash": HASH}, None])
async def test_a_nonce_that_is_too_low_after_a_lost_answer_is_looked_into(has):
    async with gateway_over(hang, refusing("nonce too low: next 8", has=has), **LIMIT) as gateway:
        reply = json.loads((await ask(gateway, SENT)).body)
    assert reply.get("result") == (HASH if has else None)
    assert has or reply["error"]["message"] == "nonce too low: next 8"


@pytest.mark.parametrize("first", NEVER_ACTED)
@pytest.mark.parametrize("words", ["already known", "nonce too low"])
async def test_a_refusal_is_passed_on_when_no_answer_was_lost(first, words):
    async with gateway_over(first, refusing(words, has={}), **LIMIT) as gateway:
        assert "error" in json.loads((await ask(gateway, SENT)).body)


async def test_a_lost_answer_is_made_good_by_a_provider_that_takes_the_transaction():
    async with gateway_over(hang, answering(TAKEN), **LIMIT) as gateway:
        response = await ask(gateway, SENT)
    assert (response.body, served_by(response)) == (TAKEN.body, "p1")


@pytest.mark.parametrize("method", ["eth_sendTransaction", "personal_sendTransaction", "evm_mine"])
@pytest.mark.parametrize("first", MAY_HAVE_ACTED)
async def test_what_would_be_done_twice_is_not_asked_twice(method, first):
    seen = []
    async with gateway_over(first, answering(TAKEN, seen), **LIMIT) as gateway:
        reply = json.loads((await ask(gateway, call(method, {}))).body)
        batch = json.loads((await ask(gateway, b"[" + call(method, {}) + b"]")).body)
    assert reply["error"]["code"] == batch[0]["error"]["code"] == -32000
    assert reply["error"]["data"]["attempts"][0]["provider"] == "p0"
    assert seen == []


@pytest.mark.parametrize("first", NEVER_ACTED)
async def test_what_was_certainly_not_done_is_asked_elsewhere(first):
    async with gateway_over(first, answering(TAKEN), **LIMIT) as gateway:
        response = await ask(gateway, call("eth_sendTransaction", {}))
    assert (served_by(response), header(response, b"x-lab-attempts")) == ("p1", b"2")


async def test_a_kept_connection_is_no_way_to_be_asked_twice():
    """The pool sends again what meets a connection that ended; a transaction goes over one of its own."""
    served = []

    async def serve(stream):
        """One good answer, then each request is read and the connection ended."""
        async with stream:
            while data := await stream.receive_some():
                served.append(data)
                if len(served) > 1:
                    return
                head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(TAKEN.body)}\r\n\r\n".encode()
                await stream.send_all(head + TAKEN.body)

    async with trio.open_nursery() as nursery:
        listener = await open_listener("127.0.0.1", 0)
        nursery.start_soon(trio.serve_listeners, serve, [listener])
        gateway = build_gateway(settings_for({"p0": listener_url(listener)}))
        assert (await ask(gateway, SENT)).body == TAKEN.body
        reply = json.loads((await ask(gateway, call("eth_sendTransaction", {}))).body)
        await close_pools(gateway)
        nursery.cancel_scope.cancel()
    assert reply["error"]["data"]["attempts"] == [{"provider": "p0", "reason": "closed without an answer"}]
    assert len(served) == 2


@pytest.mark.parametrize("size", [0, 1, 31, 135, 136, 137, 271, 272, 273, 1_000])
def test_keccak_agrees_with_a_library(size):
    data = bytes(range(256)) * 4
    assert keccak_256(data[:size]) == keccak(data[:size])


@pytest.mark.parametrize(
    "params",
    [None, [], [7], ["02f8"], ["0x"], ["0x0"], ["0xzz"], ["0x03f8"], {"a": 1}, ["0x" + "00" * 200_000]],
)
def test_a_hash_that_cannot_be_told_is_none(params):
    assert hash_of_raw(params) is None
