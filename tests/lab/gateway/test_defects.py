"""Each defect is real: a gateway that has it does what the defect says, and the sound one does not.

Failover, breakers, routing and batches; the others are in the files beside this one.
"""

import json
import random
from collections import Counter

import pytest
import trio

from battlectl.lab.gateway.building import build_gateway
from battlectl.lab.gateway.defects.table import DEFECTS
from battlectl.lab.gateway.settings import BreakerSettings, GatewaySettings
from battlectl.lab.gateway.strategies import Standing
from battlectl.lab.net.http_server import json_response
from battlectl.lab.net.wire import Response
from tests.lab.gateway.parts import (
    OK,
    answering,
    ask,
    call,
    error_body,
    events,
    gateway_over,
    hang,
    header,
    served_by,
)

HTML = answering(Response(200, ((b"content-type", b"text/html"),), b"<html>"))
GOOD = answering(json_response(200, OK))
BAD = answering(Response(503, (), b"busy"))
LIMITED = answering(json_response(200, error_body(-32005)))
BROKEN = answering(json_response(200, error_body(-32603)))
REVERTS = answering(json_response(200, error_body(3)))
FIRST = {"strategy": "priority"}
"""Settings under which p0 is asked first."""


async def both(name, observe):
    """What is observed with the defect, and without."""
    return [await observe(defects=(name,)), await observe(defects=())]


def patience(first):
    """The deadline of an attempt: short where it must pass, long where no slow machine may meet it."""
    return 0.3 if first is hang else 5.0


def told(response):
    """The reply's result or error code, and the attempts that it took."""
    try:
        reply = json.loads(response.body)
    except ValueError:
        return response.body, header(response, b"x-lab-attempts")
    error = reply.get("error")
    return (reply.get("result") if error is None else error["code"]), header(response, b"x-lab-attempts")


@pytest.mark.parametrize(
    ("name", "first", "wrong", "right"),
    [
        ("failover-by-http-status", LIMITED, (-32005, b"1"), ("0x3e7", b"2")),
        ("body-not-read", HTML, (b"<html>", b"1"), ("0x3e7", b"2")),
        ("timeouts-not-retried", hang, (-32000, b"1"), ("0x3e7", b"2")),
        ("refusals-not-retried", None, (-32000, b"1"), ("0x3e7", b"2")),
        ("retries-same-provider", BAD, (-32000, b"4"), ("0x3e7", b"2")),
        ("gives-up-after-one", BAD, (-32000, b"1"), ("0x3e7", b"2")),
        ("reverts-fail-over", REVERTS, ("0x3e7", b"2"), (3, b"1")),
    ],
)
async def test_what_a_client_gets_when_the_first_provider_fails(name, first, wrong, right):
    async def observe(**settings):
        async with gateway_over(first, GOOD, attempt_s=patience(first), **FIRST, **settings) as gateway:
            return told(await ask(gateway))

    assert await both(name, observe) == [wrong, right]


async def test_reverts_are_asked_of_all():
    async def asked(**settings):
        async with gateway_over(REVERTS, REVERTS, REVERTS, **settings) as gateway:
            return [told(await ask(gateway)) for _ in range(2)]

    assert await both("reverts-fail-over", asked) == [[(3, b"3")] * 2, [(3, b"1")] * 2]


async def test_what_providers_said_is_lost():
    async def said(**settings):
        broken = answering(json_response(200, error_body(-32010, "out of gas cap")))
        async with gateway_over(broken, broken, **settings) as gateway:
            return told(await ask(gateway))[0]

    assert await both("provider-error-lost", said) == [-32603, -32010]


async def test_a_transaction_that_was_sent():
    raw = call("eth_sendRawTransaction", "0x02f8")
    known = answering(json_response(200, error_body(-32000, "already known")))

    async def sent(**settings):
        async with gateway_over(hang, known, attempt_s=0.3, **FIRST, **settings) as gateway:
            return "error" in json.loads((await ask(gateway, raw)).body)

    assert await both("sent-transaction-reported-failed", sent) == [True, False]


