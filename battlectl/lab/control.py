"""Starting and ending a lab: its nodes, then the gateway in front of them.

Rule: who starts a process ends it, on every way out, within END_SECONDS, first politely. The children
run in a session of their own, out of reach of the terminal's Ctrl-C, and end by themselves when
their stdin closes, so that not even a SIGKILLed parent leaves any behind.
"""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import IO, Any, NoReturn

import trio

from battlectl.lab.chain.chain import genesis_before

READY_SECONDS = 20.0
END_SECONDS = 5.0
POLITE_SECONDS = 3.0
MOST_PROVIDERS = 26
STDERR_TAIL = 2_000


class LabError(Exception):
    """The lab cannot be what was asked for; the message says what to try."""


@dataclass(frozen=True, slots=True)
class LabSpec:
    """A lab to start. Times are in seconds, `latency` is added to every answer, `port` is the gateway's."""

    providers: int = 3
    block_time: float = 1.0
    latency: float = 0.0
    seed: int = 1
    port: int = 0
    attempt_timeout: float = 2.0


@dataclass(frozen=True, slots=True)
class LabProvider:
    """One simulated node; `url` is its own, past the gateway, and `pid` may be killed to see a failover."""

    id: str
    url: str
    pid: int


@dataclass(frozen=True, slots=True)
class Lab:
    """A running lab; `url` is the gateway's, for POST /."""

    url: str
    providers: tuple[LabProvider, ...]
    gateway_pid: int


@dataclass(frozen=True, slots=True)
class Child:
    """A started process and the file that its stderr goes to, so that no pipe can fill up."""

    name: str
    process: trio.Process
    stderr: IO[bytes]


@asynccontextmanager
async def running_lab(spec: LabSpec) -> AsyncIterator[Lab]:
    """A lab that answers, for the length of the block; LabError when it does not come up.

    A process that ends during the block is not noticed here: a battle may be what killed it.
    """
    async with _started(spec) as (lab, _):
        yield lab


async def hold_lab(spec: LabSpec, tell: Callable[[Lab], None]) -> NoReturn:
    """A lab until cancelled, told of once it answers; LabError when it does not, or its gateway ends.

    A node that ends is no reason to stop: to kill one is what the lab is for.
    """
    async with _started(spec) as (lab, gateway):
        tell(lab)
        await gateway.process.wait()
        raise LabError(_why_over(gateway))


def check_spec(spec: LabSpec) -> None:
    """LabError names the first thing that no lab can be."""
    if not 1 <= spec.providers <= MOST_PROVIDERS:
        raise LabError(f"a lab has 1 to {MOST_PROVIDERS} providers, not {spec.providers}: try 3")
    if not (spec.block_time > 0 and math.isfinite(spec.block_time)):
        raise LabError(f"a block time of {spec.block_time:g} s: try 1s")
    if not (spec.latency >= 0 and math.isfinite(spec.latency)):
        raise LabError(f"a latency of {spec.latency:g} s: try 0s")
    if not (spec.attempt_timeout > 0 and math.isfinite(spec.attempt_timeout)):
        raise LabError(f"an attempt timeout of {spec.attempt_timeout:g} s: try 2s")
    if not 0 <= spec.port <= 65_535:
        raise LabError(f"port {spec.port}: a port is 0 (any free one) to 65535")


def provider_ids(count: int) -> list[str]:
    """`provider_a`, `provider_b`, ...: a letter each, hence MOST_PROVIDERS."""
    return [f"provider_{chr(ord('a') + index)}" for index in range(count)]


def node_arguments(spec: LabSpec, id_: str, genesis_time: float) -> list[str]:
    """The command line of one node; `genesis_time` in Unix seconds is what makes nodes agree."""
    return [
        *("node", "--id", id_, "--seed", str(spec.seed), "--genesis-time", repr(genesis_time)),
        *("--block-time", repr(spec.block_time), "--latency", repr(spec.latency)),
    ]


def gateway_arguments(spec: LabSpec, providers: Sequence[LabProvider]) -> list[str]:
    """The command line of the gateway, in front of nodes that are already listening."""
    upstreams = [part for provider in providers for part in ("--provider", f"{provider.id}={provider.url}")]
    return ["gateway", "--port", str(spec.port), "--attempt-timeout", repr(spec.attempt_timeout), *upstreams]


