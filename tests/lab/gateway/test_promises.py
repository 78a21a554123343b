"""Ways in which a gateway could fail its clients, or its own record, although one provider was well."""

import json

import msgspec
import pytest
import trio

from battlectl.lab.gateway.breaker import Breaker
from battlectl.lab.gateway.judgement import Accepted, judge_reply
from battlectl.lab.gateway.settings import BreakerSettings
from battlectl.lab.gateway.state import configure
from battlectl.lab.gateway.ws import inquiry
from battlectl.lab.gateway.ws.inquiry import Unanswered
from battlectl.lab.gateway.ws.link import Link
from battlectl.lab.net.http_server import json_response
from battlectl.lab.net.upstream import Reply
from battlectl.lab.net.wire import Response
from tests.lab.gateway.parts import (
    OK,
    answering,
    ask,
    call,
    error_body,
    events,
    gateway_over,
    header,
    probe_all,
    result_of,
    served_by,
    simulated,
)

GOOD = answering(json_response(200, OK))
LIMITED = Response(429, ((b"retry-after", b"60"),), b"")


@pytest.mark.parametrize(
    "body",
    [
        b'{"jsonrpc":"2.0","id":7,"result":"0x1","error":{"code":3,"message":"x"}}',
        b'{"jsonrpc":"2.0","id":7,"result":"0x1","error":null}',
        b'{"jsonrpc":"2.0","id":7,"error":null}',
        b'{"jsonrpc":"2.0","id":7,"error":{}}',
        b'{"jsonrpc":"2.0","id":7,"error":{"code":3}}',
        b'{"jsonrpc":"2.0","id":7,"error":{"code":true,"message":"x"}}',
        b'{"jsonrpc":"2.0","id":7,"error":{"code":3.5,"message":"x"}}',
        b'{"jsonrpc":"2.0","id":7,"error":{"code":3,"message":["x"]}}',
        b'{"jsonrpc":"2.0","id":[7],"result":1}',
    ],
)
@pytest.mark.parametrize("is_batch", [False, True])
def test_what_a_strict_client_would_call_malformed_is_not_passed_on(body, is_batch):
    body = b"[" + body + b"]" if is_batch else body
    assert not isinstance(judge_reply(Reply(200, body), [7], is_batch), Accepted)


def test_a_result_is_no_answer_to_a_batch():
    body = b'{"jsonrpc":"2.0","id":7,"result":1,"error":null}'
    assert not isinstance(judge_reply(Reply(200, body), [7], True), Accepted)


@pytest.mark.parametrize("place", [b'{"jsonrpc":"2.0","id":%s,"result":1}', b"%s"])
def test_no_depth_of_nesting_gets_past_the_judgement(place):
    """What can just be decoded could be too deep for whatever looks at it next."""
    for depth in range(700, 1_010):
        body = place % (b"[" * depth + b"]" * depth)
        assert not isinstance(judge_reply(Reply(200, body), [7], False), Accepted)


DEEP = b"[" * 100_000 + b"]" * 100_000


async def test_a_provider_that_nests_too_deep_is_one_that_does_not_answer():
    """Wherever the gateway reads; it used to end the process."""
    async with gateway_over(answering(json_response(200, DEEP)), GOOD, strategy="priority") as gateway:
        await probe_all(gateway)
        assert served_by(await ask(gateway)) == "p1"
        with pytest.raises(Unanswered):
            await inquiry.ask(gateway, gateway.providers[0], "eth_blockNumber", [])
        page = await ask(gateway, b'{"x":' + DEEP + b"}", "/api/admin/chains/battlechain", "PUT")
        assert page.status == 400


async def test_a_websocket_that_nests_too_deep_is_over():
    class Socket:
        async def receive(self):
            return DEEP

    link = Link(Socket())
    await link.run()
    assert link.ended == "not JSON"


async def test_a_notification_brings_nothing_back():
    page = Response(200, ((b"content-type", b"text/html"),), b"<html>")
    async with gateway_over(answering(page)) as gateway:
        for body in (b'{"jsonrpc":"2.0","method":"x"}', b'[{"jsonrpc":"2.0","method":"x"}]'):
            response = await ask(gateway, body)
            assert (response.status, response.body) == (204, b"")


async def test_a_code_of_429_in_the_body_is_a_rate_limit():
    limited = answering(json_response(200, error_body(429)))
    async with gateway_over(limited, GOOD, strategy="priority") as gateway:
        assert [served_by(await ask(gateway)) for _ in range(2)] == ["p1", "p1"]
        assert gateway.providers[0].attempts == 1
    assert [event["what"] for event in events(gateway, "standing")] == ["rate_limited"]


