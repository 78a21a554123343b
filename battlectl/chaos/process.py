"""The driver `process`: signals to local processes, and a command that starts one again.

Rule: a process is known by its start time and its command line, both read before anything is done to it; one
that differs is never signalled. `kill` and `restart` end it, `hang` and `partition` stop it (its port stays
open, nothing answers). A provider is healed when a process of it runs that was not told to end.
"""

from __future__ import annotations

import os
import shlex
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import psutil
import trio

from battlectl.chaos.driver import Driver, DriverError, Impossible, InForce, Order, Undo
from battlectl.chaos.processes import (
    LOOK_EVERY,
    has_ended,
    identity_of,
    is_stopped,
    read_pid,
    running,
    same_process,
    send,
    spawn,
    wait_until,
    wrote_file,
)
from battlectl.observe.faults import Count
from battlectl.scenario.chaos_kinds import FAULTS
from battlectl.scenario.target_chaos import LocalProcess, ProcessChaos

ENDS = frozenset({"kill", "restart"})
STOPS = frozenset({"hang", "partition"})
HONOURED = {"restart": frozenset({"down_ms"})}
"""Parameters that are kept without anything done: the plan heals a restart at its end."""


@asynccontextmanager
async def open_process(config: ProcessChaos, holder: str) -> AsyncIterator[Driver]:
    """The driver; nothing is held."""
    yield ProcessDriver(config)


