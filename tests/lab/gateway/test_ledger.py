"""What the gateway keeps of each request, against what was asked and answered."""

import json

from battlectl.lab.gateway.ledger import MOST_REQUESTS, MOST_TEXT, Handled, Ledger
from battlectl.lab.net.http_server import json_response
from tests.lab.gateway.parts import OK, answering, ask, call, error_body, gateway_over

FINE, BROKEN = json_response(200, OK), json_response(500, b"{}")


async def ledger_of(gateway):
    return json.loads((await ask(gateway, b"", "/lab/truth/requests", "GET")).body)


async def test_each_attempt_is_kept_with_its_times_and_its_failure():
    async with gateway_over(answering(BROKEN), answering(FINE), strategy="priority") as gateway:
        before = gateway.truth.clock()
        await ask(gateway)
        ledger = await ledger_of(gateway)
    assert ledger["total"] == 1
    (handled,) = ledger["requests"]
    assert (handled["ids"], handled["method"], handled["to"]) == ([7], "eth_gasPrice", "p1")
    assert handled["is_ok"]
    first, second = handled["attempts"]
    assert (first["provider"], first["failure"], first["breaker"]) == ("p0", "http 500", "closed")
    assert (second["provider"], second["failure"], second["breaker"]) == ("p1", None, "closed")
    times = [before, handled["at"], first["at"], first["until"], second["at"], second["until"]]
    # Wall clock and monotonic clock are read one after the other: 10 ms is more than they can differ.
    later = [*times[1:], handled["until"]]
    assert all(b - a > -0.01 for a, b in zip(times, later, strict=True))
    assert ledger["at"] >= handled["until"]


async def test_an_answer_that_is_an_error_is_not_ok_whoever_gave_it():
    revert = json_response(200, error_body(3))
    async with gateway_over(answering(revert)) as gateway:
        await ask(gateway)
        (passed_on,) = (await ledger_of(gateway))["requests"]
    async with gateway_over(answering(BROKEN)) as gateway:
        await ask(gateway)
        (own,) = (await ledger_of(gateway))["requests"]
    assert (passed_on["is_ok"], passed_on["to"], passed_on["attempts"][0]["failure"]) == (False, "p0", None)
    assert (own["is_ok"], own["to"], own["attempts"][0]["failure"]) == (False, None, "http 500")


async def test_attempts_say_in_which_state_of_the_breaker_they_were_made():
    async with gateway_over(answering(BROKEN)) as gateway:
        for _ in range(4):
            await ask(gateway)
        states = [one["attempts"][0]["breaker"] for one in (await ledger_of(gateway))["requests"]]
    assert states == ["closed", "closed", "closed", "open"]


async def test_long_ids_are_cut_short():
    async with gateway_over(answering(BROKEN)) as gateway:
        await ask(gateway, call("m" * 1000, id_="x" * 1000))
        (one,) = (await ledger_of(gateway))["requests"]
    assert (one["ids"], one["method"]) == (["x" * MOST_TEXT], "m" * MOST_TEXT)


def test_the_ledger_is_bounded_and_counts_all():
    ledger = Ledger()
    for number in range(MOST_REQUESTS + 5):
        ledger.add(Handled((number,), "eth_call", 0.0, 0.0, None, False, ()))
    assert (ledger.total, len(ledger.kept), ledger.kept[0].ids) == (MOST_REQUESTS + 5, MOST_REQUESTS, (5,))
