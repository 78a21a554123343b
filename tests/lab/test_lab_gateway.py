"""The gateway in one process with scripted providers: whom it asks, when it asks another, what it says."""

import json
from contextlib import asynccontextmanager

import pytest
import trio

from battlectl.lab.gateway import cooldown
from battlectl.lab.gateway.app import build_gateway, gateway_handler, health_document
from battlectl.lab.gateway.forwarding import Question, exhausted_body
from battlectl.lab.gateway.judgement import Complaint, judge_reply
from battlectl.lab.gateway.routing import round_robin
from battlectl.lab.net import upstream
from battlectl.lab.net.http_server import json_response, listener_url, open_listener, serve
from battlectl.lab.net.upstream import Reply
from battlectl.lab.net.wire import Request, Response

CALL = b'{"jsonrpc":"2.0","id":7,"method":"eth_chainId"}'
OK = b'{"jsonrpc":"2.0","id":7,"result":"0x3e7"}'


def error_body(code, message="no"):
    return json.dumps({"jsonrpc": "2.0", "id": 7, "error": {"code": code, "message": message}}).encode()


def answering(response, seen=None):
    async def handle(request):
        if seen is not None:
            seen.append(request)
        return response

    return handle


@asynccontextmanager
async def gateway_over(*handlers, attempt_timeout=5.0):
    """A gateway in front of one server per handler, p0, p1, ...; a handler of None is a refused port."""
    async with trio.open_nursery() as nursery:
        urls = {}
        for index, handler in enumerate(handlers):
            listener = await open_listener("127.0.0.1", 0)
            urls[f"p{index}"] = listener_url(listener)
            if handler is None:
                await listener.aclose()
            else:
                nursery.start_soon(serve, listener, handler)
        gateway = build_gateway(urls, attempt_timeout)
        yield gateway
        await close_pools(gateway)
        nursery.cancel_scope.cancel()


async def close_pools(gateway):
    for provider in gateway.providers:
        await upstream.close(provider.pool)


async def ask(gateway, body=CALL, path="/", method="POST", headers=()):
    return await gateway_handler(gateway)(Request(method, path, headers, body))


def header(response, name):
    return dict(response.headers).get(name)


async def hang(request):
    await trio.sleep_forever()


@pytest.mark.parametrize(
    "bad",
    [
        None,
        hang,
        answering(Response(503, (), b"busy")),
        answering(Response(429, (), b"slow down")),
        answering(Response(200, (), b"<html>")),
        answering(json_response(200, b"{}")),
        answering(json_response(200, OK.replace(b"7", b"8"))),
        answering(json_response(200, b"[" + OK + b"]")),
        answering(json_response(200, error_body(-32000))),
        answering(json_response(200, error_body(-32005))),
    ],
)
async def test_what_is_wrong_with_one_provider_is_made_good_by_the_next(bad):
    async with gateway_over(bad, answering(json_response(200, OK)), attempt_timeout=0.3) as gateway:
        response = await ask(gateway)
    assert (response.status, response.body) == (200, OK)
    assert (header(response, b"x-lab-provider"), header(response, b"x-lab-attempts")) == (b"p1", b"2")
    assert gateway.failed_over == 1
    assert gateway.providers[0].failures == 1


@pytest.mark.parametrize("code", [-32600, -32601, -32602, 3])
async def test_an_error_that_all_providers_would_give_is_passed_on(code):
    async with gateway_over(answering(json_response(200, error_body(code))), hang) as gateway:
        response = await ask(gateway)
    assert response.body == error_body(code)
    assert header(response, b"x-lab-attempts") == b"1"


async def test_each_provider_is_asked_in_turn():
    async with gateway_over(*(answering(json_response(200, OK)) for _ in range(3))) as gateway:
        served = [header(await ask(gateway), b"x-lab-provider") for _ in range(6)]
    assert served == [b"p0", b"p1", b"p2"] * 2


async def test_a_failed_provider_is_left_alone_for_a_while_and_then_asked_again():
    async with gateway_over(None, answering(json_response(200, OK))) as gateway:
        for _ in range(5):
            await ask(gateway)
        assert gateway.providers[0].attempts == 1
        assert health_document(gateway, trio.current_time())["status"] == "degraded"
        gateway.providers[0].health = cooldown.after_failure(trio.current_time() - 10, "long ago")
        await ask(gateway)
        await ask(gateway)
        assert gateway.providers[0].attempts == 2


async def test_a_plain_server_error_is_no_reason_to_leave_a_provider_alone():
    async with gateway_over(
        answering(json_response(200, error_body(-32000))), answering(json_response(200, OK))
    ) as gateway:
        for _ in range(4):
            assert (await ask(gateway)).body == OK
    assert gateway.providers[0].attempts == 2


