"""The gateway under 200 requests a second, sent whether or not they are answered, while a provider fails.

The sender is httpx, over real sockets; nodes, gateway and sender share one process.
"""

from collections import Counter
from functools import partial

import httpx
import pytest
import trio

from battlectl.lab.gateway.app import gateway_handler, run_background
from battlectl.lab.gateway.settings import BreakerSettings
from battlectl.lab.net.http_server import listener_url, open_listener, serve
from battlectl.lab.net.wire import Response
from tests.lab.gateway.parts import events, simulated

pytestmark = pytest.mark.real

RATE = 200
VICTIM = "mock_b"
BREAKER = BreakerSettings(open_s=0.4, longest_s=1.0)


async def send_at_rate(client, replies, under_way):
    """The k-th request leaves at start + k / RATE, until cancelled; what comes back is kept."""

    async def send(number):
        body = {
            "jsonrpc": "2.0",
            "id": number,
            "method": "eth_getBalance",
            "params": ["0x" + "11" * 20, "latest"],
        }
        try:
            reply = await client.post("/", json=body)
            said = reply.json()
            replies.append(
                (reply.headers.get("x-lab-provider"), said.get("id") == number and "result" in said)
            )
        except httpx.HTTPError as error:
            replies.append((repr(error), False))

    start = trio.current_time()
    async with trio.open_nursery() as nursery:
        number = 0
        with under_way:
            while True:
                number += 1
                await trio.sleep_until(start + number / RATE)
                nursery.start_soon(send, number)


async def until(condition, seconds=30):
    with trio.fail_after(seconds):
        while not condition():  # noqa: ASYNC110 (what is waited for tells nobody)
            await trio.sleep(0.02)


def shares(replies):
    counts = Counter(provider for provider, _ in replies)
    return {provider: count / len(replies) for provider, count in counts.items()}


async def harm(how, node):
    if how == "kill":
        node.down()
    elif how == "hang":
        node.delay = 20.0
    else:
        node.response = Response(500)


async def heal(how, node, nursery):
    if how == "kill":
        await node.up(nursery)
    node.delay, node.response = 0.0, None


@pytest.mark.parametrize("how", ["kill", "hang", "http_5xx"])
async def test_a_provider_fails_at_200_a_second_and_no_request_does(how):
    replies, sending = [], trio.CancelScope()
    async with simulated(attempt_s=1.0, probe_s=0.4, breaker=BREAKER) as (gateway, nodes, nursery):
        listener = await open_listener("127.0.0.1", 0)
        nursery.start_soon(serve, listener, gateway_handler(gateway))
        nursery.start_soon(run_background, gateway)
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        async with (
            httpx.AsyncClient(
                base_url=listener_url(listener), trust_env=False, timeout=20, limits=limits
            ) as client,
            trio.open_nursery() as senders,
        ):
            senders.start_soon(partial(send_at_rate, client, replies, sending))
            provider = gateway.find(VICTIM)
            await until(lambda: len(replies) > RATE)
            assert 0.2 < shares(replies)[VICTIM] < 0.47
            await harm(how, nodes[1])
            await until(lambda: provider.breakers["http"].state == "open")
            await until(lambda: provider.in_flight == 0)
            since = len(replies)
            await until(lambda: len(replies) > since + RATE)
            during = replies[since:]
            await heal(how, nodes[1], nursery)
            await until(lambda: provider.breakers["http"].state == "closed")
            since = len(replies)
            await until(lambda: len(replies) > since + RATE)
            after = replies[since:]
            sending.cancel()
    assert [reply for reply in replies if not reply[1]] == []
    assert VICTIM not in shares(during)
    assert 0.2 < shares(after)[VICTIM] < 0.47
    states = [event["to"] for event in events(gateway, "breaker") if event["provider"] == VICTIM]
    assert states[0] == "open"
    assert states[-2:] == ["half_open", "closed"]
    assert {event["provider"] for event in events(gateway, "breaker")} == {VICTIM}
    assert gateway.exhausted == 0
    # What the gateway says of itself is what the client saw.
    seen = Counter(provider for provider, _ in replies)
    told = {found.id: found.served for found in gateway.providers}
    assert told == dict(seen)
