"""The gateway over scripted providers: whom it asks, when it asks another, what it says."""

import json

import pytest
import trio

from battlectl.lab.gateway.forwarding import exhausted_body
from battlectl.lab.gateway.judgement import Accepted, Complaint, judge_reply
from battlectl.lab.gateway.questions import Question
from battlectl.lab.net.http_server import json_response, listener_url, open_listener
from battlectl.lab.net.upstream import Reply
from battlectl.lab.net.wire import Response
from tests.lab.gateway.parts import (
    CALL,
    OK,
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

GOOD = answering(json_response(200, OK))
SAID_BY_ALL = [3, -32600, -32601, -32602, -32700, -31999, 1]


async def reset(stream):
    """A server that takes a request and resets the connection."""
    stream.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    await stream.receive_some()
    await trio.aclose_forcefully(stream)


@pytest.mark.parametrize(
    ("bad", "opens"),
    [
        (None, True),
        (hang, True),
        (answering(Response(503, (), b"busy")), True),
        (answering(Response(401, (), b"{}")), True),
        (answering(Response(200, (), b"<html>")), True),
        (answering(Response(200, ((b"content-type", b"text/html"),), OK)), True),
        (answering(json_response(200, b"")), True),
        (answering(json_response(200, OK[:-5])), True),
        (answering(json_response(200, b"{}")), True),
        (answering(json_response(200, OK.replace(b"7", b"8"))), True),
        (answering(json_response(200, OK.replace(b":7", b':"7"'))), True),
        (answering(json_response(200, b"[" + OK + b"]")), True),
        (answering(Response(429, (), b"slow down")), False),
        (answering(json_response(200, error_body(-32005))), False),
        (answering(json_response(200, error_body(-32000))), False),
        (answering(json_response(200, error_body(-32603))), False),
    ],
)
async def test_what_is_wrong_with_one_provider_is_made_good_by_the_next(bad, opens):
    """And only what speaks of the provider itself opens its breaker."""
    async with gateway_over(bad, GOOD, attempt_s=0.2, strategy="priority") as gateway:
        for _ in range(3):
            response = await ask(gateway)
            assert (response.status, response.body, served_by(response)) == (200, OK, "p1")
            gateway.providers[0].limited_until = float("-inf")
            gateway.providers[0].sour_until.clear()
    assert gateway.failed_over == 3
    assert gateway.providers[0].failures == 3
    assert gateway.providers[0].breakers["http"].state == ("open" if opens else "closed")
    assert gateway.providers[1].breakers["http"].state == "closed"


async def test_a_reset_is_made_good_too():
    async with trio.open_nursery() as nursery:
        listener = await open_listener("127.0.0.1", 0)
        nursery.start_soon(trio.serve_listeners, reset, [listener])
        async with gateway_over(GOOD) as other:
            urls = {"resets": listener_url(listener), "answers": other.providers[0].url}
            gateway = build_gateway(settings_for(urls))
            response = await ask(gateway)
            await close_pools(gateway)
        nursery.cancel_scope.cancel()
    assert (served_by(response), header(response, b"x-lab-attempts")) == ("answers", b"2")


@pytest.mark.parametrize("code", SAID_BY_ALL)
async def test_an_error_that_all_providers_would_give_is_passed_on_untouched(code):
    said = answering(json_response(200, error_body(code)))
    async with gateway_over(said, hang, strategy="priority") as gateway:
        for _ in range(4):
            response = await ask(gateway)
            assert response.body == error_body(code)
            assert header(response, b"x-lab-attempts") == b"1"
    assert gateway.providers[0].breakers["http"].failures == 0
    assert gateway.failed_over == 0


async def test_each_provider_is_asked_in_turn():
    async with gateway_over(GOOD, GOOD, GOOD) as gateway:
        served = [served_by(await ask(gateway)) for _ in range(6)]
    assert served == ["p0", "p1", "p2"] * 2


async def test_a_provider_that_keeps_failing_is_left_alone_then_tried_then_trusted():
    state = {"response": Response(500)}

    async def sometimes(request):
        return state["response"]

    async with gateway_over(sometimes, GOOD, strategy="priority") as gateway:
        gateway.clock = lambda: now
        now = 100.0
        for _ in range(6):
            assert served_by(await ask(gateway)) == "p1"
        assert gateway.providers[0].attempts == 3
        now = (
            101.1  # the time it stays open is over: one request is its trial, and the client does not notice
        )
        assert served_by(await ask(gateway)) == "p1"
        assert gateway.providers[0].attempts == 4
        now = 102.5  # open for twice as long now
        assert served_by(await ask(gateway)) == "p1"
        assert gateway.providers[0].attempts == 4
        state["response"] = json_response(200, OK)
        now = 103.2
        assert [served_by(await ask(gateway)) for _ in range(4)] == ["p0"] * 4
    changes = [(event["from"], event["to"]) for event in events(gateway, "breaker")]
    assert changes == [
        ("closed", "open"),
        ("open", "half_open"),
        ("half_open", "open"),
        ("open", "half_open"),
        ("half_open", "closed"),
    ]


async def test_while_half_open_only_one_request_at_a_time_is_the_trial():
    gate, four_served = trio.Event(), trio.Event()
    tried, served = [], []

    async def slow(request):
        tried.append(request)
        await gate.wait()
        return json_response(200, OK)

    async def quick(request):
        served.append(request)
        if len(served) == 4:
            four_served.set()
        return json_response(200, OK)

    async with gateway_over(slow, quick, strategy="priority") as gateway:
        provider, rules = gateway.providers[0], gateway.settings.breaker
        for _ in range(3):
            provider.failed("http", gateway.clock() - 2, rules, gateway.truth, "test")
        with trio.fail_after(10):
            async with trio.open_nursery() as nursery:
                for _ in range(5):
                    nursery.start_soon(ask, gateway)
                await four_served.wait()
                gate.set()
    assert len(tried) == 1


async def test_what_was_under_way_when_a_breaker_changed_counts_no_more():
    """Neither a late success closes it, nor does a late time-out open it again."""
    async with gateway_over(GOOD) as gateway:
        provider, rules, truth = gateway.providers[0], gateway.settings.breaker, gateway.truth
        for _ in range(3):
            provider.failed("http", 100, rules, truth, "test", "closed")
        provider.succeeded("http", rules, truth, "closed")
        assert provider.breakers["http"].state == "open"
        assert provider.breaker("http", 101, truth).state == "half_open"
        provider.failed("http", 101, rules, truth, "test", "closed")
        assert provider.breakers["http"].state == "half_open"
        provider.failed("http", 101, rules, truth, "test", "half_open")
        assert provider.breakers["http"].state == "open"


async def test_a_server_error_of_one_method_demotes_the_provider_for_that_method_only():
    def handler(request):
        bad = b"eth_call" in request.body
        return json_response(200, error_body(-32603) if bad else OK)

    async def sick(request):
        return handler(request)

    async with gateway_over(sick, GOOD, strategy="priority") as gateway:
        first = await ask(gateway, call("eth_call", {"to": "0x" + "11" * 20}))
        second = await ask(gateway, call("eth_call", {"to": "0x" + "11" * 20}))
        other = await ask(gateway)
    assert [header(reply, b"x-lab-attempts") for reply in (first, second, other)] == [b"2", b"1", b"1"]
    assert [served_by(reply) for reply in (first, second, other)] == ["p1", "p1", "p0"]


async def test_a_server_error_that_all_give_is_passed_on_in_the_words_of_the_first():
    bodies = [error_body(-32000, text) for text in ("insufficient funds", "sender is poor")]
    handlers = [answering(json_response(200, body)) for body in bodies]
    async with gateway_over(*handlers, strategy="priority") as gateway:
        response = await ask(gateway)
    assert response.body == bodies[0]
    assert served_by(response) == "p0"


@pytest.mark.parametrize(("after", "until"), [(b"7", 107), (b"soon", 101), (b"9999", 160), (None, 101)])
async def test_retry_after_is_respected_within_bounds(after, until):
    headers = () if after is None else ((b"retry-after", after),)
    limited = answering(Response(429, headers, b""))
    async with gateway_over(limited, GOOD, strategy="priority") as gateway:
        now = 100.0
        gateway.clock = lambda: now
        await ask(gateway)
        now = until - 0.01
        assert header(await ask(gateway), b"x-lab-attempts") == b"1"
        now = until + 0.01
        assert header(await ask(gateway), b"x-lab-attempts") == b"2"
    assert not events(gateway, "breaker")


async def test_one_limited_provider_is_better_than_none():
    async with gateway_over(GOOD) as gateway:
        gateway.providers[0].limit(gateway.clock() + 60, gateway.truth, "test")
        assert (await ask(gateway)).body == OK


async def test_a_request_costs_no_more_attempts_than_its_budget():
    bad = answering(Response(500))
    async with gateway_over(bad, bad, bad, bad, attempts=3) as gateway:
        assert header(await ask(gateway), b"x-lab-attempts") == b"3"


async def test_a_request_lasts_no_longer_than_it_may():
    async with gateway_over(hang, hang, hang, attempt_s=0.4, request_s=0.6) as gateway:
        with trio.fail_after(10):
            reply = json.loads((await ask(gateway)).body)
    reasons = [attempt["reason"] for attempt in reply["error"]["data"]["attempts"]]
    assert reasons == ["no answer within 0.4 s", "the request's own time was up"]
    assert [provider.breakers["http"].failures for provider in gateway.providers] == [1, 0, 0]


async def test_logs_may_take_longer_than_a_block_number():
    async def slow(request):
        await trio.sleep(0.3)
        return json_response(200, OK)

    async with gateway_over(slow, attempt_s=0.15) as gateway:
        quick = json.loads((await ask(gateway, call("eth_blockNumber"))).body)
        logs = await ask(gateway, call("eth_getLogs", {}))
    assert quick["error"]["code"] == -32000
    assert logs.body == OK


async def test_with_all_breakers_open_one_attempt_is_made_and_no_more():
    async with gateway_over(None, None, None) as gateway:
        for _ in range(3):
            await ask(gateway)
        states = [provider.breakers["http"].state for provider in gateway.providers]
        assert states == ["open"] * 3
        response = await ask(gateway)
    assert header(response, b"x-lab-attempts") == b"1"
    assert json.loads(response.body)["error"]["code"] == -32000


async def test_when_all_fail_the_caller_gets_its_id_and_the_reasons():
    async with gateway_over(None, answering(Response(500))) as gateway:
        response = await ask(gateway)
        batch = await ask(gateway, b"[" + CALL + b"," + CALL.replace(b"7", b'"b"') + b"]")
        note = await ask(gateway, b'{"jsonrpc":"2.0","method":"eth_chainId"}')
    reply = json.loads(response.body)
    assert (response.status, reply["id"], reply["error"]["code"]) == (200, 7, -32000)
    assert [attempt["provider"] for attempt in reply["error"]["data"]["attempts"]] == ["p0", "p1"]
    assert served_by(response) is None
    assert [(item["id"], item["error"]["code"]) for item in json.loads(batch.body)] == [
        (7, -32000),
        ("b", -32000),
    ]
    assert note.status == 204
    assert gateway.exhausted == 3


async def test_a_batch_goes_whole_to_one_provider():
    seen = []
    body = b"[" + CALL + b', {"jsonrpc":"2.0","method":"note"}, 5]'
    answer = json.dumps(
        [json.loads(OK), {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "no"}}]
    ).encode()
    async with gateway_over(answering(json_response(200, answer), seen)) as gateway:
        response = await ask(gateway, body)
    assert response.body == answer
    assert [request.body for request in seen] == [body]


