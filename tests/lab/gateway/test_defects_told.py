"""Defects of what clients are told: metadata, pages, errors, ids, heads; of what is kept; of deadlines."""

import base64
import itertools
import json
import tracemalloc
from contextlib import suppress

import pytest
import trio

from battlectl.lab.chain.chain import block_hash
from battlectl.lab.gateway.building import build_gateway
from battlectl.lab.gateway.settings import GatewaySettings
from battlectl.lab.net.http_server import json_response, listener_url, open_listener
from tests.lab.gateway.parts import (
    CALL,
    OK,
    ask,
    close_pools,
    gateway_over,
    header,
    new_chain,
    probe_all,
    result_of,
    served_by,
    settings_for,
    simulated,
)
from tests.lab.gateway.test_defects import BAD, BROKEN, FIRST, GOOD, REVERTS, both

JSON = ((b"content-type", b"application/json"),)


async def page(gateway, path):
    return json.loads((await ask(gateway, b"", path, "GET")).body)


async def metadata(gateway):
    """What X-Lasso-Meta says of one call."""
    response = await ask(gateway, path="/rpc/battlechain?include_meta=headers", headers=JSON)
    encoded = header(response, b"x-lasso-meta")
    return json.loads(base64.urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4)))


@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [
        ("metadata-names-first-provider", ("p0", b"2"), ("p1", b"2")),
        ("metadata-one-attempt", ("p1", b"1"), ("p1", b"2")),
        ("metadata-missing-after-failover", (None, None), ("p1", b"2")),
    ],
)
async def test_what_is_told_of_a_failover(name, wrong, right):
    async def observe(**settings):
        async with gateway_over(BAD, GOOD, **FIRST, **settings) as gateway:
            response = await ask(gateway)
            return served_by(response), header(response, b"x-lab-attempts")

    assert await both(name, observe) == [wrong, right]
    async with gateway_over(GOOD, defects=(name,)) as gateway:
        response = await ask(gateway)
    assert (served_by(response), header(response, b"x-lab-attempts")) == ("p0", b"1"), "no failover, no lie"


async def test_who_is_named():
    async def wrong(**settings):
        async with gateway_over(GOOD, GOOD, strategy="round-robin", **settings) as gateway:
            gateway.chance.seed(7)
            named = [served_by(await ask(gateway)) for _ in range(100)]
            meta = [await metadata(gateway) for _ in range(10)]
            assert all(told["selected_provider"]["id"] in ("p0", "p1") for told in meta)
        return sum(name != f"p{turn % 2}" for turn, name in enumerate(named))

    lies, none = await both("metadata-names-another", wrong)
    assert 8 < lies < 35
    assert none == 0


async def test_how_fast_it_was():
    async def slow(request):
        await trio.sleep(0.1)
        return json_response(200, OK)

    async def told(**settings):
        async with gateway_over(slow, **settings) as gateway:
            return (await metadata(gateway))["upstream_latency_ms"]

    invented, measured = await both("metadata-latency-invented", told)
    assert measured >= 100
    assert invented < 100


async def pages(gateway):
    """(total calls, p0's attempts by health, by metrics, p0's breaker, its last failure, all that failed)."""
    for _ in range(4):
        await ask(gateway)
    metrics, health = await page(gateway, "/api/metrics/999"), await page(gateway, "/api/health")
    status = (await page(gateway, "/api/status"))["chains"]["battlechain"]
    by_name = {row["id"]: row for row in health["providers"]}
    return (
        metrics["chain_performance"]["total_calls"],
        by_name["p0"]["attempts"],
        {row["id"]: row["total_races"] for row in metrics["providers"]}["p0"],
        (by_name["p0"]["breakers"]["http"], list(status["circuit_states"])),
        by_name["p0"]["last_failure"],
        sum(row["failures"] for row in health["providers"]),
    )


