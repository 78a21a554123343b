"""The chain of toxics in virtual time: nothing lost, nothing out of order, exact delays, bounded memory."""

from __future__ import annotations

from random import Random

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from battlectl.lab.toxics.chunks import CHUNK_BYTES, Budget
from battlectl.lab.toxics.link import Link
from battlectl.lab.toxics.slicer import pieces
from battlectl.lab.toxics.table import TOXICS
from battlectl.lab.toxics.toxic import Toxic

PASSING = {
    "latency": {"latency": 30, "jitter": 20},
    "bandwidth": {"rate": 20},
    "slicer": {"average_size": 50, "size_variation": 90, "delay": 100},
    "limit_data": {"bytes": 10**9},
    "slow_close": {"delay": 10},
    "noop": {},
}


def toxic(type_: str, toxicity: float = 1, **attributes: int) -> Toxic:
    kind = TOXICS[type_]
    return Toxic(type_, kind, "downstream", toxicity, kind.attributes(**attributes))


def link_in(nursery: trio.Nursery, *toxics: Toxic, budget: Budget | None = None) -> Link:
    link = Link(nursery, budget or Budget(), Random(1), 0)
    for one in toxics:
        link.add(one)
    return link


async def take_all(link: Link) -> list[tuple[float, bytes]]:
    """(time, bytes) of everything until the end, or until nothing more passes through the link."""
    found = []
    while data := await link.take():
        found.append((trio.current_time(), data))
    return found


Step = tuple[str, int]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, len(PASSING) - 1)),
        st.tuples(st.sampled_from(["remove", "change"]), st.integers(0, 9)),
        st.tuples(st.just("feed"), st.integers(1, 3000)),
        st.tuples(st.just("wait"), st.integers(1, 60)),
    ),
    max_size=40,
)


@settings(max_examples=200, deadline=None)
@given(steps=STEPS, slow_reader=st.booleans())
def test_toxics_that_pass_data_come_and_go_and_no_byte_is_lost(steps, slow_reader):
    async def run() -> None:
        got, budget = bytearray(), Budget()

        async def read(link: Link) -> None:
            while (data := await link.take()) != b"":
                if data is None:  # straight again: no toxic is left
                    await trio.sleep(0.001)
                    continue
                got.extend(data)
                if slow_reader:
                    await trio.sleep(0.02)

        async with trio.open_nursery() as nursery:
            link = link_in(nursery, toxic("noop"), budget=budget)
            nursery.start_soon(read, link)
            sent = bytearray()
            with link.feeding():
                for what, number in steps:
                    await do(link, what, number, sent)
                link.feed_end()
        assert bytes(got) == bytes(sent)
        assert budget.held == 0

    async def do(link: Link, what: str, number: int, sent: bytearray) -> None:
        toxics = [stage.toxic for stage in link.stages]
        if what == "add":
            type_ = sorted(PASSING)[number]
            link.add(toxic(type_, 0.7, **PASSING[type_]))
        elif what == "remove" and toxics:
            link.remove(toxics[number % len(toxics)])
        elif what == "change" and toxics:
            link.change(toxics[number % len(toxics)])
        elif what == "feed":
            data = bytes((len(sent) + index) % 251 for index in range(number))
            sent.extend(data)
            await link.feed(data)
        elif what == "wait":
            await trio.sleep(number / 1000)

    trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))


async def test_delays_are_exact_and_do_not_drift(autojump_clock):
    async with trio.open_nursery() as nursery:
        link = link_in(nursery, toxic("latency", latency=100), toxic("latency", latency=200))
        nursery.start_soon(feed_slowly, link, 50)
        found = await take_all(link)
    assert [round(at, 6) for at, _ in found] == [round(0.3 + index * 0.01, 6) for index in range(50)]


async def feed_slowly(link: Link, count: int) -> None:
    for _ in range(count):
        await link.feed(b"x")
        await trio.sleep(0.01)
    link.feed_end()


async def test_a_rate_is_exact_over_many_chunks(autojump_clock):
    async with trio.open_nursery() as nursery:
        link = link_in(nursery, toxic("bandwidth", rate=7))
        nursery.start_soon(feed_and_end, link, b"x" * 70_000)
        found = await take_all(link)
    assert found[-1][0] == pytest.approx(10)
    assert max(len(data) for _, data in found) == 700