async def test_what_must_be_done_once():
    async def done(**settings):
        seen = []
        second = answering(json_response(200, OK), seen)
        async with gateway_over(hang, second, attempt_s=0.3, **FIRST, **settings) as gateway:
            await ask(gateway, call("eth_sendTransaction", {}))
            return len(seen)

    assert await both("writes-repeated", done) == [1, 0]


async def test_a_storm_of_retries():
    async def asked(**settings):
        rules = BreakerSettings(failures=20)
        async with gateway_over(BAD, GOOD, breaker=rules, **FIRST, **settings) as gateway:
            await ask(gateway)
            return gateway.providers[0].attempts

    assert await both("retry-storm", asked) == [6, 1]


async def test_how_long_a_failover_takes():
    async def seconds(**settings):
        async with gateway_over(BAD, GOOD, **FIRST, **settings) as gateway:
            began = trio.current_time()
            await ask(gateway)
            return trio.current_time() - began

    slow, quick = await both("failover-waits", seconds)
    assert slow >= 1.5
    assert quick < slow


async def states_after(gateway, requests):
    """The states that p0's breaker went through in so many requests."""
    for _ in range(requests):
        await ask(gateway)
    changes = [event for event in events(gateway, "breaker") if event["provider"] == "p0"]
    return [event["to"] for event in changes]


@pytest.mark.parametrize(
    ("name", "first", "requests", "wrong", "right"),
    [
        ("breaker-never-opens", BAD, 4, [], ["open"]),
        ("breaker-ignores-hangs", hang, 4, [], ["open"]),
        ("breaker-ignores-refusals", None, 4, [], ["open"]),
        ("breaker-opens-on-reverts", REVERTS, 4, ["open"], []),
        ("breaker-opens-too-early", BAD, 1, ["open"], []),
    ],
)
async def test_when_a_breaker_opens(name, first, requests, wrong, right):
    async def observe(**settings):
        async with gateway_over(first, GOOD, attempt_s=patience(first), **FIRST, **settings) as gateway:
            return await states_after(gateway, requests)

    assert await both(name, observe) == [wrong, right]


@pytest.mark.parametrize(
    ("name", "first"), [("breaker-ignores-hangs", BAD), ("breaker-ignores-refusals", hang)]
)
async def test_what_is_not_overlooked_still_opens_it(name, first):
    async with gateway_over(first, GOOD, attempt_s=patience(first), defects=(name,), **FIRST) as gateway:
        assert await states_after(gateway, 4) == ["open"]


async def test_rate_limits_open_a_breaker():
    async def opened(**settings):
        async with gateway_over(LIMITED, GOOD, **FIRST, **settings) as gateway:
            for _ in range(3):
                gateway.providers[0].limited_until = float("-inf")
                await ask(gateway)
            return gateway.providers[0].breakers["http"].state

    assert await both("breaker-opens-on-rate-limits", opened) == ["open", "closed"]


async def test_how_long_a_breaker_is_open():
    async def seconds(**settings):
        async with gateway_over(BAD, GOOD, **FIRST, **settings) as gateway:
            await states_after(gateway, 3)
            return gateway.providers[0].breakers["http"].until - gateway.clock()

    short, right = await both("breaker-open-too-short", seconds)
    assert short <= 0.1 < right


async def test_a_breaker_that_never_closes():
    async def state(**settings):
        is_well = False

        async def recovering(request):
            return await (GOOD if is_well else BAD)(request)

        rules = BreakerSettings(open_s=0.01, successes=1)
        async with gateway_over(recovering, GOOD, breaker=rules, **FIRST, **settings) as gateway:
            await states_after(gateway, 3)
            is_well = True
            await trio.sleep(0.05)
            await ask(gateway)
            return gateway.providers[0].breakers["http"].state

    assert await both("breaker-never-closes", state) == ["open", "closed"]


