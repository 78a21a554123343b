"""Each fault that concerns heads and logs, at the very provider whose stream the lab's gateway follows.

The lab is the real one: its processes, its admin API, its gateway's own truth.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import trio

from battlectl.lab.control import Lab, running_lab
from battlectl.lab.spec import LabSpec
from tests.lab.gateway_ws.upstreams import Subscriber, clients, until

pytestmark = pytest.mark.real

BLOCK_TIME = 0.1
UNHARMED: dict[str, dict[str, Any]] = {
    "hang": {},
    "truncated_json": {},
    "missing_logs": {},
    "null_near_tip": {"blocks": 500},
    "ws_refuse": {"connections": "all"},
    "ws_duplicate": {},
    "ws_skip": {"every": 2},
    "ws_reorder": {},
    "sub_lost": {},
}
"""The stream goes on and is mended; nobody need be replaced at once."""
REPLACED: dict[str, dict[str, Any]] = {
    "kill": {},
    "partition": {},
    "stale_head": {},
    "lag": {"blocks": 50},
    "head_regress": {"blocks": 50},
    "head_jump": {"blocks": 10_000},
    "reorg": {"depth": 5},
    "wrong_chain": {},
    "ws_close": {"connections": "all", "after_ms": 50},
    "ws_stall": {},
    "ws_half_open": {},
}


class Watch:
    """One subscriber of heads and one of logs, through everything that is done to the lab."""

    def __init__(self, lab: Lab, client: Subscriber, http: httpx.AsyncClient) -> None:
        self.lab, self.client, self.http = lab, client, http
        self.heads: list[dict[str, Any]] = []
        self.logs: list[dict[str, Any]] = []

    async def truth(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.http.get(f"{self.lab.url}/lab/truth")).json()["events"]
        return found

    async def followed(self) -> str:
        """Whose stream it is now: the last that was subscribed at, when nobody has been left since."""
        for _ in range(500):
            events = (await self.truth()).get("stream", [])
            last = [event for event in events if event["what"] in ("subscribed", "left")][-1:]
            if last and last[0]["what"] == "subscribed":
                return str(last[0]["provider"])
            await trio.sleep(0.02)
        raise AssertionError("nobody is followed")

    async def endure(self, kind: str, attributes: dict[str, Any], is_replaced: bool) -> None:
        """In force until six more blocks have come, and until the provider is replaced if it should be."""
        name = await self.followed()
        before = len((await self.truth()).get("replacement", []))
        seen = len(self.heads)
        document = {"type": kind, "attributes": attributes}
        url = f"{self.lab.admin_url}/proxies/{name}/toxics"
        (await self.http.post(url, json=document)).raise_for_status()
        await until(lambda: len(self.heads) >= seen + 6)
        if is_replaced:
            await self.replaced(name, before)
        (await self.http.delete(f"{url}/{kind}")).raise_for_status()

    async def replaced(self, name: str, before: int) -> None:
        for _ in range(500):
            if name in [event["from"] for event in (await self.truth()).get("replacement", [])[before:]]:
                return
            await trio.sleep(0.02)
        raise AssertionError(f"{name} was not replaced")

    async def assert_complete(self) -> None:
        """Against what a provider without faults says of the chain now."""
        first, last = (int(self.heads[i]["number"], 16) for i in (0, -1))
        await until(lambda: self.logs and int(self.logs[-1]["blockNumber"], 16) > last)
        assert [int(head["number"], 16) for head in self.heads][: last - first + 1] == list(
            range(first, last + 1)
        )
        url = self.lab.providers[0].url
        calls = [
            {"jsonrpc": "2.0", "id": n, "method": "eth_getBlockByNumber", "params": [hex(n), False]}
            for n in range(first, last + 1)
        ]
        replies = (await self.http.post(url, json=calls)).json()
        truth = {reply["id"]: reply["result"]["hash"] for reply in replies}
        assert [head["hash"] for head in self.heads[: len(truth)]] == list(truth.values())
        query = {"fromBlock": self.logs[0]["blockNumber"], "toBlock": hex(last)}
        ask = {"jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": [query]}
        logs = (await self.http.post(url, json=ask)).json()["result"]
        assert len(logs) >= 4 * (last - first - 1)
        assert self.logs[: len(logs)] == logs
        assert self.client.closed is None


@pytest.mark.parametrize(("kinds", "is_replaced"), [(UNHARMED, False), (REPLACED, True)])
async def test_subscribers_notice_nothing(kinds, is_replaced):
    spec = LabSpec(block_time=BLOCK_TIME)
    async with running_lab(spec) as lab, clients() as those, httpx.AsyncClient(timeout=30) as http:
        assert lab.ws_url is not None
        watch = Watch(lab, await those.open(lab.ws_url), http)
        watch.heads = await those.do(watch.client.subscribe("newHeads"))
        watch.logs = await those.do(watch.client.subscribe("logs", {}))
        for kind, attributes in kinds.items():
            await watch.endure(kind, attributes, is_replaced)
        await watch.assert_complete()