OPEN, CLOSED = ("open", ["p0:http"]), ("closed", [])
SO = (4, 3, 3, OPEN, "http 503", 3)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("telemetry-zero-counters", (0, 0, 0, OPEN, "http 503", 0)),
        ("telemetry-counts-twice", (8, 6, 6, OPEN, "http 503", 6)),
        ("telemetry-wrong-provider", (4, 4, 4, ("closed", ["p0:http"]), None, 3)),
        ("telemetry-breakers-closed", (4, 3, 3, CLOSED, "http 503", 3)),
        ("telemetry-failures-hidden", (4, 3, 3, OPEN, None, 0)),
    ],
)
async def test_what_pages_say(name, wrong):
    async def observe(**settings):
        async with gateway_over(BAD, GOOD, **FIRST, **settings) as gateway:
            return await pages(gateway)

    assert await both(name, observe) == [wrong, SO]


async def test_pages_that_are_old():
    async def counted(**settings):
        async with gateway_over(GOOD, **settings) as gateway:
            return [
                (await page(gateway, "/api/health"))["counters"]["requests"]
                for _ in range(2)
                if await ask(gateway)
            ]

    assert await both("telemetry-stale", counted) == [[1, 1], [1, 2]]


async def test_memory_that_never_changes(monkeypatch):
    async def told(**settings):
        sizes = itertools.count(2**20, 2**20)
        for module in ("metrics", "status"):
            monkeypatch.setattr(f"battlectl.lab.gateway.{module}.resident_bytes", lambda: next(sizes))
        async with gateway_over(GOOD, **settings) as gateway:
            metrics = [
                (await page(gateway, "/api/metrics/999"))["system_metrics"]["memory_mb"] for _ in range(2)
            ]
            status = [
                (await page(gateway, "/api/status"))["system"]["memory_usage"]["total"] for _ in range(2)
            ]
            return metrics, status

    wrong, right = await both("telemetry-memory-constant", told)
    assert [len(set(found)) for found in wrong] == [1, 1]
    assert [len(set(found)) for found in right] == [2, 2]


async def test_errors_as_html_and_as_500():
    async def told(*providers, **settings):
        async with gateway_over(*providers, **settings) as gateway:
            response = await ask(gateway)
            return response.status, dict(response.headers)[b"content-type"]

    json_type, html_type = b"application/json", b"text/html"
    for name, failed, reverted in (
        ("errors-as-html", 502, 200),
        ("errors-as-500", 500, 500),
        (None, 200, 200),
    ):
        defects = (name,) if name else ()
        kind = html_type if name == "errors-as-html" else json_type
        assert await told(BAD, defects=defects) == (failed, kind)
        assert await told(REVERTS, defects=defects) == (reverted, json_type)
        assert await told(GOOD, defects=defects) == (200, json_type)


async def test_the_shape_of_errors():
    async def shapes(**settings):
        async with gateway_over(BAD, **settings) as gateway:
            return len({json.dumps(shape(json.loads((await ask(gateway)).body)["error"])) for _ in range(4)})

    def shape(value):
        return (
            {key: shape(inner) for key, inner in value.items() if key != "data"}
            if isinstance(value, dict)
            else type(value).__name__
        )

    assert await both("error-shape-varies", shapes) == [3, 1]


async def test_what_an_error_says():
    async def revert(**settings):
        async with gateway_over(REVERTS, **settings) as gateway:
            return json.loads((await ask(gateway)).body)

    changed, right = await both("error-code-changed", revert)
    assert (changed["error"]["code"], right["error"]["code"]) == (-32603, 3)
    nobodys, right = await both("error-without-id", revert)
    assert (nobodys["id"], right["id"]) == (None, 7)


async def test_addresses_in_errors():
    async def said(**settings):
        async with gateway_over(BROKEN, **settings) as gateway:
            return gateway.providers[0].url in (await ask(gateway)).body.decode()

    assert await both("upstream-address-in-errors", said) == [True, False]


async def test_ids_that_are_strings():
    async def ids(**settings):
        async with simulated(1, **settings) as (gateway, _, _):
            return [(await result_of(gateway, "eth_gasPrice", id_=id_))["id"] for id_ in ("7", "x", 9)]

    assert await both("string-ids-become-numbers", ids) == [[7, 0, 9], ["7", "x", 9]]


