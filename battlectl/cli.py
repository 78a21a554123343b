"""The command line: typer only, then one plain function per verb.

Rule: nothing heavy is imported before a verb needs it, so that `battlectl --help` answers at once. A
`UserError` becomes tidy lines and its exit code; anything else is our bug: one line, and a traceback in a
file.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from battlectl import cli_chaos, cli_lab

app = typer.Typer(
    name="battlectl",
    help="Proves, or refutes, that a JSON-RPC aggregator keeps its promises while its providers fail.",
    epilog="Exit codes: 0 pass, 99 objectives failed, 3 inconclusive, 2 bad usage or scenario, 4 not ready, "
    "5 stopped by a safety limit, 6 a fault is still in force, 130 and 143 interrupted, 1 battlectl crashed.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Paths = Annotated[list[Path], typer.Argument(help="Scenario files, or folders of them.", show_default=False)]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="Only scenarios with this tag; repeatable.")]
Sets = Annotated[
    list[str] | None, typer.Option("--set", help="Override a value: load.reads.rate=300/s; repeatable.")
]
TargetName = Annotated[
    str | None,
    typer.Option("--target", help="Instead of the scenario's own target: NAME, a config file or a URL."),
]
Seed = Annotated[int | None, typer.Option(help="A seed instead of the scenario's own.", min=0)]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command()
def run(
    paths: Paths,
    tag: Tags = None,
    set_: Sets = None,
    target: TargetName = None,
    seed: Seed = None,
    results: Annotated[str, typer.Option(help="Where the reports go.")] = "results",
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress, no summary: the exit code alone.")
    ] = False,
    json: Json = False,
) -> None:
    """Send the load of scenarios and say whether their objectives hold."""
    from battlectl.commands.output import print_suite
    from battlectl.commands.run import RunOptions
    from battlectl.commands.run import run as run_command
    from battlectl.errors import UserError

    if not results.strip():
        raise UserError("--results is empty: is a variable unset?")
    is_terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    style = "quiet" if quiet or json else "live" if is_terminal else "lines"
    suite = run_command(paths, tag or [], set_ or [], target, seed, RunOptions(Path(results), style))
    if json or not quiet:
        print_suite(suite, as_json=json)
    raise typer.Exit(int(suite.code))


@app.command()
def validate(paths: Paths, tag: Tags = None, set_: Sets = None, target: TargetName = None) -> None:
    """Check scenario files; nothing is sent."""
    from battlectl.commands.validate import validate as validate_command

    code = validate_command(paths, set_ or [], tag or [], target, sys.stdout, sys.stderr)
    raise typer.Exit(int(code))


@app.command()
def plan(
    paths: Paths,
    tag: Tags = None,
    set_: Sets = None,
    target: TargetName = None,
    seed: Seed = None,
    arrivals: Annotated[int, typer.Option(help="How many arrivals of each workload to show.", min=0)] = 0,
    json: Json = False,
) -> None:
    """Show what would be sent when; touches no network."""
    from battlectl.commands.plan import plan as plan_command

    code = plan_command(paths, tag or [], set_ or [], target, seed, arrivals, json, sys.stdout)
    raise typer.Exit(int(code))


@app.command()
def report(
    folder: Annotated[
        Path, typer.Argument(help="The results folder of one run, results/latest for instance.")
    ],
    objective: Annotated[
        list[str] | None, typer.Option("--objective", help="Judge this on the stored data; repeatable.")
    ] = None,
    json: Json = False,
) -> None:
    """Rebuild a report from stored data, a killed run's included, or judge new objectives on it."""
    from battlectl.commands.output import print_suite
    from battlectl.commands.report import report as report_command
    from battlectl.commands.run import Suite

    suite = Suite((report_command(folder, objective or []),), 1, None)
    print_suite(suite, as_json=json)
    raise typer.Exit(int(suite.code))


