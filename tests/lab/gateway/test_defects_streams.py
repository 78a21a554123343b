"""Defects of subscriptions, each at its seam: what clients are sent with it, and what without."""

import pytest
import trio

from battlectl.lab.gateway.building import build_gateway
from battlectl.lab.gateway.defects.table import DEFECTS
from battlectl.lab.gateway.settings import GatewaySettings
from battlectl.lab.gateway.ws.block import Block
from battlectl.lab.gateway.ws.vigil import Patience
from battlectl.lab.gateway.ws.walk import Fetch
from battlectl.lab.rpc.envelope import RpcError

FIRST = "0123456789abcdef"
SECOND = "fedcba9876543210"


def line(first, names, parent):
    """Consecutive blocks, one letter each."""
    parents = [parent, *names]
    return {
        name: Block(first + n, name, parents[n], {"hash": name, "parentHash": parents[n]})
        for n, name in enumerate(names)
    }


CHAIN = line(0, "abcdefgh", "_") | line(3, "xyz", "c")
"""a to h, and x, y, z from c on in place of d, e, f."""


def gateway_with(*defects):
    return build_gateway(GatewaySettings((), defects=defects))


def replaced(gateway):
    gateway.truth.record("replacement", kind="newHeads", to="p1")


def sent(gateway, history):
    """What clients are sent, a letter per block: `b` comes by stream, `(b)` by a look, `!` is a failover."""
    walk, heard, how = gateway.seams.walk(CHAIN["a"]), [], "stream"
    for mark in history.replace(" ", ""):
        if mark == "!":
            replaced(gateway)
        elif mark in "()":
            how = "look" if mark == "(" else "stream"
        else:
            heard += gateway.seams.publish(gateway.seams.offer(walk, CHAIN[mark], how), how)
            heard += answered(gateway, walk)
    return "".join(item.block.hash for item in heard)


def answered(gateway, walk):
    """The walk's questions, answered as by providers that know all blocks and take the newest for right."""
    while (want := walk.wanted()) is not None:
        if isinstance(want, Fetch):
            yield from gateway.seams.publish(walk.found(CHAIN[want.hash]), "back-fill")
        else:
            yield from gateway.seams.publish(walk.judged(want.hash, True), "reorg")


@pytest.mark.parametrize(
    ("name", "history", "wrong", "right"),
    [
        ("gap-not-filled", "bcd ! fgh", "bcdgh", "bcdefgh"),
        ("gap-not-filled", "bcd ! (efgh) h", "bcd", "bcdefgh"),
        ("backfill-out-of-order", "bc ! fg", "bcfdeg", "bcdefg"),
        ("duplicates-after-resume", "bcd ! ef", "bcdcdef", "bcdef"),
        ("reorg-not-announced", "bcd xyz", "bcdyz", "bcdxyz"),
        ("reorg-announced-as-before", "bcde xyz", "bcdedez", "bcdexyz"),
        ("stall-not-noticed", "bc (def)", "bc", "bcdef"),
    ],
)
def test_what_is_sent_of_a_chain(name, history, wrong, right):
    assert sent(gateway_with(name), history) == wrong
    assert sent(gateway_with(), history) == right
    calm = "bcdef (fgh)" if name == "duplicates-after-resume" else "bcdefgh"
    assert sent(gateway_with(name), calm) == "bcdefgh", "without trouble it is as good as any other"


def test_a_block_in_forty_is_lost():
    gateway = gateway_with("stream-loses-blocks")
    shown = [[CHAIN["b"]]] * 4_000
    assert sum(len(gateway.seams.publish(item, "stream")) for item in shown) == 3_900


def test_a_stall_is_seen_by_the_sound_only():
    watching = [gateway_with(*names).seams.vigil(0.0) for names in (["stall-not-noticed"], [])]
    assert [vigil.sees(9, 60.0, Patience(1, 3)) for vigil in watching] == [None, "stalled"]


def test_logs_that_were_removed():
    gone = [{"logIndex": "0x0", "removed": True}]
    assert gateway_with("removed-logs-lost").seams.take_back(gone) == []
    assert gateway_with().seams.take_back(gone) == gone


def test_how_many_are_asked_for_logs():
    assert gateway_with("logs-from-one-witness").seams.log_witnesses == 1
    assert gateway_with().seams.log_witnesses == 2


class Socket:
    """Takes what is sent, unless it is full."""

    def shrink(self, size):
        pass

    async def send(self, text):
        pass


def taken(outbox):
    """What waits in an outbox: (event, subscription)."""
    return [outbox._out.receive_nowait() for _ in range(outbox.waiting)]


def outboxes(gateway, count):
    return [gateway.seams.outbox(Socket()) for _ in range(count)]


@pytest.mark.parametrize("name", [("silent-after-failover"), ("new-subscription-id"), None])
def test_what_a_client_is_sent_after_a_failover(name):
    gateway = gateway_with(*([name] if name else []))
    (old,) = outboxes(gateway, 1)
    old.put_event(b"1", FIRST)
    replaced(gateway)
    old.put_event(b"2", FIRST)
    (new,) = outboxes(gateway, 1)
    new.put_event(b"3", SECOND)
    after = {"silent-after-failover": [], "new-subscription-id": [(b"2", "0123456789abcdf0")]}
    assert taken(old) == [(b"1", FIRST), *after.get(name, [(b"2", FIRST)])]
    assert taken(new) == [(b"3", SECOND)], "who comes later has what it needs"


@pytest.mark.parametrize("names", [["events-to-another-client"], []])
def test_who_gets_an_event(names):
    first, second = outboxes(gateway_with(*names), 2)
    for number in range(30):
        first.put_event(b"%d" % number, FIRST)
    assert len(taken(first)) == (28 if names else 30)
    assert taken(second) == ([(b"14", FIRST), (b"29", FIRST)] if names else [])


@pytest.mark.parametrize("names", [["slow-reader-blocks-others"], []])
def test_what_a_slow_reader_does_to_others(names):
    slow, quick = outboxes(gateway_with(*names), 2)
    heard = []
    for number in range(8):
        slow.put_event(b"%d" % number, FIRST)
        quick.put_event(b"%d" % number, SECOND)
        heard += taken(quick)
    assert len(heard) == (4 if names else 8)
    taken(slow)
    quick.put_event(b"8", SECOND)
    assert len(heard + taken(quick)) == 9, "nothing is lost, it is late"


@pytest.mark.parametrize("name", ["subscribe-refused-after-failover", "subscriptions-never-released", None])
def test_who_may_subscribe(name):
    gateway = gateway_with(*([name] if name else []))
    allowed = [is_admitted(gateway) for _ in range(24)]
    assert all(allowed)
    if name == "subscribe-refused-after-failover":
        replaced(gateway)
    assert is_admitted(gateway) is (name is None)


def is_admitted(gateway):
    try:
        gateway.seams.admit(None)
    except RpcError:
        return False
    return True


@pytest.mark.parametrize("is_planted", [True, False])
async def test_a_connection_through_a_failover(is_planted, autojump_clock):
    gateway, seconds = gateway_with(), []

    async def serve(session):
        for second in range(6):
            seconds.append(second)
            if second == 2:
                replaced(gateway)
            await trio.sleep(1)

    gateway.seams.serve_client = serve
    if is_planted:
        DEFECTS["cut-without-close"].plant(gateway)
    await gateway.seams.serve_client(None)
    assert seconds == ([0, 1, 2] if is_planted else [0, 1, 2, 3, 4, 5])
