"""The gateway's promise, fault by fault: one provider of three does what it may, and no client sees it."""

import itertools
import json

import httpx
import pytest
import trio

from battlectl.lab.control import running_lab
from battlectl.lab.faults.catalogue import catalogue_rows
from battlectl.lab.spec import LabSpec

pytestmark = pytest.mark.real

FAULT_SECONDS = 0.7
CLIENTS = 4
GIVEN = {
    "method_error": {"methods": ["eth_gasPrice"]},
    "latency": {"latency": 100},
    "bandwidth": {"rate": 1},
    "timeout": {"timeout": 100},
    "slow_close": {"delay": 100},
    "slicer": {"average_size": 20, "size_variation": 5, "delay": 1_000},
    "limit_data": {"bytes": 500},
}
"""Where a fault says nothing by default; all others are as they come."""
KINDS = sorted({row.name for row in catalogue_rows() if "node" in row.where})


def calls(number, head):
    """One of each kind in turn, with an id of its own; `head` is what this client has seen."""
    asked = [
        ("eth_blockNumber",),
        ("eth_getBlockByNumber", "latest", False),
        ("eth_gasPrice",),
        ("eth_getBlockByNumber", hex(head), False),
        ("eth_getLogs", {"fromBlock": hex(head), "toBlock": hex(head)}),
    ]
    method, *params = asked[number % len(asked)]
    one = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    return [one, {**one, "id": f"{number}"}] if number % 7 == 0 else one


def head_in(asked, reply):
    """The head that a reply shows; None when it is about something else."""
    if asked["method"] == "eth_blockNumber":
        return int(reply["result"], 16)
    if asked["params"][:1] == ["latest"]:
        return int(reply["result"]["number"], 16)
    return None


def complaints(asked, text, head):
    """(what a strict client would complain of, the newest head it has seen now)."""
    replies = json.loads(text)
    if isinstance(asked, list) is not isinstance(replies, list):
        return [text], head
    pairs = list(zip(asked, replies, strict=False)) if isinstance(asked, list) else [(asked, replies)]
    if isinstance(asked, list):
        by_id = {json.dumps(reply["id"]): reply for reply in replies}
        pairs = [(call, by_id.get(json.dumps(call["id"]), {})) for call in asked]
    found = []
    for call, reply in pairs:
        if reply.get("id") != call["id"] or reply.get("result") is None:
            found.append(f"{call['method']}: {json.dumps(reply)[:300]}")
            continue
        shown = head_in(call, reply)
        if shown is not None and shown < head:
            found.append(f"{call['method']}: {head}, then {shown}")
        head = max(head, shown or 0)
    return found, head


async def test_whatever_one_provider_does_no_client_sees_it():
    """No error, no null, no head that goes back, for any kind in the catalogue; and it was in force."""
    now, seen, in_force, over = "none", {}, [], trio.Event()

    async def client(http, url):
        head = 0
        for number in itertools.count(1):
            if over.is_set():
                return
            kind, asked = now, calls(number, head) if head else calls(5, 0)
            reply = await http.post(url, json=asked)
            found, head = complaints(asked, reply.text, head)
            if found:
                seen.setdefault(kind, []).extend(found)
            await trio.sleep(0.02)

    async def break_it(http, lab):
        nonlocal now
        await trio.sleep(2.5)  # the gateway learns the chain's pace
        toxics = f"{lab.admin_url}/proxies/{lab.providers[0].id}/toxics"
        for now in KINDS:
            put = await http.post(toxics, json={"type": now, "name": now, "attributes": GIVEN.get(now, {})})
            assert put.status_code == 200, put.text
            await trio.sleep(FAULT_SECONDS)
            in_force.extend(toxic["name"] for toxic in (await http.get(toxics)).json())
            assert (await http.delete(f"{toxics}/{now}")).status_code == 204

    async with (
        running_lab(LabSpec(block_time=0.5)) as lab,
        httpx.AsyncClient(trust_env=False, timeout=30) as http,
    ):
        async with trio.open_nursery() as nursery:
            for _ in range(CLIENTS):
                nursery.start_soon(client, http, lab.url)
            await break_it(http, lab)
            over.set()
        truth = (await http.get(f"{lab.url}/lab/truth")).json()
    assert seen == {}
    assert in_force == KINDS
    assert truth["totals"]["failover"] > 5, "the faults were met, and made good"
    assert "rejected" not in truth["totals"]