async def test_a_flood_of_trials():
    async def trials(**settings):
        seen = []

        async def slow(request):
            seen.append(request)
            await trio.sleep(0.5)
            return Response(503, (), b"")

        rules = BreakerSettings(failures=1, open_s=0.01)
        async with gateway_over(slow, GOOD, breaker=rules, **FIRST, **settings) as gateway:
            await ask(gateway)
            await trio.sleep(0.05)
            async with trio.open_nursery() as nursery:
                for _ in range(5):
                    nursery.start_soon(ask, gateway)
            return len(seen) - 1

    assert await both("breaker-half-open-flood", trials) == [5, 1]


async def test_a_breaker_for_all():
    async def states(**settings):
        async with gateway_over(BAD, GOOD, GOOD, **FIRST, **settings) as gateway:
            failing, well, _ = gateway.providers
            for _ in range(3):
                failing.failed("http", gateway.clock(), gateway.settings.breaker, gateway.truth, "x")
            return well.breakers["http"].state

    assert await both("breaker-shared", states) == ["open", "closed"]


async def test_a_health_check_closes_a_breaker():
    async def states(**settings):
        async with gateway_over(BAD, GOOD, **FIRST, **settings) as gateway:
            await states_after(gateway, 3)
            gateway.providers[0].is_probe_well = True
            gateway.providers[0].stands(gateway.truth, lagging=False, forked=False, wrong_chain=False)
            return gateway.providers[0].breakers["http"].state

    assert await both("breaker-closed-by-health-check", states) == ["closed", "open"]


SLOW, QUICK, PAID = (
    Standing("a", priority=1, latency=0.3, tier="paid"),
    Standing("b", priority=2, latency=0.01),
    Standing("c", priority=3, latency=0.3, tier="paid"),
)


def shares(strategy, *defects, standings=(SLOW, QUICK, PAID)):
    """How often each comes first in 300 turns."""
    order = build_gateway(GatewaySettings((), defects=defects)).seams.strategies[strategy]
    chance = random.Random(7)
    return Counter(order(standings, turn, chance)[0].id for turn in range(300))


@pytest.mark.parametrize(
    ("name", "strategy", "wrong", "right"),
    [
        ("fastest-ignores-latency", "fastest", {"a": 100, "b": 100, "c": 100}, {"b": 300}),
        ("sticky-to-first", "load-balanced", {"a": 300}, {"a": 100, "b": 100, "c": 100}),
        ("sticky-to-first", "round-robin", {"a": 300}, {"a": 100, "b": 100, "c": 100}),
        ("round-robin-skewed", "round-robin", {"a": 180, "b": 60, "c": 60}, {"a": 100, "b": 100, "c": 100}),
        ("priority-inverted", "priority", {"c": 300}, {"a": 300}),
    ],
)
def test_who_is_asked_first(name, strategy, wrong, right):
    assert [shares(strategy, name), shares(strategy)] == [wrong, right]


def test_who_is_asked_first_of_two_in_five_turns():
    assert shares("round-robin", "round-robin-skewed", standings=(SLOW, QUICK)) == {"a": 180, "b": 120}


def test_who_is_cheapest():
    assert shares("cheapest") == {"b": 300}
    assert shares("cheapest", "cheapest-prefers-paid")["b"] == 0


def test_weights():
    assert shares("latency-weighted")["b"] > 270
    assert all(70 < share < 130 for share in shares("latency-weighted", "weights-ignored").values())


def test_a_frozen_ranking():
    for defects, first in ((("ranking-frozen",), "b"), ((), "a")):
        order = build_gateway(GatewaySettings((), defects=defects)).seams.strategies["fastest"]
        order([SLOW, QUICK], 0, random.Random(7))
        later = [SLOW._replace(latency=0.02), QUICK._replace(latency=0.9)]
        assert order(later, 1, random.Random(7))[0].id == first


async def test_overrides():
    async def served(**settings):
        async with gateway_over(GOOD, GOOD, **FIRST, **settings) as gateway:
            response = await ask(
                gateway, path="/rpc/battlechain/p1", headers=((b"content-type", b"application/json"),)
            )
            return served_by(response)

    assert await both("override-ignored", served) == ["p0", "p1"]


def failing(method):
    """A provider that answers all but one method."""

    async def handle(request):
        value = json.loads(request.body)
        return json_response(200, error_body(-32603) if value["method"] == method else OK)

    return handle


