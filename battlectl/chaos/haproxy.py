"""The driver `haproxy`: takes a server out by HAProxy's runtime socket, and puts it back.

Rule: `kill` is maintenance: HAProxy sends nothing to that server any more, while the provider itself lives.
So no probe of the provider shows it; what shows it are HAProxy's own counters, which `count` reads. A server
that was not ready before is left alone.
"""

from __future__ import annotations

import csv
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

import trio

from battlectl.chaos.driver import Driver, DriverError, Impossible, InForce, Order, Undo
from battlectl.observe.faults import Count
from battlectl.scenario.chaos_kinds import FAULTS
from battlectl.scenario.target_chaos import HaproxyChaos

ANSWER_WITHIN = 3.0
MOST_ANSWER = 2**22
FORCED_MAINTENANCE = 0x01
"""The bit of `srv_admin_state` that `set server ... state maint` sets."""
_WORD = re.compile(r"[A-Za-z0-9_.:-]+")


@asynccontextmanager
async def open_haproxy(config: HaproxyChaos, holder: str) -> AsyncIterator[Driver]:
    """The driver; each command has a connection of its own, as HAProxy has it."""
    yield Haproxy(config)


class Haproxy:
    """A client of the runtime socket; it holds nothing."""

    name = "haproxy"
    counts_probes = False

    def __init__(self, config: HaproxyChaos) -> None:
        self._config = config
        self._providers = {server: provider for provider, server in config.servers.items()}

    def resource(self, order: Order) -> str:
        """A server is in maintenance or not."""
        return f"server {order.provider}"

    async def check(self, orders: Sequence[Order]) -> None:
        """That it is `kill`, and that the servers are there."""
        states = await self._states()
        for order in orders:
            check_order(order)
            if (server := self._server(order.provider)) not in states:
                raise Impossible(
                    f"{order.kind} at {order.provider}: backend {self._config.backend} has no server "
                    f'"{server}" (it has: {", ".join(states)})'
                )

    async def in_force(self) -> tuple[InForce, ...]:
        """Every server of the backend that is in maintenance by command."""
        return tuple(
            InForce(
                self._providers.get(server, server),
                f"its server {server} is in maintenance",
                self._undo(server),
            )
            for server, state in (await self._states()).items()
            if state & FORCED_MAINTENANCE
        )

    async def prepare(self, order: Order) -> Undo:
        """That it was ready."""
        server = self._server(order.provider)
        state = (await self._states()).get(server)
        if state != 0:
            raise DriverError(f"server {server} is not ready (admin state {state}) before anything was done")
        return self._undo(server)

    async def inject(self, order: Order, undo: Undo) -> str:
        """`state maint`."""
        return await self._set(undo["server"], "maint")

    async def heal(self, undo: Undo) -> str:
        """`state ready`."""
        return await self._set(undo["server"], "ready")

    async def is_healed(self, undo: Undo) -> bool:
        """No maintenance by command."""
        state = (await self._states()).get(undo["server"])
        if state is None:
            raise DriverError(f"HAProxy has no server {undo['server']} any more")
        return not state & FORCED_MAINTENANCE

    async def count(self) -> tuple[Count, ...]:
        """HTTP requests that HAProxy has sent to each server: a batch is one of them."""
        process = re.search(r"^Pid: (\d+)", await self._say("show info"), re.MULTILINE)
        if process is None:
            raise DriverError("`show info` names no Pid")
        rows = list(_rows((await self._say("show stat")).lstrip("# "), ","))
        return tuple(
            Count(
                t=0.0,
                provider=self._providers.get(row["svname"], row["svname"]),
                generation=int(process[1]),
                connections=int(row.get("connect") or 0),
                calls=int(row["stot"] or 0),
                probes=0,
            )
            for row in rows
            if row["pxname"] == self._config.backend and row["svname"] not in ("FRONTEND", "BACKEND")
        )

    async def renew(self) -> str | None:
        """There is no lease."""
        return None

    def by_hand(self, undo: Undo) -> str:
        """With socat."""
        command = _command(self._config.backend, undo["server"], "ready")
        return f"echo '{command}' | socat - {self._config.socket}"

    def _undo(self, server: str) -> Undo:
        return {"server": server, "state": "ready"}

    def _server(self, provider: str) -> str:
        return self._config.servers.get(provider, provider)

    async def _set(self, server: str, state: str) -> str:
        answer = (await self._say(_command(self._config.backend, server, state))).strip()
        if answer:
            raise DriverError(f"HAProxy answered: {answer[:160]}")
        return f"server {server} is {state}"

    async def _states(self) -> dict[str, int]:
        """The admin state of each server."""
        answer = await self._say(f"show servers state {self._config.backend}")
        _, _, table = answer.partition("\n")
        rows = list(_rows(table.lstrip("# "), " "))
        try:
            states = {row["srv_name"]: int(row["srv_admin_state"]) for row in rows}
        except (KeyError, ValueError):
            raise DriverError(f"HAProxy answered: {answer.strip()[:160]}") from None
        if not states:
            raise DriverError(f"HAProxy has no backend {self._config.backend}: {answer.strip()[:160]}")
        return states

    async def _say(self, command: str) -> str:
        """One command, and the whole answer."""
        where = self._config.socket
        try:
            with trio.fail_after(ANSWER_WITHIN):
                async with await trio.open_unix_socket(where) as stream:
                    await stream.send_all(command.encode() + b"\n")
                    return await _read_all(stream)
        except trio.TooSlowError:
            reason = f"no answer within {ANSWER_WITHIN:g}s"
        except (OSError, trio.BrokenResourceError) as error:
            reason = str(error)
        raise DriverError(f"HAProxy's socket {where}: {reason}")


async def _read_all(stream: trio.SocketStream) -> str:
    parts, size = [], 0
    async for part in stream:
        parts.append(bytes(part))
        size += len(part)
        if size > MOST_ANSWER:
            raise DriverError(f"HAProxy's answer is longer than {MOST_ANSWER} bytes")
    return b"".join(parts).decode("utf-8", "replace")


def _rows(table: str, separator: str) -> Iterator[dict[str, str]]:
    """The lines of a table under its header."""
    lines = [line for line in table.splitlines() if line.strip()]
    yield from csv.DictReader(lines, delimiter=separator)


def _command(backend: str, server: str, state: str) -> str:
    for name in (backend, server):
        if not _WORD.fullmatch(name):
            raise DriverError(f"{name!r} cannot be the name of a backend or a server")
    return f"set server {backend}/{server} state {state}"


def check_order(order: Order) -> None:
    """Impossible for what HAProxy can never do; asks nobody."""
    if order.toxic != "kill":
        raise Impossible(
            f"{order.kind} at {order.provider}: HAProxy can take a server out (kill), nothing else"
        )
    defaults = FAULTS[order.kind].defaults()
    for name, value in order.attributes.items():
        if name != "seed" and value != defaults.get(name):
            raise Impossible(f"{order.kind} at {order.provider}: HAProxy cannot do {name}={value!r}")