def test_replies_over_websocket():
    def sent(*defects):
        outbox = build_gateway(GatewaySettings((), defects=defects)).seams.outbox(None)
        for _ in range(20):
            outbox.put(b"")
        return outbox.waiting

    assert [sent("replies-sent-twice"), sent()] == [22, 20]


async def heads_of(gateway, times=2):
    return [int((await result_of(gateway, "eth_blockNumber"))["result"], 16) for _ in range(times)]


@pytest.mark.parametrize(
    ("name", "heads", "wrong", "right"),
    [
        ("head-goes-back", (10, 3), [10, 3], [10, 10]),
        ("head-of-the-slowest", (10, 3), [10, 3], [10, 10]),
    ],
)
async def test_a_head_that_goes_back(name, heads, wrong, right):
    async def shown(**settings):
        async with simulated(2, strategy="round-robin", **settings) as (gateway, nodes, _):
            nodes[0].head, nodes[1].head = heads
            return await heads_of(gateway)

    assert await both(name, shown) == [wrong, right]


async def test_a_head_that_jumps():
    async def shown(**settings):
        async with simulated(3, strategy="priority", **settings) as (gateway, nodes, _):
            for node in nodes:
                node.head = 10
            await probe_all(gateway)
            nodes[0].head = 10_000
            return await heads_of(gateway, 1)

    assert await both("head-jumps", shown) == [[10_000], [10]]


async def test_a_head_from_memory():
    async def shown(**settings):
        async with simulated(1, **settings) as (gateway, (node,), _):
            node.head = 5
            first = await heads_of(gateway, 1)
            node.head = 7
            return first + await heads_of(gateway, 1), gateway.requests

    assert await both("head-from-memory", shown) == [([5, 5], 2), ([5, 7], 2)]


async def test_a_null_for_what_was_shown():
    async def found(**settings):
        async with simulated(2, strategy="priority", **settings) as (gateway, nodes, _):
            nodes[0].head, nodes[1].head = 10, 11
            gateway.show(11)
            return (await result_of(gateway, "eth_getBlockByNumber", "0xb", False))["result"] is None

    assert await both("null-for-a-shown-block", found) == [True, False]


@pytest.mark.parametrize(
    ("name", "stands"),
    [
        ("latest-from-mixed-views", {"lagging": True}),
        ("fork-not-noticed", {"forked": True}),
        ("wrong-chain-accepted", {"wrong_chain": True}),
    ],
)
async def test_who_is_asked_although_it_should_not_be(name, stands):
    async def asked(**settings):
        async with gateway_over(GOOD, GOOD, **FIRST, **settings) as gateway:
            well = {"lagging": False, "forked": False, "wrong_chain": False}
            gateway.providers[0].stands(gateway.truth, **well | stands)
            return served_by(await ask(gateway))

    assert await both(name, asked) == ["p0", "p1"]


async def test_a_reorg_bans_everybody():
    async def answers(**settings):
        async with simulated(2, **settings) as (gateway, nodes, _):
            other = new_chain(seed=2)
            before = await result_of(gateway, "eth_getBlockByNumber", "0x5", False)
            for node in nodes:
                node.chain = other
            after = await result_of(gateway, "eth_getBlockByNumber", "0x5", False)
            assert before["result"]["hash"] != after["result"]["hash"] == block_hash(other, 5)
            return "error" in await result_of(gateway, "eth_gasPrice")

    assert await both("reorg-bans-everybody", answers) == [True, False]