class ProcessDriver:
    """Mutable: it remembers what it has started, and what it has told to end: that may take its time."""

    name = "process"
    counts_probes = False

    def __init__(self, config: ProcessChaos) -> None:
        self._processes = config.processes
        self._started: dict[str, int] = {}
        self._ending: dict[str, psutil.Process] = {}

    def resource(self, order: Order) -> str:
        """A process can be stopped or dead, not both."""
        return f"process {order.provider}"

    async def check(self, orders: Sequence[Order]) -> None:
        """That these signals can do it, and that somebody starts again what is killed."""
        for order in orders:
            check_order(self._processes, order)
        for provider in dict.fromkeys(order.provider for order in orders):
            await self._must_run(provider)

    async def in_force(self) -> tuple[InForce, ...]:
        """What is stopped, and what does not run."""
        found = []
        for provider in self._processes:
            process = await self._find(provider)
            if process is None:
                found.append(
                    InForce(provider, "its process does not run", {"provider": provider, "does": "end"})
                )
            elif is_stopped(process):
                undo = {"provider": provider, "does": "stop", **identity_of(process)}
                found.append(InForce(provider, f"its process {process.pid} is stopped", undo))
        return tuple(found)

    async def prepare(self, order: Order) -> Undo:
        """Which process it is."""
        process = await self._must_run(order.provider)
        if is_stopped(process):
            raise DriverError(f"process {process.pid} of {order.provider} is stopped already")
        does = "end" if order.toxic in ENDS else "stop"
        return {"provider": order.provider, "does": does, **identity_of(process)}

    async def inject(self, order: Order, undo: Undo) -> str:
        """Send the signal, and see that it has done its work."""
        process = same_process(undo)
        if process is None:
            raise DriverError(f"process {undo['pid']} of {order.provider} is gone, or is another one now")
        wanted = signal.SIGSTOP
        if undo["does"] == "end":
            wanted = signal.Signals[f"SIG{self._entry(order.provider).signal}"]
        send(process, wanted)
        if undo["does"] == "end":
            self._ending[order.provider] = process
        await wait_until(partial(has_ended if undo["does"] == "end" else is_stopped, process))
        return f"{wanted.name} to process {process.pid}"

    async def heal(self, undo: Undo) -> str:
        """Let it go on, or see that it runs again."""
        provider = undo["provider"]
        if undo["does"] == "stop":
            process = same_process(undo)
            if process is None or not is_stopped(process):
                return "it is not stopped any more"
            send(process, signal.SIGCONT)
            return f"SIGCONT to process {process.pid}"
        if (ending := self._find_ending(provider)) is not None:
            raise DriverError(f"process {ending.pid} was told to end, and has not yet")
        if (process := await self._find(provider)) is not None:
            return f"process {process.pid} runs"
        await self._start(provider)
        while (process := await self._find(provider)) is None:
            self._reap(provider)
            await trio.sleep(LOOK_EVERY)
        return f"process {process.pid} runs"

    async def is_healed(self, undo: Undo) -> bool:
        """Whether a process of the provider runs, and is not stopped."""
        if undo["does"] == "stop":
            process = same_process(undo)
            if process is not None:
                return not is_stopped(process)
        elif self._find_ending(undo["provider"]) is not None:
            return False
        found = await self._find(undo["provider"])
        return found is not None and not is_stopped(found)

    async def count(self) -> tuple[Count, ...]:
        """Nothing counts."""
        return ()

    async def renew(self) -> str | None:
        """There is no lease."""
        return None

    def by_hand(self, undo: Undo) -> str:
        """The signal; what starts it is in the config file, and may hold a secret."""
        if undo["does"] == "stop":
            return f"kill -CONT {undo['pid']}"
        entry = self._entry(undo["provider"])
        if entry.restart is None:
            return f"start {undo['provider']} again: its supervisor did not"
        return f"run the restart command of {undo['provider']} ({shlex.quote(entry.restart[0])} ...)"

    def _entry(self, provider: str) -> LocalProcess:
        return _entry(self._processes, provider)

    async def _must_run(self, provider: str) -> psutil.Process:
        process = await self._find(provider)
        if process is None:
            raise DriverError(f"the process of {provider} does not run")
        return process

    async def _find(self, provider: str) -> psutil.Process | None:
        """The process that runs for it now; None when there is none."""
        entry = self._entry(provider)
        process = running(await read_pid(provider, entry))
        if process is None or entry.pid_file is None:
            return process
        return process if wrote_file(process, Path(entry.pid_file)) else None

    def _find_ending(self, provider: str) -> psutil.Process | None:
        """The process that was told to end and still runs: whatever it answers, it will be gone."""
        process = self._ending.get(provider)
        return None if process is None or has_ended(process) else process

    async def _start(self, provider: str) -> None:
        """Run the restart command, unless one that was run before is still under way."""
        command = self._entry(provider).restart
        if command is None:
            return  # Its supervisor does; heal waits for that as long as it may.
        self._reap(provider)
        if provider not in self._started:
            self._started[provider] = spawn(provider, command)

    def _reap(self, provider: str) -> None:
        """DriverError when the restart command has failed; forget it when it has ended."""
        pid = self._started.get(provider)
        if pid is None:
            return
        try:
            ended, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            ended, status = pid, 0
        if ended:
            del self._started[provider]
            if code := os.waitstatus_to_exitcode(status):
                raise DriverError(f"the restart command of {provider} ended with {code}")


def check_order(processes: Mapping[str, LocalProcess], order: Order) -> None:
    """Impossible for what signals can never do there; asks nobody."""
    entry = _entry(processes, order.provider)
    _check_kind(order)
    if order.toxic in ENDS and not (entry.restart or entry.expect_restart):
        raise Impossible(
            f"{order.kind} at {order.provider}: nobody would start it again; add "
            "`restart: [COMMAND]`, or `expect_restart: 10s` where a supervisor does"
        )


def _entry(processes: Mapping[str, LocalProcess], provider: str) -> LocalProcess:
    if provider not in processes:
        raise Impossible(
            f"no process of {provider} is known: add `processes: {{{provider}: {{pid_file: FILE}}}}`"
        )
    return processes[provider]


def _check_kind(order: Order) -> None:
    if order.toxic not in ENDS | STOPS:
        known = ", ".join(sorted(ENDS | STOPS))
        raise Impossible(f"{order.kind} at {order.provider}: a signal cannot do that, only {known}")
    defaults = FAULTS[order.kind].defaults()
    for name, value in order.attributes.items():
        kept = name == "seed" or name in HONOURED.get(order.toxic, frozenset())
        if not kept and value != defaults.get(name):
            raise Impossible(f"{order.kind} at {order.provider}: a signal cannot do {name}={value!r}")