async def feed_and_end(link: Link, data: bytes) -> None:
    await link.feed(data)
    link.feed_end()


async def test_a_slow_reader_is_not_answered_with_a_burst(autojump_clock):
    async with trio.open_nursery() as nursery:
        link = link_in(nursery, toxic("bandwidth", rate=10))
        nursery.start_soon(feed_and_end, link, b"x" * 20_000)
        await trio.sleep(5)
        found = await take_all(link)
    late = [at for at, _ in found if at <= 5.05]
    assert len(late) <= 5  # two that waited, and what 100 ms make good
    assert found[-1][0] > 6.5


@pytest.mark.parametrize(
    ("type_", "chunks"), [("latency", 1024), ("bandwidth", 1), ("slow_close", 1), ("limit_data", 1)]
)
async def test_what_waits_is_bounded(autojump_clock, type_, chunks):
    budget = Budget()
    attributes = {"latency": 10**12, "bandwidth": 0, "slow_close": 1, "limit_data": 10**9}
    name = next(iter(toxic(type_).attributes.__struct_fields__))
    async with trio.open_nursery() as nursery:
        link = link_in(nursery, toxic(type_, **{name: attributes[type_]}), budget=budget)
        with trio.move_on_after(1):
            while True:
                await link.feed(b"x" * CHUNK_BYTES)
        # Before the stage, and after it one that is ready to leave; its hand is not counted.
        assert chunks <= budget.held // CHUNK_BYTES <= chunks + 1
        link.close()
        assert budget.held == 0
        nursery.cancel_scope.cancel()


async def test_a_spent_budget_leaves_each_queue_one_chunk(autojump_clock):
    budget = Budget(most=10 * CHUNK_BYTES)
    async with trio.open_nursery() as nursery:
        links = [link_in(nursery, toxic("latency", latency=500), budget=budget) for _ in range(5)]
        found: list[list[tuple[float, bytes]]] = []

        async def pass_through(link: Link) -> None:
            nursery.start_soon(feed_and_end, link, b"x" * 20 * CHUNK_BYTES)
            found.append(await take_all(link))

        async with trio.open_nursery() as readers:
            for link in links:
                readers.start_soon(pass_through, link)
            await trio.sleep(0.1)
            assert budget.held <= (10 + 2 * 5) * CHUNK_BYTES
    assert [sum(len(data) for _, data in one) for one in found] == [20 * CHUNK_BYTES] * 5


async def test_a_link_without_toxics_says_when_all_has_passed(autojump_clock):
    async with trio.open_nursery() as nursery:
        late = toxic("latency", latency=10_000)
        link = link_in(nursery, late)
        await link.feed(b"abc")
        await trio.sleep(0.1)
        link.remove(late)
        assert await link.take() == b"abc"
        assert await link.take() is None
        assert link.is_idle
        link.add(toxic("noop"))
        assert not link.is_idle
        nursery.cancel_scope.cancel()


async def test_a_cut_is_heard_by_whoever_feeds(autojump_clock):
    async with trio.open_nursery() as nursery:
        link = link_in(nursery, toxic("limit_data", bytes=5))
        await link.feed(b"1234567")
        assert await link.take() == b"12345"
        assert await link.take() == b""
        with pytest.raises(trio.BrokenResourceError):
            await link.feed(b"x")


@given(
    size=st.integers(1, 40_000),
    average=st.integers(-5, 2000),
    variation=st.integers(-5, 3000),
    seed=st.integers(0, 5),
)
def test_slices_are_whole_and_never_empty_nor_too_long(size, average, variation, seed):
    found = list(pieces(size, average, variation, Random(seed)))
    assert [start for start, _ in found] == [0, *[end for _, end in found[:-1]]]
    assert found[-1][1] == size
    assert all(start < end for start, end in found)
    most = average + max(variation, 0)
    if most >= 1:
        assert all(end - start <= most for start, end in found)
    else:
        assert found == [(0, size)]