@app.command("learn-breaker")
def learn_breaker(
    target: Annotated[str, typer.Option("--target", help="NAME, a config file or a URL.")],
    provider: Annotated[
        str | None, typer.Option(help="Which one is made to fail.", show_default="the first")
    ] = None,
    method: Annotated[str, typer.Option(help="A method that the target's health checks do not call.")] = (
        "eth_gasPrice"
    ),
    rate: Annotated[str, typer.Option(help="Of the load.")] = "150/s",
    length: Annotated[str, typer.Option("--for", help="How long the provider fails.")] = "20s",
    results: Annotated[str, typer.Option(help="Where the report goes.")] = "results",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="The result alone.")] = False,
) -> None:
    """Fail one provider for a while, and print what its breaker did as text for the target's config."""
    from battlectl.commands.learn_breaker import Lesson
    from battlectl.commands.learn_breaker import learn_breaker as learn_command

    lesson = Lesson(target, provider, method, rate, length)
    style = "quiet" if quiet else "lines"
    raise typer.Exit(int(learn_command(lesson, Path(results), style, sys.stdout)))


@app.command()
def schema(
    kind: Annotated[str, typer.Argument(help="scenario or target")] = "scenario",
) -> None:
    """Print the JSON Schema of scenario or target files, for editors."""
    from battlectl.commands.schema import schema as schema_command

    raise typer.Exit(int(schema_command(kind, sys.stdout)))


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="Where to write.")] = Path()) -> None:
    """Write a first scenario and its config, with comments."""
    from battlectl.commands.init import init as init_command

    raise typer.Exit(int(init_command(folder, sys.stdout)))


@app.command()
def faults(
    name: Annotated[
        str | None, typer.Argument(help="One kind, to be told all of it.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """List the kinds of faults that providers of the lab can have, or explain one."""
    from battlectl.commands.faults import faults as faults_command

    raise typer.Exit(int(faults_command(name, json, sys.stdout)))


app.command()(cli_chaos.heal)
app.add_typer(cli_chaos.app, name="chaos")
app.add_typer(cli_lab.app, name="lab")


def show_version(wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        from importlib.metadata import version

        print(f"battlectl {version('battlectl')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """What every verb knows."""
    if debug:
        os.environ["BATTLECTL_DEBUG"] = "1"


def main() -> NoReturn:
    """The console script: run the command line, and be the one place where an exception ends."""
    from battlectl.errors import ExitCode, UserError

    die_of_interrupts()
    make_printable()
    try:
        app()
    except UserError as error:
        _debug_traceback()
        print(f"battlectl: {error}" if "\n" not in str(error) else str(error), file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _debug_traceback()
        print("battlectl: interrupted", file=sys.stderr)
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)  # As a shell says of whoever loses its reader.
    except Exception as error:
        print(_crash_text(error), file=sys.stderr)
        sys.exit(ExitCode.CRASHED)
    sys.exit(ExitCode.PASS)


def make_printable() -> None:
    """Any text can be printed in any locale, and printing to a closed stream is no crash."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 (as long-lived as the stream it stands for)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def die_of_interrupts() -> None:
    """Until a run listens, Ctrl-C ends the process as SIGTERM does: silently, 130 to a shell.

    A KeyboardInterrupt in the middle of an import would come out as whatever the import makes of it.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _debug_traceback() -> None:
    if os.environ.get("BATTLECTL_DEBUG"):
        import traceback

        traceback.print_exc()


def _crash_text(error: Exception) -> str:
    import traceback

    _debug_traceback()
    with tempfile.NamedTemporaryFile("w", prefix="battlectl-crash-", suffix=".txt", delete=False) as file:
        traceback.print_exception(error, file=file)
    cause = _cause_of(error)
    return f"battlectl crashed: {type(cause).__name__}: {cause}\nplease report it with {file.name}"


def _cause_of(error: BaseException) -> BaseException:
    """The one error in a nursery's wrapping; several stay wrapped."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
