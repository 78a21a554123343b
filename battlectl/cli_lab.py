"""The verbs of `battlectl lab`: typer only, then one plain function each.

Rule: `battlectl lab` without a verb is `battlectl lab up`, as it was before there were others.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from battlectl.commands.lab_emit import Ports
    from battlectl.lab.spec import LabSpec


class UpByDefault(TyperGroup):
    """A group whose options, when no verb comes before them, are those of `up`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """`--help` stays the group's own."""
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["up", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=UpByDefault,
    help="Simulated or relayed providers that can be broken, until Ctrl-C. Without a verb: `up`.",
    rich_markup_mode=None,
)

Port = Annotated[
    int | None,
    typer.Option(help="Port of the gateway.", min=0, max=65535, show_default="0, which takes a free one"),
]
AdminPort = Annotated[
    int | None,
    typer.Option(
        help="Port of the admin API; 0 takes a free one.",
        min=0,
        max=65535,
        show_default="8474, or a free one where that is taken",
    ),
]
TokenEnv = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Environment variable with the admin API's token.", show_default=False),
]
Host = Annotated[str, typer.Option(help="Address that everything listens on.")]
AnyAddress = Annotated[
    bool,
    typer.Option("--allow-any-address", help="Listen on, and relay to, addresses beyond this machine, too."),
]
Revision = Annotated[
    str | None,
    typer.Option(help="Which contract the gateway has: current or 2025-10.", show_default="current"),
]
Strategy = Annotated[
    str | None,
    typer.Option(
        help="Of requests that name none: fastest, cheapest, priority, round-robin, load-balanced or "
        "latency-weighted.",
        show_default="the revision's",
    ),
]
Defect = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Plant this defect in the gateway, to see whether it is found; repeatable. "
        "`battlectl lab defects` lists them.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON instead of text.")]


@app.command()
def up(
    providers: Annotated[int, typer.Option(help="How many simulated nodes.", min=1, max=26)] = 3,
    block_time: Annotated[str, typer.Option(help="Time between blocks.")] = "1s",
    latency: Annotated[str, typer.Option(help="Added to every answer of a node.")] = "0ms",
    seed: Annotated[int, typer.Option(help="Of the chain: the same seed has the same blocks.", min=0)] = 1,
    revision: Revision = None,
    strategy: Strategy = None,
    defect: Defect = None,
    port: Port = None,
    admin_port: AdminPort = None,
    token_env: TokenEnv = None,
    host: Host = "127.0.0.1",
    allow_any_address: AnyAddress = False,
    json: Json = False,
    emit: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="Print the configuration of an aggregator (lasso, envoy or haproxy) with the lab behind it, "
            "and start no gateway; --port is then the aggregator's.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Start simulated nodes behind a gateway, and their admin API, until Ctrl-C."""
    from battlectl.commands.lab import lab_spec

    gateway = {"revision": revision, "strategy": strategy, "defect": tuple(defect) if defect else None}
    ports = None if emit is None else _emitted_ports(emit, port, gateway, json)
    spec = lab_spec(
        os.environ,
        providers=providers,
        block_time=block_time,
        latency=latency,
        seed=seed,
        has_gateway=emit is None,
        gateway={"port": port, **gateway} if emit is None else {},
        admin_port=admin_port,
        token_env=token_env,
        host=host,
        allow_any_address=allow_any_address,
    )
    if emit is None or ports is None:
        _hold(spec, json, token_env)
    else:
        _emit(spec, emit, ports, token_env)


@app.command()
def relay(
    upstream: Annotated[
        list[str],
        typer.Option(
            metavar="[NAME=]URL",
            help="A real node, one relay for each: URL, or 'URL WS_URL' when its WebSocket is elsewhere; "
            "repeatable.",
            show_default=False,
        ),
    ],
    gateway: Annotated[bool, typer.Option("--gateway", help="Put the lab's gateway in front.")] = False,
    chain_id: Annotated[
        int | None, typer.Option(help="The gateway's.", min=1, show_default="asked of the nodes")
    ] = None,
    revision: Revision = None,
    strategy: Strategy = None,
    defect: Defect = None,
    port: Port = None,
    admin_port: AdminPort = None,
    token_env: TokenEnv = None,
    host: Host = "127.0.0.1",
    allow_any_address: AnyAddress = False,
    json: Json = False,
) -> None:
    """Start relays in front of real nodes, to be broken through the admin API, until Ctrl-C."""
    from battlectl.commands.lab import lab_spec

    spec = lab_spec(
        os.environ,
        upstreams=upstream,
        has_gateway=gateway,
        gateway={
            "port": port,
            "revision": revision,
            "strategy": strategy,
            "chain_id": chain_id,
            "defect": tuple(defect) if defect else None,
        },
        admin_port=admin_port,
        token_env=token_env,
        host=host,
        allow_any_address=allow_any_address,
    )
    _hold(spec, json, token_env)


@app.command()
def status(
    admin: Annotated[str, typer.Option(help="URL of the lab's admin API.")] = "http://127.0.0.1:8474",
    token_env: TokenEnv = None,
    json: Json = False,
) -> None:
    """Show the providers of a running lab, what they have served, and the faults in force."""
    from battlectl.commands.lab import read_token
    from battlectl.commands.lab_status import status as status_command

    raise typer.Exit(int(status_command(admin, read_token(token_env, os.environ), json, sys.stdout)))


@app.command()
def defects(json: Json = False) -> None:
    """List the defects that can be planted in the gateway."""
    from battlectl.commands.lab_defects import defects as defects_command

    raise typer.Exit(int(defects_command(json, sys.stdout)))


def _hold(spec: LabSpec, json: bool, token_env: str | None) -> None:
    from battlectl.commands.lab import run_lab

    _until_told(lambda: run_lab(spec, sys.stdout, json, token_env))


def _emit(spec: LabSpec, kind: str, ports: Ports, token_env: str | None) -> None:
    from battlectl.commands.lab import emit_lab

    _until_told(lambda: emit_lab(spec, kind, ports, (sys.stdout, sys.stderr), token_env))


def _emitted_ports(kind: str, port: int | None, gateway: dict[str, Any], json: bool) -> Ports:
    from battlectl.commands.lab_emit import choose_ports
    from battlectl.errors import UserError

    if json:
        raise UserError("--emit and --json both want stdout: leave one away")
    return choose_ports(kind, port, gateway)


def _until_told(run: Callable[[], int]) -> NoReturn:
    from battlectl.errors import NotReady
    from battlectl.lab.spec import LabError

    try:
        code = run()
    except LabError as error:
        raise NotReady(str(error)) from error
    raise typer.Exit(code)