@asynccontextmanager
async def _started(spec: LabSpec) -> AsyncIterator[tuple[Lab, Child]]:
    """The lab and the process of its gateway; nobody is left after the block."""
    check_spec(spec)
    children: list[Child] = []
    try:
        lab = await _start_lab(spec, children)
        yield lab, children[-1]  # the gateway is started last, when every node is ready
    finally:
        await _end_all(children)


async def _start_lab(spec: LabSpec, children: list[Child]) -> Lab:
    genesis = genesis_before(time.time(), spec.block_time)
    nodes = {id_: node_arguments(spec, id_, genesis) for id_ in provider_ids(spec.providers)}
    ready = await _start_all(nodes, children)
    providers = tuple(LabProvider(id_, ready[id_]["url"], ready[id_]["pid"]) for id_ in nodes)
    gateway = (await _start_all({"gateway": gateway_arguments(spec, providers)}, children))["gateway"]
    return Lab(gateway["url"], providers, gateway["pid"])


async def _start_all(wanted: dict[str, list[str]], children: list[Child]) -> dict[str, dict[str, Any]]:
    """The ready line of each, all started at once; LabError for the first that fails."""
    outcomes: dict[str, dict[str, Any] | LabError] = {}

    async def start(name: str, arguments: list[str]) -> None:
        try:
            outcomes[name] = await _ready(await _spawn(name, arguments, children))
        except LabError as error:
            outcomes[name] = error

    async with trio.open_nursery() as nursery:
        for name, arguments in wanted.items():
            nursery.start_soon(start, name, arguments)
    for outcome in outcomes.values():
        if isinstance(outcome, LabError):
            raise outcome
    return {name: outcome for name, outcome in outcomes.items() if not isinstance(outcome, LabError)}


async def _spawn(name: str, arguments: list[str], children: list[Child]) -> Child:
    stderr = tempfile.TemporaryFile()  # noqa: SIM115 (closed in _end_all, after the process)
    command = [sys.executable, "-m", "battlectl.lab", *arguments]
    with trio.CancelScope(shield=True):  # a process that was started must not be lost between two lines
        process = await trio.lowlevel.open_process(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True
        )
        children.append(Child(name, process, stderr))
    return children[-1]


async def _ready(child: Child) -> dict[str, Any]:
    """The ready line, or LabError with what the process said instead."""
    line = b""
    with trio.move_on_after(READY_SECONDS):
        line = await _first_line(child.process)
    try:
        ready: dict[str, Any] = json.loads(line)
    except ValueError:
        raise LabError(_why_not_ready(child)) from None
    return ready


async def _first_line(process: trio.Process) -> bytes:
    """What the process says up to its first newline, or all it said once it has ended without one."""
    line = b""
    assert process.stdout is not None
    async for data in process.stdout:
        line += data
        if b"\n" in data:
            return line
    await process.wait()
    return line


def _why_not_ready(child: Child) -> str:
    code = child.process.poll()
    how = f"did not become ready within {READY_SECONDS:g} s" if code is None else _ending(code)
    tail = _stderr_tail(child)
    return f"the lab's {child.name} {how}: {tail}\ntry another port, or fewer providers on a busy machine"


def _why_over(child: Child) -> str:
    code = child.process.returncode
    assert code is not None, "asked of a process that is still running"
    return (
        f"the lab's {child.name} {_ending(code)} while the lab was up: {_stderr_tail(child)}\nstart it again"
    )


def _ending(code: int) -> str:
    """A negative code is the signal that killed the process, which not every Python knows by name."""
    names = {-number: number.name for number in signal.Signals}
    return (
        f"ended with exit code {code}" if code >= 0 else f"was killed by {names.get(code, f'signal {-code}')}"
    )


def _stderr_tail(child: Child) -> str:
    size = child.stderr.seek(0, 2)
    child.stderr.seek(max(0, size - STDERR_TAIL))
    return child.stderr.read().decode(errors="replace").strip() or "it said nothing on stderr"


async def _end_all(children: list[Child]) -> None:
    """Nobody is left when this returns, and it returns soon whatever the children do."""
    with trio.CancelScope(shield=True), trio.move_on_after(END_SECONDS):
        async with trio.open_nursery() as nursery:
            for child in children:
                nursery.start_soon(_end, child)
    for child in children:
        child.stderr.close()


async def _end(child: Child) -> None:
    process = child.process
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            await trio.aclose_forcefully(stream)
    process.terminate()
    with trio.move_on_after(POLITE_SECONDS):
        await process.wait()
    process.kill()  # a stopped process ignores everything else; one that has ended ignores this
    await process.wait()
