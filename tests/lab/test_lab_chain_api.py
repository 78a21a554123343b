"""A reorg of the whole lab, asked for over the admin API and seen by clients that are not ours."""

from __future__ import annotations

from contextlib import closing

import pytest
import trio

from battlectl.lab.admin.app import admin_handler
from battlectl.lab.net.wire import Request
from battlectl.lab.proxies.table import ProxyTable
from tests.lab.faults.field import NAMES, Field, running_field
from tests.lab.faults.signatures import number
from tests.lab.faults.visits import HttpVisit, WsVisit

A, B = NAMES


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    with running_field(tmp_path_factory.mktemp("field") / "stderr") as running:
        yield running


def block(visit: HttpVisit, at: int) -> dict:
    found: dict = visit.call("eth_getBlockByNumber", hex(at), False)
    return found


def asked(field: Field, method: str, *params: object) -> dict:
    message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
    answer = field.admin.post("/chain/rpc", json=message)
    assert answer.status_code == 200
    found: dict = answer.json()
    return found


@pytest.mark.real
def test_the_chain_itself_can_be_asked_past_every_fault(field: Field):
    with closing(HttpVisit(field.urls[A])) as a:
        head = number(a.call("eth_blockNumber"))
        assert asked(field, "eth_getBlockByNumber", hex(head), False)["result"] == block(a, head)
        toxics = "/proxies/" + A + "/toxics"
        assert (
            field.admin.post(
                toxics, json={"type": "lag", "name": "behind", "attributes": {"blocks": 5}}
            ).status_code
            == 200
        )
        try:
            behind = number(a.call("eth_blockNumber"))
            assert number(asked(field, "eth_blockNumber")["result"]) >= behind + 5
        finally:
            assert field.admin.delete(f"{toxics}/behind").status_code == 204
    assert asked(field, "eth_nothing")["error"]["code"] == -32601


@pytest.mark.real
def test_all_nodes_are_on_the_new_branch_and_subscribers_are_told(field: Field):
    with (
        closing(HttpVisit(field.urls[A])) as a,
        closing(HttpVisit(field.urls[B])) as b,
        closing(WsVisit(field.urls[A])) as ws,
    ):
        ws.begin()
        ws.heads(2)
        head = number(a.call("eth_blockNumber"))
        before = {n: block(a, n)["hash"] for n in range(head - 50, head + 1)}
        said = field.admin.post("/chain/reorg", json={"depth": 20})
        assert said.status_code == 200
        start = said.json()["start"]
        assert said.json() == {"start": start, "head": start + 19, "depth": 20}
        assert start > head - 20
        after = {n: block(a, n) for n in range(head - 50, max(head, start) + 1)}
        assert {n for n in before if before[n] != after[n]["hash"]} == {n for n in before if n >= start}
        assert list(after.values()) == [block(b, n) for n in after]
        assert after[max(start, head - 49)]["parentHash"] == after[max(start, head - 49) - 1]["hash"]
        assert a.call("eth_getBlockByHash", before[head], False) == (None if start <= head else after[head])
        told = []
        while not told or number(told[-1]["number"]) < start + 25:
            told += ws.heads(1)
        new = [one for one in told if one["hash"] == block(b, number(one["number"]))["hash"]]
        assert {number(one["number"]) for one in new} >= set(range(start, start + 26))


@pytest.mark.real
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "EOF"),
        ("{}", "missing required field: depth"),
        ('{"depth": 0}', "depth is 0 and not 1 to 10000"),
        ('{"depth": 10001}', "not 1 to 10000"),
        ('{"depth": "3"}', "depth is a string"),
        ('{"depth": 1.5}', "depth is the number 1.5"),
        ("[3]", "a reorg is an array"),
    ],
)
def test_a_depth_that_cannot_be_is_refused_and_nothing_happens(field: Field, body, words):
    with closing(HttpVisit(field.urls[A])) as a:
        head = number(a.call("eth_blockNumber"))
        before = block(a, head)
        said = field.admin.post("/chain/reorg", content=body)
        assert said.status_code == 400
        assert words in said.json()["error"]
        assert block(a, head) == before


@pytest.mark.real
def test_genesis_stays_however_deep_it_goes(field: Field):
    with closing(HttpVisit(field.urls[A])) as a:
        genesis, first = block(a, 0), block(a, 1)
        said = field.admin.post("/chain/reorg", json={"depth": 10_000}).json()
        assert said == {"start": 1, "head": said["depth"], "depth": said["head"]}
        assert block(a, 0) == genesis
        assert block(a, 1)["hash"] != first["hash"]
        assert block(a, 1)["parentHash"] == genesis["hash"]


@pytest.mark.real
def test_other_methods_are_not_allowed(field: Field):
    assert field.admin.get("/chain/reorg").status_code == 405


async def test_a_lab_without_simulated_nodes_says_so():
    async with trio.open_nursery() as nursery:
        handle = admin_handler(ProxyTable(nursery), nursery)
        response = await handle(Request("POST", "/chain/reorg", [], b'{"depth":1}'))
        nursery.cancel_scope.cancel()
    assert (response.status, b"no simulated chain" in response.body) == (400, True)
