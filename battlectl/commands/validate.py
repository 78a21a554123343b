"""`battlectl validate`: are these files right? Nothing is sent, nothing is resolved on the network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from battlectl.commands.chaos_plan import injections_of
from battlectl.commands.files import find_scenarios, load_scenario, load_target
from battlectl.errors import ExitCode, UserError
from battlectl.quantities import format_duration
from battlectl.scenario.model import Scenario, promises


def validate(
    paths: Sequence[Path],
    sets: Sequence[str],
    tags: Sequence[str],
    target: str | None,
    out: TextIO,
    err: TextIO,
) -> ExitCode:
    """Print a line per valid file to `out` and every problem of the others to `err`; 2 when there is any."""
    try:
        found = find_scenarios(paths, tags, sets)
    except UserError as error:
        print(error, file=err)
        return error.exit_code
    codes = [_validate_file(path, sets, target, out, err) for path in found]
    return max(codes, default=ExitCode.USAGE)


def _validate_file(path: Path, sets: Sequence[str], target: str | None, out: TextIO, err: TextIO) -> ExitCode:
    try:
        parsed = load_scenario(path, sets)
        scenario = parsed.scenario
        name = scenario.target if target is None else target
        injections = injections_of(parsed, load_target(name, path).target, name)
    except UserError as error:
        print(error, file=err)
        return error.exit_code
    print(f"{path}: valid: {summarise(scenario, len(injections))}", file=out)
    return ExitCode.PASS


def summarise(scenario: Scenario, injections: int = 0) -> str:
    """What a scenario is made of, in one line."""
    duration = format_duration(sum(scenario.phases.values()))
    parts = [
        _count(len(scenario.load), "workload"),
        _count(len(scenario.phases), "phase"),
        f"{duration} in all",
        *([_count(injections, "injection")] if injections else []),
        _count(len(promises(scenario)), "objective"),
    ]
    return ", ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
