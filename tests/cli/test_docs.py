"""README.md names every command, option and exit code there is."""

from pathlib import Path

import pytest
import typer.main

from battlectl.cli import app
from battlectl.errors import ExitCode

README = (Path(__file__).parents[2] / "README.md").read_text()


def flatten(group, before=""):
    """Verb -> command; the verbs of a group come as `group verb`."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from flatten(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


COMMANDS = dict(flatten(typer.main.get_command(app)))
EVERYWHERE = ("--help", "-h")
OPTIONS = sorted(
    {
        (verb, option)
        for verb, command in COMMANDS.items()
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("--") and option not in EVERYWHERE
    }
)


def paragraph_of(verb):
    """The row of a command in the table of commands."""
    starts = (f"| `battlectl {verb}`", f"| `battlectl {verb} ")
    (row,) = [line for line in README.splitlines() if line.startswith(starts)]
    return row


@pytest.mark.parametrize("verb", sorted(COMMANDS))
def test_every_command_is_in_the_readme(verb):
    assert paragraph_of(verb)


@pytest.mark.parametrize(("verb", "option"), OPTIONS)
def test_every_option_is_in_the_readme(verb, option):
    """In the row of its command, or in that of `run` or `lab up`, whose options others share."""
    assert any(option in paragraph_of(row) for row in (verb, "run", "lab up"))


@pytest.mark.parametrize("option", ["--version", "--debug", "--install-completion", "--show-completion"])
def test_every_common_option_is_in_the_readme(option):
    assert option in README


@pytest.mark.parametrize("code", list(ExitCode), ids=str)
def test_every_exit_code_is_in_the_readme(code):
    rows = [line.split("|")[1] for line in README.splitlines() if line.startswith("| ") and "|" in line[2:]]
    assert str(int(code)) in {word.strip() for row in rows for word in row.split(",")}
