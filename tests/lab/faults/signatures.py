"""How a client that is not ours recognises each fault: one signature for each kind.

Rule: a signature is asked on one visit while the fault is in force, and raises AssertionError, or whatever a
client meets that does not expect trouble, when its effect is not there. What a provider is without faults is
said once, in health.py, and holds for all.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.lab.faults.visits import PATIENCE, HttpVisit, Lost, Visit, WsVisit, request

BROKEN = (httpx.NetworkError, httpx.RemoteProtocolError, Lost, ConnectionClosed, ConnectionError)
SILENCE = 0.25  # seconds in which several blocks come

Shows = Callable[[Any, HttpVisit], None]
"""(the visit, a visit to another provider of the same lab that has no faults)."""


@dataclass(frozen=True)
class Signature:
    """`attributes` are those of the fault in the tests; `over` the transports on which it is looked for.

    `handshake` and `subscription` are how long a client waits for these while the fault is in force.
    """

    shows: Shows
    attributes: dict[str, Any] = field(default_factory=dict)
    over: tuple[str, ...] = ("http", "ws")
    handshake: float = PATIENCE
    subscription: float = PATIENCE


def number(value: str) -> int:
    return int(value, 16)


# Network


def breaks(visit: Visit, other: HttpVisit) -> None:
    with pytest.raises(BROKEN):
        visit.exchange(request("eth_chainId"))


def is_silent(visit: Visit, other: HttpVisit) -> None:
    with pytest.raises(TimeoutError):
        visit.exchange(request("eth_chainId"), patience=SILENCE)


def is_late(visit: Visit, other: HttpVisit) -> None:
    answer = visit.exchange(request("eth_chainId"))
    assert answer.json["result"] == "0x3e7"
    assert answer.seconds >= 0.3


def trickles(visit: HttpVisit, other: HttpVisit) -> None:
    answer = visit.exchange(request("eth_chainId"))
    assert answer.json["result"] == "0x3e7"
    assert answer.seconds >= (len(answer.body) - 1) / 100 * 0.9


# HTTP


def has_status(status: int, **headers: str) -> Shows:
    def shows(visit: HttpVisit, other: HttpVisit) -> None:
        answer = visit.exchange(request("eth_chainId"))
        assert answer.status == status
        assert answer.headers is not None
        assert {name: answer.headers.get(name.replace("_", "-")) for name in headers} == headers

    return shows


def says_html_of_json(visit: HttpVisit, other: HttpVisit) -> None:
    answer = visit.exchange(request("eth_chainId"))
    assert answer.headers is not None
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html")
    assert answer.json["result"] == "0x3e7"


def is_a_page(visit: HttpVisit, other: HttpVisit) -> None:
    answer = visit.exchange(request("eth_chainId"))
    assert answer.headers is not None
    assert (answer.status, answer.headers["content-type"][:9]) == (200, "text/html")
    assert b"<html>" in answer.body


def is_empty(visit: Visit, other: HttpVisit) -> None:
    answer = visit.exchange(request("eth_chainId"))
    assert (answer.body, answer.status) == (b"", 200 if visit.transport == "http" else None)


def is_cut(visit: Visit, other: HttpVisit) -> None:
    answer = visit.exchange(request("eth_getBlockByNumber", "0x5", True))
    assert answer.body.startswith(b'{"jsonrpc"')
    assert not is_json(answer.body)


def is_noise(visit: Visit, other: HttpVisit) -> None:
    answer = visit.exchange(request("eth_chainId"))
    assert len(answer.body) == 64
    assert not is_json(answer.body)


def is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


# JSON-RPC


def has_error(code: int, method: str = "eth_chainId", *params: Any) -> Shows:
    def shows(visit: Visit, other: HttpVisit) -> None:
        answer = visit.exchange(request(method, *params, id_="mine"))
        assert (answer.json["id"], answer.json["error"]["code"]) == ("mine", code)
        assert answer.status in (None, 200)

    return shows


CALL = ("eth_call", {"to": "0x" + "11" * 20, "data": "0x"}, "latest")


def fails_for_some_methods(visit: Visit, other: HttpVisit) -> None:
    has_error(-32603, *CALL)(visit, other)
    assert visit.call("eth_chainId") == "0x3e7"
    first, second = visit.exchange([request(*CALL, id_=1), request("eth_chainId", id_=2)]).json
    assert (first["error"]["code"], second["result"]) == (-32603, "0x3e7")


def reverts(visit: Visit, other: HttpVisit) -> None:
    error = visit.exchange(request(*CALL)).json["error"]
    assert (error["code"], error["message"][:18], error["data"][:10]) == (
        3,
        "execution reverted",
        "0x08c379a0",
    )
    assert visit.call("eth_chainId") == "0x3e7"


def answers_another(visit: Visit, other: HttpVisit) -> None:
    assert visit.exchange(request("eth_chainId", id_=7)).json == {
        "jsonrpc": "2.0",
        "id": 1_000_007,
        "result": "0x3e7",
    }


BATCH = [request("eth_getBlockByNumber", hex(place), False, id_=place) for place in range(8)]


def limits_some(visit: Visit, other: HttpVisit) -> None:
    replies = visit.exchange(BATCH).json
    assert [reply["id"] for reply in replies] == list(range(8))
    assert [reply["error"]["code"] for reply in replies if "error" in reply] == [-32005] * 4
    assert visit.call("eth_chainId") == "0x3e7"


def drops_some(visit: Visit, other: HttpVisit) -> None:
    replies = visit.exchange(BATCH).json
    assert len(replies) == 4
    assert all(number(reply["result"]["number"]) == reply["id"] for reply in replies)


def shuffles(visit: Visit, other: HttpVisit) -> None:
    replies = visit.exchange(BATCH).json
    ids = [reply["id"] for reply in replies]
    assert ids != sorted(ids) == list(range(8))
    assert all(number(reply["result"]["number"]) == reply["id"] for reply in replies)


# State


def stands_still(visit: Visit, other: HttpVisit) -> None:
    head, begin = visit.call("eth_blockNumber"), number(other.call("eth_blockNumber"))
    while number(other.call("eth_blockNumber")) < begin + 2:
        pass
    assert visit.call("eth_blockNumber") == head
    assert visit.call("eth_getBlockByNumber", "latest", False)["number"] == head
    assert visit.call("eth_getBlockByNumber", hex(number(head) + 1), False) is None


def is_behind(visit: Visit, other: HttpVisit) -> None:
    head = number(visit.call("eth_blockNumber"))
    assert number(other.call("eth_blockNumber")) - head >= 50
    latest = visit.call("eth_getBlockByNumber", "latest", False)
    assert latest["hash"] == other.call("eth_getBlockByNumber", latest["number"], False)["hash"]


def is_ahead(visit: Visit, other: HttpVisit) -> None:
    head = number(visit.call("eth_blockNumber"))
    assert head > number(other.call("eth_blockNumber")) + 1_000
    assert visit.call("eth_getBlockByNumber", hex(head), False)["number"] == hex(head)


def is_on_another_branch(visit: Visit, other: HttpVisit) -> None:
    head = number(other.call("eth_blockNumber"))
    ours, theirs = (who.call("eth_getBlockByNumber", hex(head), False) for who in (visit, other))
    assert ours["hash"] != theirs["hash"]
    for depth, is_shared in ((900, True), (1, False)):
        blocks = [who.call("eth_getBlockByNumber", hex(head - depth), False) for who in (visit, other)]
        assert (blocks[0]["hash"] == blocks[1]["hash"]) == is_shared
    assert visit.call("eth_getBlockByHash", theirs["hash"], False) is None
    assert ours["parentHash"] == visit.call("eth_getBlockByNumber", hex(head - 1), False)["hash"]


def has_no_logs(visit: Visit, other: HttpVisit) -> None:
    head = other.call("eth_blockNumber")
    query = {"fromBlock": hex(number(head) - 3), "toBlock": head}
    assert visit.call("eth_getLogs", query) == []
    assert len(other.call("eth_getLogs", query)) == 16
    assert visit.call("eth_getBlockByNumber", head, False)["transactions"]


def has_no_newest_blocks(visit: Visit, other: HttpVisit) -> None:
    head = visit.call("eth_blockNumber")
    assert visit.call("eth_getBlockByNumber", head, False) is None
    known = other.call("eth_getBlockByNumber", head, False)
    assert visit.call("eth_getBlockByHash", known["hash"], False) is None
    assert visit.call("eth_getTransactionReceipt", known["transactions"][0]) is None
    assert visit.call("eth_getLogs", {"fromBlock": head, "toBlock": head}) == []
    assert visit.call("eth_getBlockByNumber", hex(number(head) - 800), False) is not None


def goes_backwards(visit: Visit, other: HttpVisit) -> None:
    heads = [number(visit.call("eth_blockNumber")) for _ in range(15)]
    assert any(later < earlier for earlier, later in pairwise(heads))


def is_another_chain(visit: Visit, other: HttpVisit) -> None:
    assert visit.call("eth_chainId") == "0x1"
    genesis = [who.call("eth_getBlockByNumber", "0x0", False)["hash"] for who in (visit, other)]
    assert genesis[0] != genesis[1]


# WebSocket


def closes(visit: WsVisit, other: HttpVisit) -> None:
    assert visit.closes() == 1001


def is_refused(visit: WsVisit, other: HttpVisit) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        visit.exchange(request("eth_chainId"))
    assert refusal.value.response.status_code == 503


def is_stalled(visit: WsVisit, other: HttpVisit) -> None:
    assert visit.call("eth_chainId") == "0x3e7"
    visit.forget_heads()
    assert visit.heads(1, patience=SILENCE) == []
    assert visit.pongs()


def is_half_open(visit: WsVisit, other: HttpVisit) -> None:
    visit.heads(10_000, patience=0.05)
    assert visit.heads(1, patience=SILENCE) == []
    is_silent(visit, other)
    assert not visit.pongs(SILENCE)


def numbers(visit: WsVisit, count: int) -> list[int]:
    assert visit.call("eth_chainId") == "0x3e7"
    visit.forget_heads()
    return [number(head["number"]) for head in visit.heads(count)]


def repeats(visit: WsVisit, other: HttpVisit) -> None:
    seen = numbers(visit, 7)
    assert [seen.count(one) for one in sorted(set(seen))[1:-1]] == [2] * (len(set(seen)) - 2)
    assert len(set(seen)) >= 3


def has_gaps(visit: WsVisit, other: HttpVisit) -> None:
    seen = numbers(visit, 5)
    assert all(later - earlier == 2 for earlier, later in pairwise(seen))


def swaps(visit: WsVisit, other: HttpVisit) -> None:
    seen = numbers(visit, 6)
    assert seen != sorted(seen)
    assert len(set(seen)) == 6


def refuses_subscriptions(visit: WsVisit, other: HttpVisit) -> None:
    assert visit.subscribe()["error"]["code"] == -32000
    assert visit.call("eth_chainId") == "0x3e7"


HTTP, WS = ("http",), ("ws",)

SIGNATURES: dict[str, Signature] = {
    "kill": Signature(breaks),
    "flap": Signature(breaks, {"down_ms": 60_000}),
    "restart": Signature(breaks, {"down_ms": 60_000}),
    "reset": Signature(breaks, {"after_bytes": 30}, HTTP),
    "hang": Signature(is_silent, subscription=0.1),
    "rpc_latency": Signature(is_late, {"latency_ms": 350, "jitter_ms": 50}),
    "trickle": Signature(trickles, {"bytes_per_s": 100}, HTTP),
    "partition": Signature(is_silent, handshake=0.1),
    "http_5xx": Signature(has_status(502), {"status": 502}, HTTP),
    "http_429": Signature(has_status(429, retry_after="9"), {"retry_after_s": 9}, HTTP),
    "wrong_content_type": Signature(says_html_of_json, {}, HTTP),
    "html_200": Signature(is_a_page, {}, HTTP),
    "empty_body": Signature(is_empty),
    "truncated_json": Signature(is_cut),
    "garbage": Signature(is_noise),
    "rate_limit_in_body": Signature(has_error(-32005)),
    "rate_limit_in_batch": Signature(limits_some),
    "rpc_error": Signature(has_error(-32000), {"code": -32000}),
    "method_error": Signature(fails_for_some_methods, {"methods": ["eth_call"]}),
    "revert": Signature(reverts),
    "wrong_id": Signature(answers_another),
    "batch_partial": Signature(drops_some),
    "batch_reorder": Signature(shuffles),
    "stale_head": Signature(stands_still),
    "lag": Signature(is_behind, {"blocks": 50}),
    "head_regress": Signature(is_behind, {"blocks": 50}),
    "head_jump": Signature(is_ahead, {"blocks": 10_000}),
    "reorg": Signature(is_on_another_branch, {"depth": 5}),
    "missing_logs": Signature(has_no_logs),
    "null_near_tip": Signature(has_no_newest_blocks, {"blocks": 500}),
    "inconsistent_views": Signature(goes_backwards, {"blocks": 200}),
    "wrong_chain": Signature(is_another_chain),
    "ws_close": Signature(closes, {"connections": "all", "after_ms": 50}, WS),
    "ws_refuse": Signature(is_refused, {"connections": "all"}, WS),
    "ws_stall": Signature(is_stalled, {}, WS),
    "ws_half_open": Signature(is_half_open, {}, WS, subscription=0.1),
    "ws_duplicate": Signature(repeats, {}, WS),
    "ws_skip": Signature(has_gaps, {"every": 2}, WS),
    "ws_reorder": Signature(swaps, {}, WS),
    "sub_lost": Signature(refuses_subscriptions, {}, WS),
}
