"""The scripted twin: a client whose answers and delays are written beforehand, for tests in virtual time.

client = ScriptedClient(lambda exchange, number: (0.010, reply_ok(exchange)))
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec
import trio

from battlectl.observe import outcome
from battlectl.observe.served import Served
from battlectl.transport.base import Exchange, NoReply, Reply

Script: TypeAlias = Callable[[Exchange, int], tuple[float, Reply | NoReply]]
"""(exchange, its number from 0) -> (seconds until it ends, how); `math.inf` never answers."""


class ScriptedClient:
    """Plays a script and keeps what was submitted; `attributed` replies may carry who served them."""

    def __init__(self, script: Script, attributed: bool = False) -> None:
        self._script = script
        self._nursery: trio.Nursery | None = None
        self._unfinished: dict[Exchange, None] = {}
        self.submitted: list[tuple[float, str, bytes]] = []
        self.opened = 0
        self.attributed = attributed

    async def serve(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Be in service until cancelled."""
        async with trio.open_nursery() as self._nursery:
            task_status.started()
            await trio.sleep_forever()

    def submit(self, exchange: Exchange) -> None:
        """Begin to play the script's next answer."""
        assert self._nursery is not None, "the client is not in service"
        number = len(self.submitted)
        self.submitted.append((trio.current_time(), exchange.request_id, exchange.body))
        exchange.sent = trio.current_time()
        self._unfinished[exchange] = None
        self._nursery.start_soon(self._play, exchange, *self._script(exchange, number))

    def settle(self) -> None:
        """Nothing waits here."""

    def abandon(self) -> None:
        """End every unfinished exchange."""
        for exchange in list(self._unfinished):
            self._end(exchange, NoReply(outcome.ABANDONED, "the run was stopped"))

    async def _play(self, exchange: Exchange, delay: float, answer: Reply | NoReply) -> None:
        due = trio.current_time() + delay
        if due > exchange.deadline:
            due, answer = exchange.deadline, NoReply(outcome.TIMEOUT, "sent, no whole answer")
        await trio.sleep_until(due)
        self._end(exchange, answer)

    def _end(self, exchange: Exchange, answer: Reply | NoReply) -> None:
        if exchange in self._unfinished:
            del self._unfinished[exchange]
            exchange.end(answer, trio.current_time())


def reply_ok(exchange: Exchange, result: object = "0x1") -> Reply:
    """A right answer to a single call or a batch."""
    sent = msgspec.json.decode(exchange.body)
    calls = sent if isinstance(sent, list) else [sent]
    answers = [{"jsonrpc": "2.0", "id": call["id"], "result": result} for call in calls]
    return reply_json(answers if isinstance(sent, list) else answers[0])


def served_by(provider: str, attempts: int | None, reply: Reply) -> Reply:
    """The same reply, from a target that says who served it."""
    return reply._replace(served=Served(provider, attempts))


def reply_json(message: object, status: int = 200) -> Reply:
    """Any JSON with any status."""
    return Reply(status, ((b"Content-Type", b"application/json"),), msgspec.json.encode(message))