@pytest.mark.parametrize(
    ("name", "asked", "is_kept"),
    [
        ("cache-outlives-reorg", ("eth_getBlockByNumber", "0x5", False), True),
        ("cache-outlives-reorg", ("eth_getBlockByNumber", "latest", False), False),
        ("latest-block-from-memory", ("eth_getBlockByNumber", "latest", False), True),
        ("latest-block-from-memory", ("eth_getBlockByNumber", "0x5", False), False),
    ],
)
async def test_what_is_kept_through_a_change_of_the_chain(name, asked, is_kept):
    async def same(**settings):
        async with simulated(1, **settings) as (gateway, (node,), _):
            before = await result_of(gateway, *asked)
            node.chain = new_chain(seed=2)
            return await result_of(gateway, *asked) == before

    assert await both(name, same) == [is_kept, False]


async def test_a_null_is_kept():
    async def later(**settings):
        async with simulated(1, **settings) as (gateway, (node,), _):
            node.head = 5
            assert (await result_of(gateway, "eth_getBlockByNumber", "0x6", False))["result"] is None
            node.head = 7
            return (await result_of(gateway, "eth_getBlockByNumber", "0x6", False))["result"] is None

    assert await both("cache-keeps-nulls", later) == [True, False]


async def test_the_state_of_an_account_at_two_blocks():
    async def balance(request):
        value = json.loads(request.body)
        return json_response(
            200, json.dumps({"jsonrpc": "2.0", "id": 7, "result": value["params"][1]}).encode()
        )

    async def found(**settings):
        async with gateway_over(balance, **settings) as gateway:
            return [
                (await result_of(gateway, "eth_getBalance", "0xab", block))["result"]
                for block in ("0x1", "0x2")
            ]

    assert await both("cache-ignores-block", found) == [["0x1", "0x1"], ["0x1", "0x2"]]


async def trickling(stream):
    """A server that sends the headers at once, and the body a second later."""
    await stream.receive_some()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(OK)}\r\n\r\n"
    with trio.move_on_after(5):
        await stream.send_all(head.encode())
        await trio.sleep(1)
        with suppress(trio.BrokenResourceError):
            await stream.send_all(OK)


async def test_a_body_that_takes_its_time():
    async def served(**settings):
        async with trio.open_nursery() as nursery, gateway_over(GOOD) as other:
            listener = await open_listener("127.0.0.1", 0)
            nursery.start_soon(trio.serve_listeners, trickling, [listener])
            urls = {"trickles": listener_url(listener), "answers": other.providers[0].url}
            gateway = build_gateway(settings_for(urls, 0.4, **FIRST, **settings))
            found = served_by(await ask(gateway))
            await close_pools(gateway)
            nursery.cancel_scope.cancel()
        return found

    assert await both("no-deadline-for-bodies", served) == ["trickles", "answers"]


def test_deadlines():
    long, right = (build_gateway(GatewaySettings((), defects=d)) for d in (("deadline-beyond-clients",), ()))
    assert long.settings.deadline("eth_gasPrice") == 60 < long.settings.request_s
    assert right.settings.deadline("eth_gasPrice") == 2


async def test_nobody_can_answer():
    async def is_answered(**settings):
        async with gateway_over(BAD, **settings) as gateway:
            with trio.move_on_after(2):
                await ask(gateway)
                return True
        return False

    assert await both("hangs-when-all-are-dead", is_answered) == [False, True]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_leaks():
    async def left(**settings):
        async with gateway_over(GOOD, **settings) as gateway:
            before = trio.lowlevel.current_statistics().tasks_living
            for _ in range(20):
                await ask(gateway, CALL)
            await trio.testing.wait_all_tasks_blocked()
            return trio.lowlevel.current_statistics().tasks_living - before

    leaking, sound = await both("tasks-leak", left)
    assert leaking - sound >= 20
    # Of a connection that nobody reads, the server has a task that waits for it.
    leaking, sound = await both("upstream-connections-leak", left)
    assert leaking - sound == 2


async def test_memory_that_is_kept():
    async def kept(**settings):
        async with gateway_over(GOOD, **settings) as gateway:
            tracemalloc.start()
            before, _ = tracemalloc.get_traced_memory()
            for _ in range(20):
                await ask(gateway, CALL)
            after, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return after - before > 20 * 32 * 1024

    assert await both("memory-leak", kept) == [True, False]
