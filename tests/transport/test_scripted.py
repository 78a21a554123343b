"""The scripted twin keeps the contract of every client: one end per exchange, deadlines, abandonment."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest
import trio

from battlectl.observe import outcome
from battlectl.transport.base import Exchange, NoReply, Reply
from battlectl.transport.scripted import Script, ScriptedClient, reply_json, reply_ok

ONE = b'{"jsonrpc":"2.0","id":1,"method":"m","params":[]}'


class Ends(list[tuple[float, Reply | NoReply | None]]):
    """(when, answer) of each exchange, in the order of their ends."""

    def keep(self, exchange: Exchange) -> None:
        assert exchange.done is not None
        self.append((round(exchange.done, 6), exchange.answer))


def exchange(ends: Ends, deadline: float = 5.0, body: bytes = ONE) -> Exchange:
    return Exchange(body, "run-reads-1", trio.current_time(), trio.current_time() + deadline, ends.keep)


@asynccontextmanager
async def in_service(script: Script) -> AsyncIterator[ScriptedClient]:
    client = ScriptedClient(script)
    async with trio.open_nursery() as nursery:
        await nursery.start(client.serve)
        yield client
        nursery.cancel_scope.cancel()


def answers(delay: float) -> Script:
    return lambda sent, _: (delay, reply_ok(sent))


async def test_an_answer_comes_after_its_delay(autojump_clock):
    ends = Ends()
    async with in_service(answers(0.25)) as client:
        client.submit(exchange(ends))
        await trio.sleep(1)
    ((done, answer),) = ends
    assert done == pytest.approx(0.25)
    assert isinstance(answer, Reply)
    assert (answer.status, answer.content_type) == (200, b"application/json")
    assert msgspec.json.decode(answer.body) == {"jsonrpc": "2.0", "id": 1, "result": "0x1"}


async def test_exchanges_do_not_wait_for_each_other(autojump_clock):
    ends = Ends()
    async with in_service(lambda sent, number: (0.3 - number / 10, reply_ok(sent))) as client:
        for _ in range(3):
            client.submit(exchange(ends))
        await trio.sleep(1)
    assert [done for done, _ in ends] == [0.1, 0.2, 0.3]


@pytest.mark.parametrize("delay", [5.001, 60.0, math.inf])
async def test_what_is_late_is_a_timeout_at_its_deadline(autojump_clock, delay):
    ends = Ends()
    async with in_service(answers(delay)) as client:
        client.submit(exchange(ends, deadline=5.0))
        await trio.sleep(10)
    ((done, answer),) = ends
    assert done == 5.0
    assert isinstance(answer, NoReply)
    assert answer.outcome == outcome.TIMEOUT


async def test_abandoning_ends_everything_at_once_and_nothing_later(autojump_clock):
    ends = Ends()
    async with in_service(answers(0.5)) as client:
        client.submit(exchange(ends))
        await trio.sleep(0.2)
        client.submit(exchange(ends))
        client.abandon()
        await trio.sleep(10)
    assert [(done, getattr(answer, "outcome", None)) for done, answer in ends] == [(0.2, "abandoned")] * 2


async def test_after_abandoning_it_goes_on_serving(autojump_clock):
    ends = Ends()
    async with in_service(answers(0.5)) as client:
        client.abandon()
        client.submit(exchange(ends))
        await trio.sleep(1)
    assert [done for done, _ in ends] == [0.5]


async def test_it_keeps_what_was_submitted_and_when(autojump_clock):
    async with in_service(answers(0.1)) as client:
        await trio.sleep(2)
        client.submit(exchange(Ends()))
        assert client.submitted == [(2.0, "run-reads-1", ONE)]


async def test_times_are_filled_in_before_the_end_is_told(autojump_clock):
    seen: list[tuple[float | None, float | None]] = []
    async with in_service(answers(0.1)) as client:
        client.submit(Exchange(ONE, "x", 0.0, 5.0, lambda e: seen.append((e.sent, e.done))))
        await trio.sleep(1)
    assert seen == [(0.0, pytest.approx(0.1))]


def test_an_exchange_that_ends_twice_is_a_bug():
    told: list[Exchange] = []
    once = Exchange(ONE, "x", 0.0, 5.0, told.append)
    once.end(NoReply(outcome.RESET, "x"), 1.0)
    with pytest.raises(AssertionError, match="ended twice"):
        once.end(NoReply(outcome.RESET, "x"), 2.0)
    assert len(told) == 1


def test_submitting_before_service_is_a_bug():
    with pytest.raises(AssertionError, match="not in service"):
        ScriptedClient(answers(0.1)).submit(Exchange(ONE, "x", 0.0, 5.0, lambda _: None))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda e: reply_ok(e, [1]), {"jsonrpc": "2.0", "id": 1, "result": [1]}),
        (lambda _: reply_json({"a": 1}, 503), {"a": 1}),
    ],
)
def test_replies_are_json(make: Callable[[Exchange], Reply], expected: object):
    assert msgspec.json.decode(make(Exchange(ONE, "x", 0.0, 5.0, lambda _: None)).body) == expected


def test_a_batch_is_answered_item_by_item():
    body = b'[{"id":5,"method":"a"},{"id":6,"method":"b"}]'
    answer = msgspec.json.decode(reply_ok(Exchange(body, "x", 0.0, 5.0, lambda _: None)).body)
    assert [message["id"] for message in answer] == [5, 6]