async def test_who_is_rate_limited_is_asked_last_though_it_is_due_for_a_trial():
    async with gateway_over(answering(LIMITED), GOOD, strategy="priority") as gateway:
        provider = gateway.providers[0]
        provider.breakers["http"] = Breaker("half_open", openings=1)
        assert [served_by(await ask(gateway)) for _ in range(5)] == ["p1"] * 5
        assert provider.attempts == 1
        assert provider.breakers["http"].state == "half_open"


async def test_the_last_resort_is_one_that_answered_its_last_probe():
    """Its neighbour is due earlier, and hangs."""
    sick, well = Breaker("half_open", until=0, on_trial=True), Breaker("open", openings=3, until=1e9)
    seen = []
    async with gateway_over(answering(Response(500), seen), GOOD, strategy="priority") as gateway:
        for provider, breaker, is_well in zip(gateway.providers, (sick, well), (False, True), strict=True):
            provider.breakers["http"], provider.is_probe_well = breaker, is_well
        response = await ask(gateway)
    assert (served_by(response), header(response, b"x-lab-attempts"), seen) == ("p1", b"1", [])


async def test_a_request_is_not_offered_to_a_provider_that_was_removed_meanwhile():
    gate, seen = trio.Event(), []

    async def slow(request):
        await gate.wait()
        return Response(500)

    async with gateway_over(slow, answering(Response(500), seen), GOOD, strategy="priority") as gateway:
        every = gateway.settings.providers
        await configure(gateway, msgspec.structs.replace(gateway.settings, providers=every[:2]))
        replies = []

        async def client():
            replies.append(await ask(gateway))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(client)
            with trio.fail_after(10):
                while not gateway.providers[0].in_flight:  # noqa: ASYNC110 (attempts tell nobody)
                    await trio.sleep(0.01)
            await configure(gateway, msgspec.structs.replace(gateway.settings, providers=every[2:]))
            gate.set()
    assert [(served_by(reply), reply.body) for reply in replies] == [("p2", OK)]
    assert seen == []


@pytest.mark.parametrize("host", ["a..b", "x" * 70, "exa mple", "\u2024"])
async def test_a_host_that_is_no_name_is_a_provider_that_does_not_answer(host):
    """By hand or by PUT: it used to end the process with the first probe."""
    async with simulated(1) as (gateway, nodes, _):
        good = {"id": "good", "url": nodes[0].url}
        chain = {"name": "x", "chain_id": 999, "providers": [{"id": "bad", "url": f"http://{host}/"}, good]}
        body = json.dumps({"chain": chain}).encode()
        put = await ask(gateway, body, "/api/admin/chains/battlechain", "PUT")
        await probe_all(gateway)
        replies = [await ask(gateway, call("eth_gasPrice")) for _ in range(3)]
    if put.status == 200:
        assert {served_by(reply) for reply in replies} == {"good"}
        assert gateway.truth.probes["bad", "failed"] == 1
    else:
        assert put.status == 400


async def test_a_server_error_that_reaches_the_client_is_no_failover():
    bad = answering(json_response(200, error_body(-32603)))
    async with gateway_over(bad, bad) as gateway:
        assert json.loads((await ask(gateway)).body)["error"]["code"] == -32603
        assert (gateway.failed_over, gateway.exhausted) == (0, 1)
    (event,) = events(gateway, "rejected")
    assert (event["to"], [tried["provider"] for tried in event["attempts"]]) == ("p0", ["p0", "p1"])


async def test_the_head_that_was_shown_is_an_answer_and_no_rejection():
    async with simulated(1) as (gateway, nodes, _):
        head = (await result_of(gateway, "eth_blockNumber"))["result"]
        nodes[0].behind = 1
        assert (await result_of(gateway, "eth_blockNumber"))["result"] == head
        assert (gateway.failed_over, gateway.exhausted) == (1, 0)
    assert [event["to"] for event in events(gateway, "failover")] == [None]


async def test_each_opening_of_a_breaker_is_in_the_truth():
    rules = BreakerSettings(failures=1, open_s=0.1, longest_s=0.1)
    async with simulated(1, breaker=rules) as (gateway, nodes, _):
        nodes[0].response = Response(500)
        for _ in range(3):
            await probe_all(gateway)
            await trio.sleep(0.12)
        assert gateway.providers[0].breakers["http"].openings == 3
    found = [(event["from"], event["to"]) for event in events(gateway, "breaker")]
    assert found == [("closed", "open"), *[("open", "half_open"), ("half_open", "open")] * 2]


async def test_a_late_failure_of_the_last_resort_opens_nothing_again():
    """It was asked while the breaker was open, which can only help."""
    async with gateway_over(GOOD) as gateway:
        provider, rules, truth = gateway.providers[0], gateway.settings.breaker, gateway.truth
        provider.breakers["http"] = before = Breaker("open", openings=1, until=100)
        provider.failed("http", 101, rules, truth, "test", "open")
        assert provider.breakers["http"] == before
        assert provider.breaker("http", 101, truth).state == "half_open"
