"""A lab whose providers are relays before real nodes, in a process of its own, and its admin API.

Rule: what is asked of the admin API here is asked with plain HTTP, and whatever it refuses is raised. A
transaction is mined before `emit_log` returns, so a test knows which block it is looking for.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.real.anvil import Node
from tests.real.processes import stop

TOPIC = "0x" + "42".rjust(64, "0")
# PUSH1 0x42, PUSH1 0, PUSH1 0, LOG1, STOP: any call emits one log of TOPIC without data.
RUNTIME = "604260006000a100"
# PUSH8 RUNTIME, PUSH1 0, MSTORE, PUSH1 8, PUSH1 24, RETURN: the last 8 bytes of the word are the code.
INIT = f"0x67{RUNTIME}60005260086018f3"
MINED_WITHIN = 15.0


@dataclass(frozen=True, slots=True)
class Relayed:
    """One relay: its addresses, and the node behind it."""

    name: str
    url: str
    ws_url: str
    node: Node


@dataclass(frozen=True, slots=True)
class Relays:
    """The lab: its relays, and what can be done to them."""

    relays: tuple[Relayed, ...]
    admin: httpx.Client
    pid: int

    def add(self, relay: Relayed, kind: str, **attributes: object) -> httpx.Response:
        """Put a fault in force; the answer, of whatever status."""
        body = {"type": kind, "attributes": attributes}
        return self.admin.post(f"/proxies/{relay.name}/toxics", json=body)

    def heal(self, relay: Relayed, kind: str) -> None:
        """End the fault."""
        self.admin.delete(f"/proxies/{relay.name}/toxics/{kind}").raise_for_status()

    @contextmanager
    def faulty(self, relay: Relayed, kind: str, **attributes: object) -> Iterator[None]:
        """The fault for the length of the block."""
        added = self.add(relay, kind, **attributes)
        assert added.status_code == 200, added.text
        try:
            yield
        finally:
            self.heal(relay, kind)

    def counters(self, relay: Relayed) -> dict[str, Any]:
        """What the relay has seen."""
        found: dict[str, Any] = self.admin.get(f"/providers/{relay.name}").raise_for_status().json()
        return found


@contextmanager
def running_relays(nodes: Sequence[Node]) -> Iterator[Relays]:
    """A relay before each node, called `relay_0` and so on."""
    settings = {
        "providers": [
            {"id": f"relay_{index}", "upstream": f"{node.url} {node.ws_url}"}
            for index, node in enumerate(nodes)
        ]
    }
    command = [sys.executable, "-m", "battlectl.lab", "providers", "--settings", json.dumps(settings)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            relays = tuple(
                Relayed(known["id"], known["url"], known["ws_url"], node)
                for known, node in zip(ready["providers"], nodes, strict=True)
            )
            with httpx.Client(base_url=ready["admin_url"], trust_env=False, timeout=10) as admin:
                yield Relays(relays, admin, process.pid)
        finally:
            stop(process)


def ask(client: httpx.Client, url: str, method: str, *params: object) -> Any:
    """The result of one call, which must not be an error."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    return client.post(url, json=body).raise_for_status().json()["result"]


def deploy(client: httpx.Client, url: str) -> str:
    """The address of a contract that emits one log of TOPIC whenever it is called."""
    account = ask(client, url, "eth_accounts")[0]
    sent = ask(client, url, "eth_sendTransaction", {"from": account, "data": INIT})
    address: str = mined(client, url, sent)["contractAddress"]
    return address


def emit_log(client: httpx.Client, url: str, contract: str) -> dict[str, Any]:
    """The one log of a new transaction, as its receipt has it."""
    account = ask(client, url, "eth_accounts")[0]
    sent = ask(client, url, "eth_sendTransaction", {"from": account, "to": contract})
    (log,) = mined(client, url, sent)["logs"]
    assert log["topics"] == [TOPIC]
    found: dict[str, Any] = log
    return found


def mined(client: httpx.Client, url: str, transaction: str) -> dict[str, Any]:
    """The receipt, once there is one."""
    deadline = time.monotonic() + MINED_WITHIN
    while (receipt := ask(client, url, "eth_getTransactionReceipt", transaction)) is None:
        assert time.monotonic() < deadline, "the transaction is not mined"
        time.sleep(0.05)
    assert receipt["status"] == "0x1", receipt
    found: dict[str, Any] = receipt
    return found
