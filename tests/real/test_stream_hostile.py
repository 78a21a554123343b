"""Subscribers and requests against servers that break every rule: the right end, little memory, on time."""

from __future__ import annotations

import json
import os
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

import pytest
import trio

from battlectl.commands.subscribers import SLOW_HOLDS
from battlectl.observe.consistency import Book
from battlectl.observe.streams.cell import StreamCell, StreamCells
from battlectl.observe.streams.terms import Terms
from battlectl.observe.streams.truth import Truth
from battlectl.plan.streams import plan_streams
from battlectl.plan.workload import Window
from battlectl.run.listening import listen_to_heads
from battlectl.run.subscribers import Subscribers
from battlectl.scenario.streams import SubscribeWorkload
from battlectl.transport.base import Exchange, Limits, NoReply, Reply
from battlectl.transport.ws_client import WsClient
from battlectl.transport.ws_socket import open_socket
from tests.real.hostile_sockets import (
    CHUNK,
    CLOSE,
    CONTINUED,
    GRANTED,
    PING,
    TEXT,
    TEXT_BEGINS,
    Peer,
    Talk,
    frame,
    hash_of,
    header,
    hostile,
    huge,
)

pytestmark = pytest.mark.real

SECONDS = 2.0
BLOCK = 0.1
SETTLE = 0.5
PINGS = 50
PONG = 2 + 4 + 100
"""Bytes of the answer to a ping with 100: head, mask, the same."""
GRACE = 5.0
"""Seconds that a run may end late on a machine that is busy with other things."""
MiB = 2**20
MOST_HELD = 32 * MiB
"""What one connection may hold of a message that is too large, several copies of the allowed 8 MiB."""


@dataclass
class Seen:
    """What came of a run: what was counted, how long it took, the server's side of it."""

    cell: StreamCell = field(default_factory=StreamCell)
    book: Book = field(default_factory=lambda: Book(()))
    took: float = 0.0
    peers: list[Peer] = field(default_factory=list)


def subscribe_to(talk: Talk, seconds: float = SECONDS, **fields: Any) -> Seen:
    """One subscriber for so long, while the chain has a new block every BLOCK."""
    return trio.run(partial(_subscribe_to, talk, seconds, fields))


async def _subscribe_to(talk: Talk, seconds: float, fields: dict[str, Any]) -> Seen:
    usual = {"subscribe": "newHeads", "ping_every": "500ms", "timeout": "500ms", "stall_after": "1s"}
    workload = SubscribeWorkload.model_validate({**usual, **fields})
    planned = plan_streams("heads", workload, "1/heads", Window("heads", 0.0, seconds))
    truth, cells, seen = Truth(), StreamCells(), Seen()
    terms = Terms(SETTLE, workload.stall_after)
    async with hostile(talk) as (endpoint, peers), trio.open_nursery() as nursery:
        start = trio.current_time()
        nursery.start_soon(_witness, truth, start)
        with trio.fail_after(seconds + 60):
            await Subscribers(
                planned,
                partial(
                    open_socket, endpoint, planned.max_body, held=SLOW_HOLDS if planned.read_pause else None
                ),
                lambda name, t: listen_to_heads(name, truth, cells, terms, t, 0.0),
                cells,
                seen.book,
                SETTLE,
            ).serve(start)
        seen.took, seen.peers = trio.current_time() - start, peers
        nursery.cancel_scope.cancel()
    seen.cell = cells.total()
    assert seconds - 0.1 <= seen.took < seconds + SETTLE + GRACE
    return seen


async def _witness(truth: Truth, start: float) -> None:
    for number in count(int(trio.current_time() / BLOCK)):
        await trio.sleep_until(number * BLOCK)
        truth.see(trio.current_time() - start, number, hash_of(number), hash_of(number - 1))


def after_grant(*raw: bytes) -> Talk:
    """Grant, say these bytes, then nothing; what is said to it is thrown away."""

    async def talk(peer: Peer) -> None:
        await peer.grant()
        for data in raw:
            await peer.raw(data)
        await drain(peer)

    return talk


