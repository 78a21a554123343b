"""`battlectl lab`: a lab to play with, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import json
import signal
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import TextIO

import trio

from battlectl.lab.control import Lab, hold_lab
from battlectl.lab.spec import LabError, LabSpec

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_lab(spec: LabSpec, out: TextIO, as_json: bool = False) -> int:
    """Run a lab until told to stop; always 0. LabError when it cannot start, or its gateway ends by itself.

    With `as_json`, the only output is one line: {"ready": true, "url", "gateway_pid", "providers": [{"id",
    "url", "pid"}]}.
    """
    trio.run(_run_until_told, spec, out, as_json)
    return 0


def ready_json(lab: Lab) -> str:
    """The ready line that `run_lab` describes, without its newline."""
    return json.dumps({"ready": True, **asdict(lab)})


def ready_text(lab: Lab) -> str:
    """The addresses and pids for people, with commands to try on them."""
    width = max(len(provider.id) for provider in lab.providers)
    nodes = [f"  {node.id:<{width}}  {node.url}" for node in lab.providers]
    call = '{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}'
    return "\n".join(
        [
            "The lab is up.",
            f"  {'gateway':<{width}}  {lab.url}  pid {lab.gateway_pid}",
            *nodes,
            "",
            "Try it:",
            f"  curl -i {lab.url} -d '{call}'",
            f"  curl {lab.url}/api/health",
            f"  battlectl run scenarios/ --target {lab.url}",
            "",
            "Ctrl-C ends it.",
        ]
    )


async def _run_until_told(spec: LabSpec, out: TextIO, as_json: bool) -> None:
    failure: LabError | None = None
    # Listening before the start: a signal during the start must end the lab too, not lose its processes.
    with trio.open_signal_receiver(*STOP_SIGNALS) as signals:
        async with trio.open_nursery() as nursery:
            told = trio.CancelScope()
            nursery.start_soon(_cancel_at_each, signals, told)
            with told:
                failure = await _hold_lab(spec, out, as_json)
            nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure


async def _cancel_at_each(signals: AsyncIterator[int], told: trio.CancelScope) -> None:
    """Every signal is taken, an impatient second one too: one left over would strike after the end."""
    async for _ in signals:
        told.cancel()


async def _hold_lab(spec: LabSpec, out: TextIO, as_json: bool) -> LabError | None:
    """The error as a value, because out of a nursery it would come in a group."""

    def tell(lab: Lab) -> None:
        print(ready_json(lab) if as_json else ready_text(lab), file=out, flush=True)

    try:
        await hold_lab(spec, tell)
    except LabError as error:
        return error
