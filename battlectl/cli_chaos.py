"""`battlectl heal` and the verbs of `battlectl chaos`: typer only, then one plain function each."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Break a provider by hand, see what is broken, and end it. Without --target or --admin: the lab at "
    "its usual port, 8474.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Results = Annotated[Path | None, typer.Option(help="Where the results of runs are.", show_default="results")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def heal(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="RUN_DIR", help="Folders of runs; none: all of them.", show_default=False),
    ] = None,
    results: Results = None,
    target: Annotated[
        str | None, typer.Option(help="Only what was broken at this target.", show_default=False)
    ] = None,
    forget: Annotated[
        bool, typer.Option("--forget", help="Take it for healed and ask nobody: it was ended by hand.")
    ] = False,
    json: Json = False,
) -> None:
    """Undo the faults that runs left in force, a killed run's included."""
    from battlectl.commands.heal import HealOptions
    from battlectl.commands.heal import heal as heal_command

    options = HealOptions(tuple(runs or ()), results, target, forget)
    raise typer.Exit(int(heal_command(options, os.environ, json, sys.stdout)))


Provider = Annotated[str, typer.Argument(help="Which provider.", show_default=False)]
Target = Annotated[
    str | None,
    typer.Option("--target", help="NAME or a config file, whose `chaos` says how.", show_default=False),
]
Admin = Annotated[
    str | None,
    typer.Option(
        "--admin",
        help="URL of the admin API of a lab or a Toxiproxy.",
        show_default="http://127.0.0.1:8474",
    ),
]
TokenEnv = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Environment variable with the admin API's token.", show_default=False),
]
Length = Annotated[str | None, typer.Option("--for", help="For how long.", show_default="30s")]
Params = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        metavar="NAME=VALUE",
        help="As a scenario writes it: latency=300ms; repeatable.",
        show_default=False,
    ),
]
Detach = Annotated[
    bool, typer.Option("--detach", help="Leave it to a lease of that length, which only a lab has.")
]


@app.command()
def inject(
    kind: Annotated[
        str, typer.Argument(help="Kind of fault, as `battlectl faults` lists them.", show_default=False)
    ],
    provider: Provider,
    length: Length = None,
    param: Params = None,
    target: Target = None,
    admin: Admin = None,
    token_env: TokenEnv = None,
    detach: Detach = False,
    results: Results = None,
) -> None:
    """Put a fault in force at a provider, prove it, and heal it when its time is over or at Ctrl-C."""
    from battlectl.commands.chaos import inject as inject_command
    from battlectl.commands.chaos_arm import Wish
    from battlectl.commands.chaos_ground import find_ground

    wish = Wish(kind, provider, tuple(param or ()), length, detach)
    ground = find_ground(target, admin, token_env, os.environ)
    raise typer.Exit(int(inject_command(wish, ground, results or Path("results"), sys.stdout)))


@app.command()
def kill(
    provider: Provider,
    length: Length = None,
    param: Params = None,
    target: Target = None,
    admin: Admin = None,
    token_env: TokenEnv = None,
    detach: Detach = False,
    results: Results = None,
) -> None:
    """The same as `inject kill`: a provider that refuses all connections."""
    inject("kill", provider, length, param, target, admin, token_env, detach, results)


@app.command()
def status(
    target: Target = None,
    admin: Admin = None,
    token_env: TokenEnv = None,
    results: Results = None,
    json: Json = False,
) -> None:
    """Show what is broken now, as the driver and the journals tell."""
    from battlectl.commands.chaos_clear import status as status_command
    from battlectl.commands.chaos_ground import find_ground

    ground = find_ground(target, admin, token_env, os.environ)
    raise typer.Exit(int(status_command(ground, results or Path("results"), os.environ, json, sys.stdout)))


@app.command()
def clear(
    provider: Annotated[str | None, typer.Argument(help="Only at this provider.", show_default=False)] = None,
    target: Target = None,
    admin: Admin = None,
    token_env: TokenEnv = None,
    results: Results = None,
) -> None:
    """End what was broken by hand, and with a lab or a Toxiproxy every fault that is in force."""
    from battlectl.commands.chaos_clear import clear as clear_command
    from battlectl.commands.chaos_ground import find_ground

    ground = find_ground(target, admin, token_env, os.environ)
    raise typer.Exit(int(clear_command(provider, ground, results or Path("results"), os.environ, sys.stdout)))
