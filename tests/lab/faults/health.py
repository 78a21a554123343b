"""What a provider without faults is to clients that are not ours: AssertionError where it is not."""

from __future__ import annotations

import time

from tests.lab.faults.signatures import BATCH, CALL, number
from tests.lab.faults.visits import PATIENCE, HttpVisit, Visit, WsVisit, request

PROMPT = 0.25  # seconds: less than the delays that are put in force


def check_health(visit: Visit, other: HttpVisit) -> None:
    """The visit is to the provider in question, `other` to one that is known to be well."""
    check_answers(visit)
    check_chain(visit, other)
    check_promptness(visit)
    if isinstance(visit, WsVisit):
        check_subscription(visit)


def check_answers(visit: Visit) -> None:
    """Status, content type, ids, batches, and no errors."""
    answer = visit.exchange(request("eth_chainId", id_="mine"))
    assert answer.json == {"jsonrpc": "2.0", "id": "mine", "result": "0x3e7"}
    if answer.headers is not None:
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    replies = visit.exchange(BATCH).json
    assert [(reply["id"], number(reply["result"]["number"])) for reply in replies] == [
        (place, place) for place in range(8)
    ]
    assert len(visit.call(*CALL)) == 66


def check_chain(visit: Visit, other: HttpVisit) -> None:
    """It has what the other one has: the newest block, its logs, the genesis block."""
    head = other.call("eth_blockNumber")
    batch = [
        request("eth_getBlockByNumber", "0x0", False, id_=0),
        request("eth_getBlockByNumber", head, False, id_=1),
        request("eth_getLogs", {"fromBlock": head, "toBlock": head}, id_=2),
    ]
    replies = visit.exchange(batch).json
    assert replies == other.exchange(batch).json
    assert [replies[0]["result"]["number"], replies[1]["result"]["number"]] == ["0x0", head]
    assert len(replies[2]["result"]) == 4
    assert number(head) <= number(visit.call("eth_blockNumber")) <= number(head) + 1_000


def check_promptness(visit: Visit) -> None:
    """That it can be prompt, not that it always is: the machine may be busy."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        answer = visit.exchange(request("eth_chainId"))
        if answer.seconds < PROMPT:
            return
    raise AssertionError("always late")


def check_subscription(visit: WsVisit) -> None:
    """Pings are answered; heads come, each once and in order."""
    assert visit.pongs()
    assert visit.call("eth_chainId") == "0x3e7"
    visit.forget_heads()
    heads = visit.heads(3)
    first = number(heads[0]["number"])
    assert [number(head["number"]) for head in heads] == [first, first + 1, first + 2]
    assert [head["parentHash"] for head in heads[1:]] == [head["hash"] for head in heads[:-1]]