async def accept_only(peer: Peer) -> None:
    await trio.sleep_forever()


async def shake_hands_only(peer: Peer) -> None:
    await peer.shake_hands()
    await trio.sleep_forever()


async def grant_only(peer: Peer) -> None:
    await peer.grant()
    await trio.sleep_forever()


async def send_50_mb(peer: Peer) -> None:
    await peer.grant()
    await peer.raw(huge(50 * MiB))
    for _ in range(50 * MiB // len(CHUNK)):
        await peer.raw(CHUNK)
    await trio.sleep_forever()


async def send_50_mb_in_pieces(peer: Peer) -> None:
    await peer.grant()
    await peer.raw(frame(TEXT_BEGINS, CHUNK[:60_000]))
    for _ in range(50 * MiB // 60_000):
        await peer.raw(frame(CONTINUED, CHUNK[:60_000]))
    await trio.sleep_forever()


async def flood(peer: Peer) -> None:
    """Pings as fast as they are answered, PINGS at a time, and each block when it is there."""
    await peer.grant()
    last = int(trio.current_time() / BLOCK) - 1
    while True:
        for number in range(last + 1, int(trio.current_time() / BLOCK) + 1):
            await peer.raw(header(number))
            last = number
        await peer.raw(frame(PING, bytes(100)) * PINGS)
        left = PINGS * PONG
        while left > 0:
            left -= len(await peer.stream.receive_some(left)) or left


async def flood_and_take_nothing(peer: Peer) -> None:
    await peer.grant()
    while True:
        await peer.raw(frame(PING, bytes(100)) * PINGS)


async def outrun(peer: Peer) -> None:
    """Far more than a subscriber can read, 20 kB each."""
    await peer.grant()
    for number in count(int(trio.current_time() / BLOCK)):
        await peer.raw(header(number, padding=20_000))


async def drain(peer: Peer) -> None:
    while await peer.stream.receive_some(65_536):
        pass


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def counts(seen: Seen, *names: str) -> list[int]:
    return [seen.cell.count(name) for name in names]


@pytest.mark.parametrize(
    ("talk", "reason"),
    [(accept_only, "no subscription: timeout"), (shake_hands_only, "no subscription: timeout")],
)
def test_a_server_that_says_nothing_grants_nothing(talk, reason):
    seen = subscribe_to(talk)
    assert len(seen.peers) >= 2  # It was tried again.
    assert set(seen.cell.ends) == {reason}
    assert counts(seen, "never_opened", "streams", "events") == [1, 1, 0]


@pytest.mark.parametrize(
    ("talk", "reason"),
    [
        (after_grant(os.urandom(10) + b"\xff" * 5_000), "close code 1002"),
        (after_grant(frame(TEXT, b"\xff\xfe")), "close code 1007"),
        (after_grant(frame(CLOSE)), "without code 1005"),
        (after_grant(frame(CLOSE, (4_001).to_bytes(2, "big") + b"go away")), "close code 4001"),
    ],
)
def test_a_server_that_breaks_the_protocol_or_closes_is_seen_to(talk, reason):
    seen = subscribe_to(talk)
    assert list(seen.cell.ends) == [reason]
    assert counts(seen, "ends_visible")[0] == seen.cell.ends[reason] >= 2
    assert counts(seen, "ends_silent", "unresumed", "streams", "events") == [0, 1, 1, 0]
    assert seen.cell.missing > 5


def test_a_stream_whose_server_falls_silent_without_a_pong_is_found_dead():
    seen = subscribe_to(grant_only)
    assert set(seen.cell.ends) == {"silent"}
    assert counts(seen, "ends_visible", "unresumed", "streams") == [0, 1, 1]
    assert seen.cell.missing > 5


@pytest.mark.parametrize(
    "text", [b"no json", b"[]", b'{"jsonrpc": "2.0", "id": 5, "result": 1}', b"{" * 5_000]
)
def test_nonsense_in_good_frames_opens_closes_and_proves_nothing(text):
    seen = subscribe_to(after_grant(*[frame(TEXT, text)] * 50), ping_every="0s")
    assert len(seen.peers) == 1
    assert counts(seen, "events", "observed", "dead_at_end", "streams") == [0, 0, 1, 1]
    assert seen.cell.missing > 5


def test_a_notification_without_a_block_is_an_event_that_proves_nothing():
    told = {"jsonrpc": "2.0", "method": "eth_subscription", "params": {"subscription": GRANTED, "result": 7}}
    seen = subscribe_to(after_grant(frame(TEXT, json.dumps(told).encode())), ping_every="0s")
    assert counts(seen, "events", "unproven", "observed") == [1, 1, 0]


@pytest.mark.parametrize("talk", [send_50_mb, send_50_mb_in_pieces])
def test_a_message_of_50_mb_ends_the_connection_and_is_never_held_whole(talk, traced):
    seen = subscribe_to(talk, ping_every="0s", max_body="4MiB", reconnect="none")
    assert tracemalloc.get_traced_memory()[1] < MOST_HELD
    assert dict(seen.cell.ends) == {"close code 1009": 1}
    assert seen.peers[0].sent < 50 * MiB


def test_a_message_that_never_ends_is_a_silent_stream():
    seen = subscribe_to(after_grant(huge(2**62)))
    assert set(seen.cell.ends) == {"silent"}
    assert seen.cell.missing > 5


def test_a_flood_of_pings_is_answered_and_no_block_is_lost_in_it(traced):
    seen = subscribe_to(flood, ping_every="0s")
    assert tracemalloc.get_traced_memory()[1] < MOST_HELD
    assert len(seen.peers) == 1
    assert seen.peers[0].sent > 10 * PINGS * 100
    assert (seen.cell.missing, counts(seen, "duplicates", "out_of_order")) == (0, [0, 0])
    assert counts(seen, "observed")[0] > 5


def test_who_floods_with_pings_and_takes_no_pong_is_found_dead(traced):
    """Its pongs fill the connection; then nothing can be said any more, not even our own ping."""
    seen = subscribe_to(flood_and_take_nothing)
    assert tracemalloc.get_traced_memory()[1] < MOST_HELD
    assert set(seen.cell.ends) == {"silent"}


def test_a_subscriber_that_does_not_read_holds_the_server_back_not_our_memory(traced):
    seen = subscribe_to(outrun, ping_every="0s", read_pause="100ms")
    assert tracemalloc.get_traced_memory()[1] < MOST_HELD
    assert len(seen.peers) == 1
    assert 0 < seen.peers[0].sent < 20 * MiB  # What the kernel takes; a fast reader takes it all.
    assert 5 < counts(seen, "events")[0] < 50


@pytest.mark.parametrize(
    ("talk", "expected"),
    [
        (accept_only, {"timeout"}),
        (shake_hands_only, {"timeout"}),
        (after_grant(b"\xff" * 5_000), {"closed", "reset"}),
        (after_grant(frame(CLOSE)), {"closed"}),
        (send_50_mb, {"too_large"}),
        (after_grant(*[frame(PING, bytes(100))] * 5_000), {"timeout"}),
    ],
)
async def test_a_request_to_such_a_server_ends_once_and_in_time(talk, expected):
    ended: list[Reply | NoReply | None] = []
    over = trio.Event()

    def finish(exchange: Exchange) -> None:
        ended.append(exchange.answer)  # It is let go of afterwards.
        if len(ended) == 2:
            over.set()

    async with hostile(talk) as (endpoint, _), trio.open_nursery() as nursery:
        client = WsClient(endpoint, Limits(connections=1, timeout=2.0, max_body=MiB))
        await nursery.start(client.serve)
        now = trio.current_time()
        for number in (1, 2):  # The first is granted.
            body = json.dumps({"jsonrpc": "2.0", "id": number, "method": "eth_x"}).encode()
            client.submit(Exchange(body, str(number), now, now + 2.0, finish))
        with trio.fail_after(2.0 + GRACE):
            await over.wait()
        nursery.cancel_scope.cancel()
    failed = [one.outcome for one in ended if isinstance(one, NoReply)]
    assert failed
    assert set(failed) <= expected