@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [
        ("method-failure-bans-provider", ["p1", "p1", "p1"], ["p1", "p1", "p0"]),
        ("method-failure-not-learned", ["p1+", "p1+", "p0"], ["p1+", "p1", "p0"]),
    ],
)
async def test_one_method_fails(name, wrong, right):
    """`+` where it took a second attempt."""

    async def observe(**settings):
        found = []
        async with gateway_over(failing("eth_call"), GOOD, **FIRST, **settings) as gateway:
            for method in ("eth_call", "eth_call", "eth_gasPrice"):
                response = await ask(gateway, call(method))
                again = "+" if header(response, b"x-lab-attempts") == b"2" and "not-learned" in name else ""
                found.append(f"{served_by(response)}{again}")
        return found

    assert await both(name, observe) == [wrong, right]


async def test_patience_is_asked_for():
    patient = answering(Response(429, ((b"retry-after", b"5"),), b""))

    async def attempts(**settings):
        async with gateway_over(patient, GOOD, **FIRST, **settings) as gateway:
            return [told(await ask(gateway))[1] for _ in range(3)]

    assert await both("retry-after-ignored", attempts) == [[b"2"] * 3, [b"2", b"1", b"1"]]


def answering_batches(change=lambda replies: replies):
    """A provider whose results are the methods' names, in an order and number of its own."""

    async def handle(request):
        replies = []
        for item in json.loads(request.body):
            result = {"result": item["method"]}
            if item["method"] == "bad":
                result = {"error": {"code": 3, "message": "reverted"}}
            replies.append({"jsonrpc": "2.0", "id": item["id"], **result})
        return json_response(200, json.dumps(change(replies)).encode())

    return handle


def batch(first_id, *names):
    items = [{"jsonrpc": "2.0", "id": first_id + n, "method": name} for n, name in enumerate(names)]
    return json.dumps(items).encode()


async def batches(change=lambda replies: replies, names=("a", "b", "c"), turns=4, **settings):
    """Of the last batch: (id, result) as they came; the ids of the first begin at 10, of the second at 20."""
    async with gateway_over(answering_batches(change), answering_batches(), **FIRST, **settings) as gateway:
        for turn in range(1, turns + 1):
            response = await ask(gateway, batch(10 * turn, *names))
    return [(reply["id"], reply.get("result", "error")) for reply in json.loads(response.body)]


RIGHT = [(40, "a"), (41, "b"), (42, "c")]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("batch-items-lost", RIGHT[:-1]),
        ("batch-items-doubled", [*RIGHT, RIGHT[0]]),
        ("batch-ids-mixed", [(30, "a"), (31, "b"), (32, "c")]),
    ],
)
async def test_one_batch_in_four_is_spoiled(name, wrong):
    assert await batches(defects=(name,)) == wrong
    assert await batches(defects=(name,), turns=3) == [(30, "a"), (31, "b"), (32, "c")]
    assert await batches() == RIGHT


async def test_a_batch_in_another_order():
    def turned(replies):
        return replies[::-1]

    assert await batches(turned, defects=("batch-matched-by-position",)) == [(40, "c"), (41, "b"), (42, "a")]
    assert await batches(turned) == RIGHT[::-1]


async def test_a_batch_with_one_bad_call():
    names = ("a", "bad", "c")
    assert await batches(names=names) == [(40, "a"), (41, "error"), (42, "c")]
    found = await batches(names=names, defects=("batch-fails-whole",))
    assert found == [(40, "error"), (41, "error"), (42, "error")]


async def test_part_of_a_batch():
    def part(replies):
        return replies[:2]

    assert await batches(part, turns=1, defects=("batch-part-passed-on",)) == [(10, "a"), (11, "b")]
    assert await batches(part, turns=1) == [(10, "a"), (11, "b"), (12, "c")]


def test_each_defect_has_a_test_that_names_it(request):
    here = request.path.parent
    text = "".join(path.read_text() for path in sorted(here.glob("test_defects*.py")))
    assert [name for name in DEFECTS if f'"{name}"' not in text] == []