@pytest.mark.parametrize(
    "answer",
    [
        [7],
        [7, 7],
        [7, 8, 9],
        [7, "8"],
    ],
)
async def test_a_batch_that_is_not_answered_call_by_call_is_asked_elsewhere(answer):
    def replies(ids):
        return json.dumps([{"jsonrpc": "2.0", "id": id_, "result": 1} for id_ in ids]).encode()

    body = b"[" + CALL + b"," + CALL.replace(b"7", b"8") + b"]"
    whole = replies([8, 7])  # in another order, which JSON-RPC allows
    handlers = [answering(json_response(200, found)) for found in (replies(answer), whole)]
    async with gateway_over(*handlers, strategy="priority") as gateway:
        response = await ask(gateway, body)
    assert (response.body, served_by(response)) == (whole, "p1")


async def test_a_rate_limit_inside_a_batch_is_seen():
    body = b"[" + CALL + b"," + CALL.replace(b"7", b"8") + b"]"
    limited = b"[" + OK + b"," + error_body(-32005).replace(b"7", b"8") + b"]"
    whole = b"[" + OK + b"," + OK.replace(b"7,", b"8,") + b"]"
    handlers = [answering(json_response(200, found)) for found in (limited, whole)]
    async with gateway_over(*handlers, strategy="priority") as gateway:
        assert (await ask(gateway, body)).body == whole
        assert header(await ask(gateway, body), b"x-lab-attempts") == b"1"
    assert not events(gateway, "breaker")


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
        gateway = build_gateway(settings_for({"p0": listener_url(listener)}))
        for _ in range(5):
            assert (await ask(gateway)).body == OK
        assert gateway.providers[0].failures == 0
        await close_pools(gateway)
        nursery.cancel_scope.cancel()


