"""A provider that only writes down what a fault does to it, and messages as the pipeline would make them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from battlectl.lab.faults.effect import Message
from battlectl.lab.faults.kind import read_parameters
from battlectl.lab.faults.scope import Fault, make_fault
from battlectl.lab.faults.table import KINDS
from battlectl.lab.rpc.envelope import Call


@dataclass(eq=False)
class ScriptedPlace:
    """Connections 1 to `open_connections` are open, all of them WebSockets too."""

    is_simulated: bool = True
    head_number: int = 100
    open_connections: int = 3
    tasks: list[Any] = field(default_factory=list)
    reset: list[int] = field(default_factory=list)
    closed: list[tuple[int | None, int]] = field(default_factory=list)
    notified: list[tuple[int, str, Any]] = field(default_factory=list)
    restarts: int = 0
    refreshed: int = 0

    async def head(self) -> int:
        return self.head_number

    async def fork_start(self, depth: int, salt: int) -> int:
        return max(1, self.head_number - depth + 1)

    def refresh(self) -> None:
        self.refreshed += 1

    def reset_connections(self, which) -> int:
        struck = [number for number in range(1, self.open_connections + 1) if which(number)]
        self.reset += struck
        return len(struck)

    def close_websockets(self, code, which) -> int:
        struck = [number for number in range(1, self.open_connections + 1) if which(number)]
        self.closed += [(code, number) for number in struck]
        return len(struck)

    def notify(self, connection: int, subscription: str, event: Any) -> None:
        self.notified.append((connection, subscription, event))

    def restart(self) -> None:
        self.restarts += 1

    def start_soon(self, task) -> None:
        self.tasks.append(task)


def fault_of(kind: str, born_after: int = 3, **attributes: Any) -> Fault:
    """A fault with these attributes, made as the admin API makes it."""
    return make_fault(kind, KINDS[kind], read_parameters(KINDS[kind], attributes), born_after)


def call(method: str = "eth_blockNumber", *params: Any, id_: Any = 1) -> Call:
    """One request of a client."""
    return Call(id_, True, method, list(params))


def message(*calls: Call, transport: str = "http", connection: int = 1, is_batch: bool = False) -> Message:
    """What holds these calls: a batch when there are several."""
    return Message(transport, connection, calls, is_batch or len(calls) > 1)


def batch(count: int, method: str = "eth_blockNumber") -> Message:
    """Calls with the ids 1 to `count`."""
    return message(*(call(method, id_=number) for number in range(1, count + 1)), is_batch=True)


def results(count: int) -> list[dict[str, Any]]:
    """The replies to `batch(count)`."""
    return [{"jsonrpc": "2.0", "id": number, "result": hex(number)} for number in range(1, count + 1)]
