"""A proxy's port is closed just when a connection has come."""

from __future__ import annotations

import socket
import time
from functools import partial
from random import Random

import httpx
import pytest
import trio
import trio.testing

from battlectl.lab.chain.chain import Chain, genesis_before
from battlectl.lab.host import provider_for
from battlectl.lab.provider.shared_chain import SharedChain
from battlectl.lab.proxies.table import ProxyTable

TIMES = 60
CALL = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}


@pytest.mark.parametrize("ending", ["disabled", "killed"])
async def test_it_ends_nothing_but_the_port(ending):
    """One time in two the port is closed before the task that was woken to accept runs: the lab ended."""
    shared = SharedChain(Chain(1, genesis_before(time.time(), 1.0), 1.0))
    async with trio.open_nursery() as nursery:
        table = ProxyTable(nursery, partial(provider_for, shared, 0.0, nursery), False, Random(1))
        await table.put("a", "127.0.0.1:0", "lab:a")
        proxy = table.proxies["a"]
        for _ in range(TIMES):
            await trio.testing.wait_all_tasks_blocked()
            assert proxy.address is not None
            with socket.create_connection((proxy.address.host, proxy.address.port), timeout=10):
                await trio.lowlevel.checkpoint()
                if ending == "disabled":
                    proxy.stop()
                    proxy.start()
                else:
                    proxy._accepting.cancel()
                    proxy._port.shut()
                    await trio.lowlevel.checkpoint()
                    proxy.refresh()
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            answer = await client.post(f"http://{proxy.address}", json=CALL)
        assert answer.json()["result"].startswith("0x")
        await table.aclose()
        nursery.cancel_scope.cancel()