async def test_a_client_that_leaves_teaches_nothing_about_the_provider():
    async with gateway_over(hang) as gateway:
        provider, rules = gateway.providers[0], gateway.settings.breaker
        for _ in range(3):
            provider.failed("http", gateway.clock() - 2, rules, gateway.truth, "test")
        with trio.move_on_after(0.1):
            await ask(gateway)
        assert provider.in_flight == 0
        assert (provider.breakers["http"].state, provider.breakers["http"].on_trial) == ("half_open", False)


@pytest.mark.parametrize(
    ("body", "path", "method", "status", "code"),
    [
        (b"{", "/", "POST", 400, -32700),
        (b"", "/", "POST", 200, -32600),
        (b"5", "/", "POST", 200, -32600),
        (b"[]", "/", "POST", 200, -32600),
        (CALL, "/rpc/moonchain", "POST", 400, -32602),
        (CALL, "/", "GET", 405, None),
        (CALL, "/nowhere", "POST", 404, None),
    ],
)
async def test_what_the_gateway_answers_itself(body, path, method, status, code):
    response = await ask(build_gateway(settings_for({})), body, path, method)
    assert response.status == status
    reply = json.loads(response.body)
    assert code is None or reply["error"]["code"] == code


@pytest.mark.parametrize("path", ["/", "/?x=1", "/rpc/battlechain", "/rpc/999"])
async def test_chain_routes(path):
    async with gateway_over(GOOD) as gateway:
        assert (await ask(gateway, path=path)).body == OK


def test_a_whole_batch_may_be_refused_with_one_error():
    assert isinstance(judge_reply(Reply(200, error_body(-32600)), [1, 2], True), Accepted)
    assert isinstance(judge_reply(Reply(200, error_body(-32000)), [1, 2], True), Complaint)
    assert isinstance(judge_reply(Reply(200, OK), [7, 8], True), Complaint)


def test_a_notification_wants_no_body():
    assert judge_reply(Reply(204, b""), [], False) == Accepted([])
    assert judge_reply(Reply(200, b""), [], False) == Accepted([])
    assert isinstance(judge_reply(Reply(503, b""), [], False), Complaint)
    assert exhausted_body(Question(b"", [], False), []) == b""