async def test_when_all_fail_the_caller_gets_its_id_and_the_reasons():
    async with gateway_over(None, answering(Response(500))) as gateway:
        response = await ask(gateway)
        batch = await ask(gateway, b"[" + CALL + b"," + CALL.replace(b"7", b'"b"') + b"]")
        note = await ask(gateway, b'{"jsonrpc":"2.0","method":"eth_chainId"}')
    reply = json.loads(response.body)
    assert (response.status, reply["id"], reply["error"]["code"]) == (200, 7, -32000)
    assert [attempt["provider"] for attempt in reply["error"]["data"]["attempts"]] == ["p0", "p1"]
    assert header(response, b"x-lab-provider") is None
    assert [(item["id"], item["error"]["code"]) for item in json.loads(batch.body)] == [
        (7, -32000),
        ("b", -32000),
    ]
    assert note.status == 204
    assert gateway.exhausted == 3


async def test_a_batch_goes_whole_to_one_provider():
    seen = []
    body = b"[" + CALL + b', {"jsonrpc":"2.0","method":"note"}, 5]'
    answer = json.dumps([json.loads(OK), {"jsonrpc": "2.0", "id": None, "error": {"code": -32600}}]).encode()
    async with gateway_over(answering(json_response(200, answer), seen)) as gateway:
        response = await ask(gateway, body)
    assert response.body == answer
    assert [request.body for request in seen] == [body]


async def test_the_correlation_id_reaches_the_provider():
    seen = []
    async with gateway_over(answering(json_response(200, OK), seen)) as gateway:
        await ask(gateway, headers=[(b"x-request-id", b"run-reads-1"), (b"cookie", b"secret")])
    assert seen[0].header(b"x-request-id") == b"run-reads-1"
    assert seen[0].header(b"cookie") is None


async def test_a_connection_closed_while_idle_is_not_a_failure():
    """The provider answers once per connection and then closes it without a word."""

    async def once(stream):
        async with stream:
            await stream.receive_some()
            head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(OK)}\r\n\r\n".encode()
            await stream.send_all(head + OK)

    async with trio.open_nursery() as nursery:
        listener = await open_listener("127.0.0.1", 0)
        nursery.start_soon(trio.serve_listeners, once, [listener])
        gateway = build_gateway({"p0": listener_url(listener)}, 5.0)
        for _ in range(5):
            assert (await ask(gateway)).body == OK
        assert gateway.providers[0].failures == 0
        await close_pools(gateway)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("body", "path", "method", "status", "code"),
    [
        (b"{", "/", "POST", 400, -32700),
        (b"", "/", "POST", 400, -32700),
        (b"5", "/", "POST", 200, -32600),
        (b"[]", "/", "POST", 200, -32600),
        (CALL, "/rpc/moonchain", "POST", 400, -32602),
        (CALL, "/", "GET", 405, None),
        (CALL, "/nowhere", "POST", 404, None),
    ],
)
async def test_what_the_gateway_answers_itself(body, path, method, status, code):
    response = await ask(build_gateway({}, 1.0), body, path, method)
    assert response.status == status
    reply = json.loads(response.body)
    assert code is None or reply["error"]["code"] == code
    assert code != -32602 or reply["id"] == 7


@pytest.mark.parametrize("path", ["/", "/?x=1", "/rpc/battlechain", "/rpc/999"])
async def test_chain_routes(path):
    async with gateway_over(answering(json_response(200, OK))) as gateway:
        assert (await ask(gateway, path=path)).body == OK


async def test_health_says_who_is_up():
    gateway = build_gateway({"p0": "http://127.0.0.1:1", "p1": "http://127.0.0.1:1"}, 1.0)
    assert health_document(gateway, 0.0)["status"] == "healthy"
    await ask(gateway)
    document = json.loads((await ask(gateway, path="/api/health", method="GET")).body)
    assert document["status"] == "down"
    assert [provider["state"] for provider in document["providers"]] == ["cooling", "cooling"]
    assert document["counters"] == {"requests": 1, "failed_over": 0, "exhausted": 1}


def test_round_robin_asks_the_doubtful_last_and_spreads_over_the_rest():
    assert round_robin("abc", 0, ()) == ["a", "b", "c"]
    assert round_robin("abc", 4, ()) == ["b", "c", "a"]
    assert [round_robin("abc", turn, "a")[0] for turn in range(4)] == ["b", "c", "b", "c"]
    assert round_robin("abc", 1, "abc") == ["b", "c", "a"]
    assert round_robin("", 1, ()) == []


def test_a_whole_batch_may_be_refused_with_one_error():
    assert judge_reply(Reply(200, error_body(-32600)), [1, 2], True) is None
    assert isinstance(judge_reply(Reply(200, error_body(-32000)), [1, 2], True), Complaint)
    assert isinstance(judge_reply(Reply(200, OK), [7, 8], True), Complaint)


def test_a_notification_wants_no_body():
    assert judge_reply(Reply(204, b""), [], False) is None
    assert judge_reply(Reply(200, b""), [], False) is None
    assert isinstance(judge_reply(Reply(503, b""), [], False), Complaint)
    assert exhausted_body(Question(b"", [], False, []), []) == b""
