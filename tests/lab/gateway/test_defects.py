"""Each defect is real: the gateway that has it does what it says, and the sound one does not."""

import json

from battlectl.lab.net.http_server import json_response
from battlectl.lab.net.wire import Response
from tests.lab.gateway.parts import (
    CALL,
    OK,
    answering,
    ask,
    error_body,
    events,
    gateway_over,
    header,
    result_of,
    served_by,
    simulated,
)

GOOD = answering(json_response(200, OK))
BAD = answering(Response(503, (), b"busy"))
SOUND = ()


def planted(name):
    """The settings with the defect, and without."""
    return [{"defects": (name,)}, {"defects": SOUND}]


async def both(name, observe):
    """What is observed with the defect, and what is without."""
    return [await observe(settings) for settings in planted(name)]


async def page(gateway, path):
    return json.loads((await ask(gateway, b"", path, "GET")).body)


async def test_failover_by_http_status():
    async def said(settings):
        limited = answering(json_response(200, error_body(-32005)))
        async with gateway_over(limited, GOOD, strategy="priority", **settings) as gateway:
            response = await ask(gateway)
            return response.body, header(response, b"x-lab-attempts")

    assert await both("failover-by-http-status", said) == [(error_body(-32005), b"1"), (OK, b"2")]


async def test_breaker_never_opens():
    async def opened(settings):
        async with gateway_over(BAD, GOOD, strategy="priority", **settings) as gateway:
            attempts = [header(await ask(gateway), b"x-lab-attempts") for _ in range(6)]
            return len(events(gateway, "breaker")), attempts[-1]

    assert await both("breaker-never-opens", opened) == [(0, b"2"), (1, b"1")]


async def test_head_goes_back():
    async def heads(settings):
        async with simulated(2, strategy="round-robin", **settings) as (gateway, nodes, _):
            nodes[0].head, nodes[1].head = 10, 3
            return [(await result_of(gateway, "eth_blockNumber"))["result"] for _ in range(2)]

    assert await both("head-goes-back", heads) == [["0xa", "0x3"], ["0xa", "0xa"]]


async def test_metadata_names_first_provider():
    async def named(settings):
        async with gateway_over(BAD, GOOD, strategy="priority", **settings) as gateway:
            return served_by(await ask(gateway)), gateway.truth.served["p1", "http", "eth_gasPrice"]

    assert await both("metadata-names-first-provider", named) == [("p0", 1), ("p1", 1)]


async def test_telemetry_zero_counters():
    async def counted(settings):
        async with gateway_over(GOOD, **settings) as gateway:
            await ask(gateway, CALL)
            metrics, health = await page(gateway, "/api/metrics/999"), await page(gateway, "/api/health")
            return metrics["chain_performance"]["total_calls"], health["providers"][0]["attempts"]

    assert await both("telemetry-zero-counters", counted) == [(0, 0), (1, 1)]
