"""What faults do at the moment of injection, over time, at the moment of healing, and together."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from tests.lab.faults.health import check_health, check_subscription
from tests.lab.faults.signatures import BROKEN, number
from tests.lab.faults.visits import PATIENCE, HttpVisit, Lost, WsVisit, request, visiting

pytestmark = pytest.mark.real

A, B = "provider_a", "provider_b"


def is_open(url: str) -> bool:
    """Whether a new connection is taken."""
    port = int(url.rstrip("/").rpartition(":")[2])
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
    except ConnectionError:
        return False
    return True


def until(holds, what):
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


def numbers_of(visit: WsVisit, count: int) -> list[int]:
    return [number(head["number"]) for head in visit.heads(count)]


# Network


def test_flap_goes_down_and_up_and_ends_up(field):
    field.inject(A, "flap", down_ms=200, up_ms=500, times=2)
    assert not is_open(field.urls[A])
    until(lambda: is_open(field.urls[A]), "up")
    until(lambda: not is_open(field.urls[A]), "down again")
    until(lambda: is_open(field.urls[A]), "up for good")
    time.sleep(0.7)  # a third time would begin within that
    assert is_open(field.urls[A])


def test_restart_is_a_new_generation_without_the_old_ones_connections(field):
    before = field.counters(A)["generation"]
    with visiting(field.urls[A], "ws") as old:
        field.inject(A, "restart", down_ms=100)
        assert not is_open(field.urls[A])
        until(lambda: is_open(field.urls[A]), "up")
        with pytest.raises(Lost):
            old.call("eth_chainId")
    after = field.counters(A)
    assert (after["generation"], after["messages_http"]) == (before + 1, 0)
    field.heal(A)
    assert field.counters(A)["generation"] == before + 1


def test_kill_in_mode_reset_takes_connections_and_counts_them(field):
    field.inject(A, "kill", mode="reset")
    before = field.counters(A)["connections"]
    # The reset may come before the request, or even while httpx is still setting up its end of the socket.
    with closing(HttpVisit(field.urls[A])) as visit, pytest.raises(BROKEN):
        visit.call("eth_chainId")
    assert field.counters(A)["connections"] == before + 1
    assert field.hits(A, "kill") == 1


def test_kill_keeps_its_port_for_itself(field):
    field.inject(A, "kill")
    port = int(field.urls[A].rstrip("/").rpartition(":")[2])
    with socket.socket() as rival:
        rival.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            rival.bind(("127.0.0.1", port))


@pytest.mark.parametrize("over", ["http", "ws"])
def test_a_process_that_hung_answers_when_it_goes_on(field, over):
    field.inject(A, "hang", methods=["eth_chainId"])
    with visiting(field.urls[A], over) as visit, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(visit.call, "eth_chainId")
        time.sleep(0.3)
        assert not waiting.done()
        field.heal(A)
        assert waiting.result(PATIENCE) == "0x3e7"
        with closing(HttpVisit(field.urls[B])) as other:
            check_health(visit, other)


def test_a_partition_that_ends_lets_waiting_requests_through_and_cuts_websockets(field):
    with (
        visiting(field.urls[A], "http") as old,
        visiting(field.urls[A], "http") as new,
        visiting(field.urls[A], "ws") as socket_,
        ThreadPoolExecutor(2) as pool,
    ):
        old.call("eth_chainId")
        field.inject(A, "partition")
        waiting = [pool.submit(visit.call, "eth_chainId") for visit in (old, new)]
        socket_.heads(1_000_000, patience=0.3)
        assert not any(one.done() for one in waiting)
        field.heal(A)
        assert [one.result(PATIENCE) for one in waiting] == ["0x3e7"] * 2
        assert socket_.closes() is None


def test_reset_lets_some_bytes_of_an_answer_through(field):
    field.inject(A, "reset", after_bytes=70)
    port = int(field.urls[A].rstrip("/").rpartition(":")[2])
    body = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}'
    seen = b""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as raw:
        raw.sendall(b"POST / HTTP/1.1\r\nhost: lab\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        try:
            while data := raw.recv(1_000):
                seen += data
        except ConnectionResetError:
            ending = "reset"
        else:
            ending = "closed"
    # A reset may overtake what was sent before it: never more than was asked for, and never a close.
    assert b"HTTP/1.1 200 OK\r\n".startswith(seen[:17])
    assert len(seen) <= 70
    assert ending == "reset"


@pytest.mark.parametrize("over", ["http", "ws"])
def test_reset_ends_idle_connections(field, over):
    field.inject(A, "reset", after_bytes=None, idle_ms=300)
    with visiting(field.urls[A], over) as visit:
        visit.call("eth_chainId")
        visit.call("eth_chainId")
        time.sleep(1.5)
        with pytest.raises(Lost):
            visit.call("eth_chainId")


# Requests


def test_trickle_sends_the_headers_at_once(field):
    field.inject(A, "trickle", bytes_per_s=40)
    with visiting(field.urls[A], "http") as visit:
        answer = visit.exchange(request("eth_chainId"))
    assert answer.body_seconds >= (len(answer.body) - 1) / 40 * 0.7


def test_only_the_transport_that_is_meant(field):
    field.inject(A, "rpc_error", transport="ws")
    with visiting(field.urls[A], "http") as http, visiting(field.urls[A], "ws") as ws:
        assert http.call("eth_chainId") == "0x3e7"
        assert "error" in ws.exchange(request("eth_chainId")).json


def test_only_the_methods_that_are_meant_within_a_batch_too(field):
    field.inject(A, "wrong_id", methods=["eth_gasPrice"])
    batch = [request("eth_chainId", id_=1), request("eth_gasPrice", id_=2), request("eth_chainId", id_=3)]
    with visiting(field.urls[A], "http") as visit:
        assert [reply["id"] for reply in visit.exchange(batch).json] == [1, 1_000_002, 3]
    assert field.hits(A, "wrong_id") == 1


def test_a_probability_hits_its_share_and_a_seed_the_same_ones(field):
    def struck() -> list[bool]:
        field.inject(A, "rpc_error", probability=0.3, seed=5)
        with visiting(field.urls[A], "http") as visit:
            answers = ["error" in visit.exchange(request("eth_chainId")).json for _ in range(100)]
        assert field.hits(A, "rpc_error") == sum(answers)
        field.heal(A)
        return answers

    first = struck()
    assert 12 <= sum(first) <= 50
    assert struck() == first


def test_faults_act_together(field):
    field.inject(A, "rpc_latency", latency_ms=300)
    field.inject(A, "lag", blocks=100)
    field.inject(A, "wrong_content_type")
    with visiting(field.urls[A], "http") as visit, closing(HttpVisit(field.urls[B])) as other:
        answer = visit.exchange(request("eth_blockNumber"))
        assert answer.seconds >= 0.3
        assert answer.headers["content-type"] == "text/html"
        assert number(other.call("eth_blockNumber")) - number(answer.json["result"]) >= 100


def test_a_fault_that_does_nothing_does_nothing_and_counts(field):
    field.inject(A, "rpc_noop")
    for over in ("http", "ws"):
        before = field.hits(A, "rpc_noop")
        with visiting(field.urls[A], over) as visit, closing(HttpVisit(field.urls[B])) as other:
            check_health(visit, other)
        assert field.hits(A, "rpc_noop") > before


# State and subscriptions


def test_a_node_with_a_stale_head_tells_all_blocks_when_it_is_healed(field):
    with visiting(field.urls[A], "ws") as visit:
        first = numbers_of(visit, 1)
        field.inject(A, "stale_head")
        frozen = number(visit.call("eth_blockNumber"))
        silent = [number(head["number"]) for head in visit.heads(1_000, patience=0.3)]
        assert first + silent == list(range(first[0], frozen + 1))
        field.heal(A)
        assert numbers_of(visit, 10) == list(range(frozen + 1, frozen + 11))


def test_no_block_of_the_right_chain_is_left_out_when_a_wrong_one_is_healed(field):
    with visiting(field.urls[A], "ws") as visit, closing(HttpVisit(field.urls[B])) as other:
        seen = visit.heads(2)
        field.inject(A, "wrong_chain")
        visit.call("eth_chainId")
        seen += visit.heads(20)
        field.heal(A)
        visit.call("eth_chainId")
        seen += visit.heads(40)
        first, last = number(seen[0]["number"]), number(seen[-1]["number"])
        right = [
            head
            for head in seen
            if head["hash"] == other.call("eth_getBlockByNumber", head["number"], False)["hash"]
        ]
    assert len(seen) - len(right) >= 15
    assert [number(head["number"]) for head in right] == list(range(first, last + 1))


def test_a_head_that_regresses_comes_back_by_itself(field):
    with visiting(field.urls[A], "http") as visit, closing(HttpVisit(field.urls[B])) as other:
        before = number(visit.call("eth_blockNumber"))
        field.inject(A, "head_regress", blocks=500, for_ms=300)
        assert number(visit.call("eth_blockNumber")) < before
        until(lambda: number(visit.call("eth_blockNumber")) > before, "back")
        check_health(visit, other)


def test_subscribers_follow_a_reorg_and_the_way_back(field):
    with visiting(field.urls[A], "ws") as visit, closing(HttpVisit(field.urls[B])) as other:
        reply = visit.exchange(request("eth_subscribe", "logs", {}, id_=5)).json
        assert "result" in reply
        newest = next_block(visit)
        field.inject(A, "reorg", depth=4)
        branch = until_back_step(visit, newest, other, is_shared=False)
        newest = next_block(visit)
        field.heal(A)
        trunk = until_back_step(visit, newest, other, is_shared=True)
    assert branch == trunk


def next_block(visit: WsVisit) -> int:
    while "parentHash" not in (event := visit.heads(1)[0]):
        pass
    return number(event["number"])


def until_back_step(visit: WsVisit, newest: int, other: HttpVisit, is_shared: bool) -> int:
    """Read on until heads go back; the block at which the new branch begins. Logs are removed as well."""
    removed = 0
    for _ in range(5_000):
        (event,) = visit.heads(1)
        if "parentHash" not in event:
            removed += event["removed"]
        elif number(event["number"]) <= newest:
            break
        else:
            newest = number(event["number"])
    start = number(event["number"])
    theirs = other.call("eth_getBlockByNumber", event["number"], False)["hash"]
    assert (event["hash"] == theirs) == is_shared
    assert event["parentHash"] == visit.call("eth_getBlockByNumber", hex(start - 1), False)["hash"]
    while removed < 4:
        removed += visit.heads(1)[0].get("removed", False)
    return start


def test_logs_are_missing_from_subscriptions_too(field):
    with closing(WsVisit(field.urls[A])) as visit:
        visit.exchange(request("eth_subscribe", "logs", {}))
        assert len(visit.heads(4)) == 4
        field.inject(A, "missing_logs")
        visit.call("eth_chainId")
        visit.forget_heads()
        assert visit.heads(1, patience=0.3) == []
        field.heal(A)
        assert len(visit.heads(4)) == 4


# WebSockets


@pytest.mark.parametrize("code", [1000, 4321, None])
def test_the_close_code_is_the_one_that_was_asked_for(field, code):
    with visiting(field.urls[A], "ws") as visit:
        field.inject(A, "ws_close", code=code)
        assert visit.closes() == code
    with visiting(field.urls[A], "ws") as again:
        check_subscription(again)


def test_swapping_loses_nothing_when_it_is_healed(field):
    with visiting(field.urls[A], "ws") as visit:
        field.inject(A, "ws_reorder")
        seen = numbers_of(visit, 9)
        assert seen != sorted(seen)
        field.heal(A)
        head = number(visit.call("eth_blockNumber"))
        while max(seen) < head + 3:
            seen += numbers_of(visit, 1)
    assert set(range(min(seen), head)) <= set(seen)
    assert len(set(seen)) == len(seen)


def test_a_half_open_websocket_is_cut_when_it_is_healed(field):
    with visiting(field.urls[A], "ws") as visit:
        field.inject(A, "ws_half_open")
        visit.heads(1_000_000, patience=0.1)
        field.heal(A)
        assert visit.closes() is None


def test_subscriptions_from_before_can_be_lost_as_well(field):
    with visiting(field.urls[A], "ws") as visit:
        field.inject(A, "sub_lost")
        check_subscription(visit)
        field.heal(A)
        field.inject(A, "sub_lost", keep=False)
        visit.call("eth_chainId")
        visit.forget_heads()
        assert visit.heads(1, patience=0.3) == []
