"""Subscribers in virtual time: when they come, how they come back, what they take for an end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
import trio
import trio.testing

from battlectl.observe.consistency import Book
from battlectl.observe.streams.cell import StreamCell, StreamCells
from battlectl.observe.streams.terms import Terms
from battlectl.observe.streams.truth import Truth
from battlectl.plan.streams import plan_streams
from battlectl.plan.workload import Window
from battlectl.run.listening import Listener, listen_to_heads
from battlectl.run.subscribers import Subscribers
from battlectl.scenario.streams import SubscribeWorkload
from battlectl.transport.wire import ConnectError
from battlectl.transport.ws_socket import Ended

LOST = Ended(None, "the connection was lost")
REFUSED = ConnectError("refused", "connect: refused")
Step = tuple[float, str | Ended]
"""(seconds after the subscriptions, what comes): a block "7", or how it ends."""


SETTLE = 1.0


def heads_of(truth: Truth, cells: StreamCells, terms: Terms, name: str, t: float) -> Listener:
    return listen_to_heads(name, truth, cells, terms, t, 0.0)


def hash_of(number: int) -> str:
    return f"0x{number:064x}"


def header(subscription: str, number: int) -> str:
    result = {"number": hex(number), "hash": hash_of(number), "parentHash": hash_of(number - 1)}
    params = {"subscription": subscription, "result": result}
    return json.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": params})


@dataclass
class ScriptedSocket:
    """Grants every subscription, then says what the script has, then nothing."""

    script: list[Step]
    grants: bool = True
    refused: frozenset[int] = frozenset()
    """Which of its subscriptions are not granted all the same, from 1."""
    pongs: bool = True
    pong_after: float = 0.0
    said: list[str] = field(default_factory=list)
    """What is said after the answers to the subscriptions, whatever is due."""
    sent: list[dict[str, Any]] = field(default_factory=list)
    closed_at: float | None = None
    arrived: float | None = None
    unanswered: frozenset[int] = frozenset()
    _outbox: list[str] = field(default_factory=list)
    _since: float = 0.0

    async def send(self, text: bytes) -> bool:
        await trio.lowlevel.checkpoint()
        message = json.loads(text)
        self.sent.append(message)
        self._since = trio.current_time()
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": message["id"]}
        answer |= (
            {"result": f"0x{len(self.sent)}"}
            if self.grants and len(self.sent) not in self.refused
            else {"error": {"code": -32000, "message": "no"}}
        )
        if len(self.sent) not in self.unanswered:
            self._outbox.append(json.dumps(answer))
        self._outbox += self.said
        self.said = []
        return True

    async def receive(self) -> bytes | Ended:
        await trio.lowlevel.checkpoint()
        if self._outbox:
            return self._outbox.pop(0).encode()
        if not self.script:
            await trio.sleep_forever()
        after, what = self.script[0]
        await trio.sleep_until(self._since + after)
        self.script.pop(0)
        return what if isinstance(what, Ended) else header("0x1", int(what)).encode()

    async def ping(self) -> bool:
        if not self.pongs:
            await trio.sleep_forever()
        await trio.sleep(self.pong_after)
        return True

    async def close(self, code: int = 1000) -> None:
        await trio.lowlevel.checkpoint()
        self.closed_at = trio.current_time()


@dataclass
class World:
    """What came of it: when each connection was tried, the sockets, and what was counted."""

    tries: list[float] = field(default_factory=list)
    sockets: list[ScriptedSocket] = field(default_factory=list)
    cell: StreamCell = field(default_factory=StreamCell)
    book: Book = field(default_factory=lambda: Book(()))
    ended: float = 0.0


def attend(
    turns: Iterator[ScriptedSocket | ConnectError],
    seconds: float = 20.0,
    stop_at: float | None = None,
    blocks: Callable[[float], int] = int,
    stands_still: tuple[float, float] | None = None,
    **fields: Any,
) -> World:
    """Subscribers over so many seconds; the truth has block `blocks(t)` at each second.

    `stands_still` is when, and for how long, nothing of this process runs while time goes on.
    """
    world, cells, truth = World(), StreamCells(), Truth()
    workload = SubscribeWorkload.model_validate({"subscribe": "newHeads", "stall_after": "5s", **fields})
    planned = plan_streams("heads", workload, "1/heads", Window("heads", 0.0, seconds))
    terms = Terms(SETTLE, workload.stall_after)

    @asynccontextmanager
    async def open_socket(deadline: float) -> AsyncIterator[ScriptedSocket]:
        await trio.lowlevel.checkpoint()
        world.tries.append(round(trio.current_time() - start, 3))
        turn = next(turns)
        if isinstance(turn, ConnectError):
            raise turn
        world.sockets.append(turn)
        yield turn

    async def witness() -> None:
        for second in range(int(seconds) + 5):
            await trio.sleep_until(start + second)
            number = blocks(second)
            truth.see(second, number, hash_of(number), hash_of(number - 1))

    async def stand_still(at: float, seconds: float) -> None:
        await trio.sleep_until(start + at)
        clock.jump(seconds)

    async def main() -> None:
        nonlocal start
        start = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(witness)
            if stands_still is not None:
                nursery.start_soon(stand_still, *stands_still)
            await trio.lowlevel.checkpoint()
            with trio.move_on_after(seconds + 5 if stop_at is None else stop_at):
                listen = partial(heads_of, truth, cells, terms)
                await Subscribers(planned, open_socket, listen, cells, world.book, SETTLE).serve(start)
            world.ended = round(trio.current_time() - start, 3)
            nursery.cancel_scope.cancel()

    start = 0.0
    clock = trio.testing.MockClock(autojump_threshold=0)
    trio.run(main, clock=clock)
    world.cell = cells.total()
    return world


def every_second(first: int, last: int, end: Ended | None = None) -> ScriptedSocket:
    """Blocks `first` to `last`, one at the middle of each second, then perhaps an end."""
    steps: list[Step] = [(number - first + 0.5, str(number)) for number in range(first, last + 1)]
    return ScriptedSocket([*steps, *([(last - first + 1.0, end)] if end else [])])


def test_they_come_over_the_time_that_they_are_given_and_say_good_bye():
    world = attend(iter(ScriptedSocket([]) for _ in range(9)), clients=4, connect_over="8s", seconds=12.0)
    assert world.tries == [0, 2, 4, 6]
    assert [round(socket.closed_at or 0) for socket in world.sockets] == [12] * 4
    assert world.ended == 12 + SETTLE
    assert (world.cell.count("begun"), world.cell.count("streams")) == (4, 4)


def test_those_who_churn_come_at_their_rate_and_leave_after_their_stay():
    world = attend(
        iter(ScriptedSocket([]) for _ in range(99)), churn={"rate": "2/s", "stay": ["1s", "1s"]}, seconds=5.0
    )
    assert world.tries == [number / 2 for number in range(10)]
    stays = [(s.closed_at or 0) - t for s, t in zip(world.sockets, world.tries, strict=True)]
    assert all(stay == pytest.approx(stays[0]) for stay in stays[:8])
    assert world.cell.count("streams") == 10


def test_each_subscription_is_asked_for_by_itself():
    world = attend(iter([ScriptedSocket([])]), subscriptions=3, seconds=5.0)
    [socket] = world.sockets
    assert [m["params"] for m in socket.sent] == [["newHeads"]] * 3
    assert len({m["id"] for m in socket.sent}) == 3


def test_a_perfect_stream_has_no_finding():
    world = attend(iter([every_second(0, 19)]))
    assert world.cell.missing == 0
    assert world.cell.count("observed") >= 18
    assert world.cell.uptime == pytest.approx(1.0, abs=0.01)


def test_a_lost_connection_is_made_anew_and_what_came_meanwhile_is_missing():
    """Five blocks, an end at 5 s, three refusals: the next connection is at about 6.5 s."""
    again = ScriptedSocket([(number - 6.5, str(number)) for number in range(9, 20)])
    world = attend(
        iter([every_second(0, 4, LOST), REFUSED, REFUSED, REFUSED, again]),
        reconnect={"first": "100ms", "most": "10s"},
    )
    assert world.tries == [0, 5.1, 5.3, 5.7, 6.5]
    assert (world.cell.count("ends_visible"), world.cell.count("resumes")) == (1, 1)
    assert world.cell.missing == 4
    assert world.cell.ends["no subscription: refused"] == 3


def test_who_does_not_come_back_is_down_to_the_end():
    world = attend(iter([every_second(0, 4, LOST)]), reconnect="none")
    assert world.tries == [0]
    assert world.cell.count("unresumed") == 1
    assert world.cell.uptime == pytest.approx(5 / 20, abs=0.02)
    assert world.cell.missing >= 13


def test_a_connection_without_pongs_is_given_up_and_its_end_is_silent():
    dead = ScriptedSocket([(0.5, "0"), (1.5, "1")], pongs=False)
    world = attend(iter([dead, every_second(9, 18)]), ping_every="4s")
    assert world.tries == [0, 8.1]
    assert world.cell.count("ends_silent") == 1


def test_a_refused_subscription_makes_for_another_connection():
    refusing = ScriptedSocket([(1.0, Ended(1000, "closed with code 1000"))], grants=False)
    world = attend(iter([refusing, every_second(2, 18)]))
    assert len(world.tries) == 2
    assert world.cell.ends["no subscription: rpc_error(-32000)"] == 1


@pytest.mark.parametrize("at", [4.0, 4.01, 4.2, 5.0, 7.9])
def test_a_standstill_of_ours_is_no_missing_pong(at):
    """The ping goes out at 4 s; the pong comes while this process is stopped, or its loop busy."""
    alive = ScriptedSocket([], pong_after=min(max(at - 4.0, 0.0), 3.5) + 0.05)
    world = attend(iter([alive]), ping_every="4s", stands_still=(at, 30.0), seconds=60.0)
    assert world.tries == [0]
    assert world.cell.count("ends_silent") == 0


def test_a_standstill_of_ours_costs_the_wait_for_a_pong_two_slices_at_most():
    dead = ScriptedSocket([], pongs=False)
    world = attend(iter([dead, ScriptedSocket([])]), ping_every="4s", stands_still=(5.0, 20.0), seconds=40.0)
    assert 25 <= world.tries[1] <= 25 + 4.2


def test_a_pong_behind_what_a_slow_reader_has_not_read_yet_is_not_missing():
    """It has a message to read each second, so its pong is seen after the last of them."""
    slow = ScriptedSocket([(0.1, str(number)) for number in range(12)], pong_after=9.0)
    world = attend(iter([slow]), ping_every="4s", read_pause="1s")
    assert world.tries == [0]


def test_a_slow_reader_finds_out_that_nobody_is_there():
    dead = ScriptedSocket([(0.1, str(number)) for number in range(3)], pongs=False)
    world = attend(iter([dead, every_second(12, 19)]), ping_every="4s", read_pause="1s")
    assert len(world.tries) == 2
    assert 8 < world.tries[1] <= 12
    assert world.cell.count("ends_silent") == 1


def test_whose_subscription_is_refused_leaves_and_asks_again_for_all():
    """Of two the second is refused: the first is over by our own doing, and nothing is held against it."""
    half = ScriptedSocket([], refused=frozenset({2}))
    both = ScriptedSocket([])
    world = attend(
        iter([half, both]), subscriptions=2, reconnect={"first": "3s", "most": "3s"}, stall_after="60s"
    )
    assert world.tries == [0, 3]
    assert [len(socket.sent) for socket in (half, both)] == [2, 2]
    assert half.closed_at is not None
    counts = world.cell.counts
    assert (counts["begun"], counts["streams"]) == (3, 3)
    assert world.cell.ends == {"no subscription: rpc_error(-32000)": 1}
    assert not counts.keys() & {"ends_visible", "ends_silent", "unresumed", "never_opened"}


def test_of_a_stream_that_was_given_up_only_what_came_while_it_was_held_is_asked_for():
    """Blocks 0 to 2 come, then the second subscription times out; the next connection is at 8 s."""
    held = ScriptedSocket([(number + 0.5, str(number)) for number in range(3)], unanswered=frozenset({2}))
    world = attend(
        iter([held, every_second(8, 19)]),
        subscriptions=2,
        timeout="3s",
        reconnect={"first": "5s", "most": "5s"},
        seconds=19.0,
    )
    assert world.tries[1] == 8
    assert world.cell.ends == {"no subscription: timeout": 1}
    assert world.cell.count("ends_visible") == 0
    found = {one.stream for pair in world.cell.sightings.values() for one in pair}
    assert found == {"heads/0.1"}  # Which gets no block at all.


def test_who_does_not_come_back_stays_with_what_was_granted():
    half = ScriptedSocket([(number + 0.5, str(number)) for number in range(20)], refused=frozenset({2}))
    world = attend(iter([half]), subscriptions=2, reconnect="none")
    assert world.tries == [0]
    assert (world.cell.count("never_opened"), world.cell.missing) == (1, 0)
    assert world.cell.count("observed") >= 18


UNASKED = {
    "reply to nothing": '{"jsonrpc": "2.0", "id": 7, "result": "0x1"}',
    "second reply": json.dumps({"jsonrpc": "2.0", "id": 1 << 40, "result": "0x1"}),
    "no message": "hello",
    "not subscribed": header("0x99", 3),
    "nameless error": '{"jsonrpc": "2.0", "id": null, "error": {"code": 1, "message": "?"}}',
    "foreign method": '{"jsonrpc": "2.0", "method": "notice", "params": []}',
}


@pytest.mark.parametrize("kind", UNASKED)
def test_what_nobody_asked_for_is_told(kind):
    world = attend(iter([ScriptedSocket([], said=[UNASKED[kind]] * 2)]), seconds=5.0)
    [(fact, count)] = world.book.take().items()
    assert (fact.check, fact.kind, fact.subject, count.number) == ("continuity", kind, "heads", 2)
    assert count.first is not None
    assert UNASKED[kind].startswith(count.first.words.removesuffix("..."))
    assert world.cell.count("events") == 0


def test_what_a_target_says_of_a_reply_is_nothing_unasked():
    meta = '{"jsonrpc": "2.0", "method": "lasso_meta", "params": {}}'
    assert attend(iter([ScriptedSocket([], said=[meta])]), seconds=5.0).book.take() == {}


def test_lateness_is_from_when_a_message_came_until_it_was_read():
    """It lay there for 2 s; who reads slowly on purpose is not late."""
    for pause, late in (("0s", 2.0), ("100ms", 0.0)):
        world = attend(iter([ScriptedSocket([(3.0, "3")], arrived=1.0)]), read_pause=pause, seconds=5.0)
        longest = world.cell.sketches["lag"].maximum
        assert longest == pytest.approx(late)


def test_silence_on_an_open_socket_is_no_uptime():
    world = attend(iter([every_second(0, 4)]))
    assert world.cell.uptime is not None
    assert world.cell.uptime < 0.5
    assert world.cell.count("dead_at_end") == 1


def test_a_message_that_is_no_block_is_an_event_nobody_can_tell_anything_about():
    socket = ScriptedSocket([])
    broken = json.loads(header("0x1", 3)) | {"params": {"subscription": "0x1", "result": {"number": "0x3"}}}
    socket._outbox.append(json.dumps({"jsonrpc": "2.0", "id": 1 << 40, "result": "0x1"}))
    socket._outbox.append(json.dumps(broken))
    world = attend(iter([socket]), seconds=5.0)
    assert world.cell.count("unproven") == 1
    assert world.cell.count("events") == 1


def test_a_run_that_is_stopped_finishes_every_stream():
    world = attend(iter(every_second(0, 18) for _ in range(3)), clients=3, stop_at=6.0)
    assert world.ended == 6
    assert world.cell.count("streams") == world.cell.count("begun") == 3


def test_slow_readers_wait_before_they_read_on():
    burst = ScriptedSocket([(0.5, str(number)) for number in range(10)])
    world = attend(iter([burst]), read_pause="1s", seconds=8.0)
    assert 5 <= world.cell.count("events") <= 8


def test_a_target_that_refuses_all_has_streams_that_never_opened():
    world = attend(iter([REFUSED] * 99), clients=2, seconds=5.0)
    assert world.cell.count("never_opened") == 2
    assert world.cell.ends.keys() == {"no subscription: refused"}


def test_what_came_last_is_judged_when_the_other_path_has_seen_it_too():
    """Block 20 comes half a second before the end, and the truth sees it half a second after that."""
    world = attend(iter([every_second(0, 20)]), seconds=20.8, blocks=lambda t: int(t))
    assert world.cell.count("unproven") == 0
    assert world.cell.missing == 0
