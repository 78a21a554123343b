"""`battlectl lab up` and `lab relay`: a lab to play with, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, TextIO

import trio

from battlectl.commands.lab_emit import Ports, emit, started_text
from battlectl.commands.lab_text import ready_json, ready_text
from battlectl.errors import UserError
from battlectl.lab.control import Lab, hold_lab
from battlectl.lab.spec import TOXIPROXY_PORT, LabError, LabSpec, check_spec, read_upstreams
from battlectl.quantities import parse_duration

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def lab_spec(
    environ: Mapping[str, str],
    *,
    admin_port: int | None,
    token_env: str | None,
    block_time: str = "1s",
    latency: str = "0ms",
    upstreams: Sequence[str] = (),
    has_gateway: bool = True,
    gateway: Mapping[str, Any],
    **more: Any,
) -> LabSpec:
    """The lab that a command line asks for; raises `UserError`. `more` is as in LabSpec.

    `gateway` holds what is about the gateway alone, by its name in LabSpec, with None for what was not said.
    """
    said = {name: value for name, value in gateway.items() if value is not None}
    if said and not has_gateway:
        option = f"--{next(iter(said)).replace('_', '-')}"
        raise UserError(f"{option} is the gateway's, and relays stand alone: add --gateway")
    try:
        spec = LabSpec(
            block_time=parse_duration(block_time),
            latency=parse_duration(latency),
            relays=read_upstreams(upstreams),
            admin_ports=_admin_ports(admin_port, said.get("port")),
            token=read_token(token_env, environ),
            has_gateway=has_gateway,
            **said,
            **more,
        )
        check_spec(spec)
    except (ValueError, LabError) as error:
        raise UserError(str(error)) from error
    return spec


def _admin_ports(asked: int | None, gateway: int | None) -> tuple[int, ...]:
    """Those to try in turn; where nobody asked for one, the gateway may have Toxiproxy's."""
    if asked is not None:
        return (asked,)
    return (0,) if gateway == TOXIPROXY_PORT else (TOXIPROXY_PORT, 0)


def read_token(token_env: str | None, environ: Mapping[str, str]) -> str | None:
    """The token in an environment variable, if one is named; raises `UserError` when it is not set."""
    if token_env is None:
        return None
    token = environ.get(token_env)
    if not token:
        raise UserError(f"--token-env: the environment variable {token_env} is not set, or empty")
    return token


def run_lab(spec: LabSpec, out: TextIO, as_json: bool = False, token_env: str | None = None) -> int:
    """Run a lab until told to stop; always 0. LabError when it cannot start, or ends by itself.

    With `as_json` the only output is the line of `ready_json`. `token_env` is named in the examples.
    """

    def tell(lab: Lab) -> None:
        print(ready_json(lab) if as_json else ready_text(lab, spec, token_env), file=out, flush=True)

    return _run_telling(spec, tell)


def emit_lab(
    spec: LabSpec, kind: str, ports: Ports, streams: tuple[TextIO, TextIO], token_env: str | None = None
) -> int:
    """The same with an aggregator's configuration as the only output, and what to do with it in stderr."""
    out, err = streams

    def tell(lab: Lab) -> None:
        print(emit(kind, lab, ports), file=out, end="", flush=True)
        print(started_text(kind, lab, ports, token_env), file=err, flush=True)

    return _run_telling(spec, tell)


def _run_telling(spec: LabSpec, tell: Callable[[Lab], None]) -> int:
    failure = trio.run(_run_until_told, spec, tell)
    if failure is not None:
        raise failure
    return 0


async def _run_until_told(spec: LabSpec, tell: Callable[[Lab], None]) -> LabError | None:
    failure: LabError | None = None
    # Listening before the start: a signal during the start must end the lab too, not lose its processes.
    with trio.open_signal_receiver(*STOP_SIGNALS) as signals:
        async with trio.open_nursery() as nursery:
            told = trio.CancelScope()
            nursery.start_soon(_cancel_at_each, signals, told)
            with told:
                failure = await _hold_lab(spec, tell)
            nursery.cancel_scope.cancel()
    return failure


async def _cancel_at_each(signals: AsyncIterator[int], told: trio.CancelScope) -> None:
    """Every signal is taken, an impatient second one too: one left over would strike after the end."""
    async for _ in signals:
        told.cancel()


async def _hold_lab(spec: LabSpec, tell: Callable[[Lab], None]) -> LabError | None:
    """The error as a value, because out of a nursery it would come in a group."""
    try:
        await hold_lab(spec, tell)
    except LabError as error:
        return error
